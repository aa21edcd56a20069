"""Means of few ratings, made sharper by columns that are known for every prompt.

The generalised regression estimator of survey sampling (Särndal, Swensson and Wretman
1992, chapter 6), which control variates, CUPED and prediction-powered inference
(Angelopoulos, Duchi and Zrnic 2023, arXiv 2311.01453) are kin to:

    theta = sum_i c_i (y_i - o_i) + mean_j o_j,    c = W A (A' W A)^-1 a

with the rated prompts i, all prompts j, columns A of the rated prompts (the first is
1), their mean a over all prompts, weights W of the inverse drawing probabilities, and
an offset o, a prediction that was learned elsewhere. Residuals e_i give the variance

    sum_i c_i^2 e_i^2 / (1 - h_i)^k + [var(g) + 2 cov(e, g)] / N

with leverages h, k = 1 (HC2) or 2 (HC3; MacKinnon and White 1985), and g, what columns
and offset say of each prompt. With the column of ones alone and k = 1 the first term
is s^2 / n. Without the second term, which is what other prompts like these would have
changed, and with the finite population correction it is the variance on exactly these
prompts:

    sum_i c_i^2 [(1 - p_i) e_i^2 / (1 - h_i)^k + p_i s_r^2]

with drawing probabilities p and the variance s_r^2 of what raters say of one prompt.
All arrays may have leading axes, over which nothing is shared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

_LEAST_FREEDOM = 1e-9
"""Least 1 - h: a prompt beyond it decides a slope by itself."""
_NOTHING = 1e-12


@dataclass(frozen=True, slots=True)
class Rated:
    """What is known of prompts of which some were rated."""

    y: Floats
    """(..., n), the ratings."""
    columns: Floats
    """(..., n, q), of the rated prompts; the first is 1."""
    everyone: Floats
    """(..., N, q), of all prompts, the rated ones among them."""
    chance: Floats
    """(..., n), the probability with which each rated prompt was drawn."""
    noise: float = 0.0
    """Variance of what raters say of one prompt, in squared units of the ratings."""
    offset: Floats | None = None
    """(..., n), a prediction of the ratings that does not come from themselves."""
    offset_everyone: Floats | None = None
    """(..., N), the same of all prompts."""
    learned: int = 0
    """Slopes of the offset that other ratings of the same sample taught."""


@dataclass(frozen=True, slots=True)
class Fit:
    """An estimate of the mean with all that an interval needs."""

    value: Floats
    """(...), in units of the ratings."""
    like_these: Floats
    """(...), its variance where other prompts like these could have been asked."""
    exactly_these: Floats
    """(...), its variance about the mean of exactly these prompts."""
    df: Floats
    """(...), degrees of freedom of the residuals, at least 1."""
    unexplained: Floats
    """(...), weighted sum of squared residuals."""
    influence: Floats
    """(..., n), what each rated prompt adds to the estimate's error."""
    predicted: Floats
    """(..., N), what columns and offset say of each prompt, less their mean."""
    slopes: Floats
    """(..., q), of the columns."""
    regular: Bools
    """(...), False where a column is constant or one prompt decides a slope."""


def fit(rated: Rated, *, power: int) -> Fit:
    """The estimator and its variances.

    Args:
        rated: the ratings and what is known of all prompts.
        power: of the leverage correction, 1 (HC2) or 2 (HC3).
    """
    zero: Any = 0.0
    offset = zero if rated.offset is None else rated.offset
    elsewhere = zero if rated.offset_everyone is None else rated.offset_everyone
    y = rated.y - offset
    a, weight = rated.columns, 1 / rated.chance
    weighted = a * weight[..., None]
    inverse = np.linalg.pinv(np.swapaxes(weighted, -1, -2) @ a, hermitian=True)
    slopes = (inverse @ (np.swapaxes(weighted, -1, -2) @ y[..., None]))[..., 0]
    residual = y - (a @ slopes[..., None])[..., 0]
    at = rated.everyone.mean(axis=-2)
    c = (weighted @ (inverse @ at[..., None]))[..., 0]
    leverage = ((weighted @ inverse) * a).sum(axis=-1)
    free = np.maximum(1 - leverage, _LEAST_FREEDOM)
    spread = c**2 * residual**2 / free**power
    said = (rated.everyone @ slopes[..., None])[..., 0] + elsewhere
    total = said.shape[-1]
    share = weight / weight.sum(axis=-1, keepdims=True)
    of_rated = rated.y - residual
    covariance = (share * residual * of_rated).sum(axis=-1) - (share * residual).sum(
        axis=-1
    ) * (share * of_rated).sum(axis=-1)
    others = (said.var(axis=-1, ddof=min(1, total - 1)) + 2 * covariance) / total
    # A fixed design has no more information than that many equal weights (Kish 1965).
    effective = weight.sum(axis=-1) ** 2 / (weight**2).sum(axis=-1)
    return Fit(
        value=said.mean(axis=-1) + (c * residual).sum(axis=-1),
        like_these=spread.sum(axis=-1) + others,
        exactly_these=(
            (1 - rated.chance) * spread + rated.chance * c**2 * rated.noise
        ).sum(axis=-1),
        df=np.maximum(effective - a.shape[-1] - rated.learned, 1.0),
        unexplained=(weight * residual**2).sum(axis=-1),
        influence=c * residual / free ** (power / 2),
        predicted=said - said.mean(axis=-1, keepdims=True),
        slopes=slopes,
        regular=(1 - leverage).min(axis=-1) > _LEAST_FREEDOM,
    )


def r_squared(base: Fit, better: Fit) -> Floats:
    """Share that `better` explains of what `base` leaves; negative if it misleads."""
    known = base.unexplained > _NOTHING
    left = np.divide(
        better.unexplained, base.unexplained, out=np.ones(known.shape), where=known
    )
    return np.where(known & better.regular, 1 - left, 0.0)


def least_gain(n: int) -> float:
    """Share of n ratings that metrics must be worth before they may sharpen them.

    Twice Gaussian break-even, 1 / (n - 2) for one slope (Mani et al. 2025, arXiv
    2505.20178), so that chance alone passes once in six or seven times.
    """
    return 2 / max(n - 2, 1)


def metric_helps(r2: Floats, n: int, total: int) -> Bools:
    """The rule, fixed in advance, by which metrics may sharpen the ratings.

    A metric that explains R^2 of the ratings is worth that share of them, as far as
    there are prompts without a rating: R^2 (N - n) / N must be above `least_gain`. The
    rule looks at R^2, n and N alone, never at the estimate.

    Args:
        r2: share of the ratings' variance that the metrics explain; of several
            metrics, that their predictions of held-out prompts explain.
        n: rated prompts.
        total: all prompts.
    """
    gain = r2 * (total - n) / total
    return np.asarray((gain > least_gain(n)) & (n >= LEAST_RATED))


LEAST_RATED = 12
"""Rated prompts below which the ratings stand alone."""


def normal_scores(values: Floats) -> Floats:
    """Where each prompt stands among all in a metric, as a normal quantile.

    Van der Waerden's scores, equal values sharing their mean rank, divided by their
    standard deviation: whatever the metric's scale, direction and tails, one prompt
    cannot decide a slope. A metric that is constant is 0.

    Args:
        values: (..., N), finite.
    """
    from scipy.special import ndtri
    from scipy.stats import rankdata

    ranks = rankdata(values, axis=-1)
    scores = np.asarray(ndtri(ranks / (values.shape[-1] + 1)))
    centred = scores - scores.mean(axis=-1, keepdims=True)
    deviation = centred.std(axis=-1, keepdims=True)
    varies = deviation > _NOTHING
    return np.asarray(centred / np.where(varies, deviation, np.inf))
