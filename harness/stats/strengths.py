"""Bradley-Terry strengths of three or more checkpoints, sharpened by scores.

Of two checkpoints the win rate says all (`combine.win_rate`). Of more, strengths theta
maximise the likelihood P(a beats b) = 1 / (1 + exp(theta_b - theta_a)) (Bradley and
Terry 1952), a tie being half a win on either side. What metrics say enters in one step
(prediction-powered inference for the model, Boyeau et al. 2025, arXiv 2403.07008):

    theta + lambda H^-1 (mean_j z_j - mean_i z_i)

with the mean curvature H, and z_i, the metric's differences at prompt i added up as the
likelihood's slope psi_i adds up outcomes. lambda is the least-squares slope of
H^-1 psi on H^-1 z. The variance is the sandwich of the residuals' sums per prompt: the
comparisons of one prompt are not independent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.stats.control_variate import metric_helps, normal_scores
from harness.stats.preference import CONVERGED, NEWTON_STEPS, PRIOR_SD
from harness.stats.rated_prompts import as_floats
from harness.stats.sharpened import LEVEL, LIKE_THESE, Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_LEAST = 3


def strengths(
    outcomes: ArrayLike,
    pairs: Sequence[tuple[int, int]],
    scores: ArrayLike | None = None,
) -> tuple[Estimate, ...]:
    """Each checkpoint's strength in log-odds; all strengths add up to 0.

    A weak prior (that of `preference`) keeps one that always won finite. The estimand
    is "prompts like these".

    Args:
        outcomes: (prompts, pairs): 1 where the first of the pair is preferred, 0 where
            the second is, 0.5 for a tie, NaN where nobody compared.
        pairs: the two checkpoints of each column, numbered from 0.
        scores: (prompts, checkpoints) of one metric; NaN where it has none.

    Raises:
        UsageError: fewer than three checkpoints, shapes that do not fit, or outcomes
            beyond 0 and 1.
    """
    y, ends, systems = _checked(outcomes, pairs)
    compared = ~np.isnan(y)
    rated = compared.any(axis=1)
    n = int(rated.sum())
    if n < _LEAST:
        nothing = Estimate(
            *(None, None, None, n, "undefined", LIKE_THESE, float(n), None),
            f"{n} compared prompts: three are needed",
        )
        return (nothing,) * systems
    theta = _fitted(y[rated], ends)
    chance = _chance(theta, ends)
    error = np.where(compared, np.nan_to_num(y) - chance, 0.0)[rated]
    curve = _curvature(compared[rated], chance, ends) / n
    turned = np.linalg.pinv(curve, hermitian=True)
    slope = error @ ends @ turned
    alone = _variance(slope, n)
    if scores is None:
        return _estimates(theta, alone, alone, (n, 1), None)
    said, everyone = (part @ turned for part in _metric(scores, pairs, compared, ends))
    inner = said - said.mean(axis=0)
    denominator = (inner**2).sum()
    weight = float((inner * slope).sum() / denominator) if denominator > 0 else 0.0
    residual = slope - weight * inner
    r2 = 1 - float((residual**2).sum() / (slope**2).sum())
    if not bool(metric_helps(np.asarray(r2), n, len(y))):
        return _estimates(theta, alone, alone, (n, 1), r2)
    variance = _variance(residual, n) * (n - 1) / (n - 2)
    variance += weight**2 * everyone.var(axis=0, ddof=1) / len(everyone)
    moved = theta + weight * (everyone.mean(axis=0) - said.mean(axis=0))
    return _estimates(moved, variance, alone, (n, 2), r2)


def _checked(
    outcomes: ArrayLike, pairs: Sequence[tuple[int, int]]
) -> tuple[Floats, Floats, int]:
    """Outcomes, and a row of +1 and -1 for each pair."""
    y = as_floats(outcomes, "The outcomes", dimensions=(2,))
    if len(pairs) != y.shape[1] or any(one == other for one, other in pairs):
        raise UsageError(
            f"There must be a pair of checkpoints for each of the {y.shape[1]} columns."
        )
    if ((y < 0) | (y > 1)).any():
        raise UsageError("Outcomes must be between 0 (second wins) and 1 (first wins).")
    systems = 1 + max((max(pair) for pair in pairs), default=0)
    if systems < _LEAST:
        raise UsageError(
            "Strengths need three or more checkpoints; of two, take win_rate."
        )
    rows = np.arange(len(pairs))
    ends = np.zeros((len(pairs), systems))
    ends[rows, [one for one, _ in pairs]] = 1
    ends[rows, [other for _, other in pairs]] = -1
    return y, ends, systems


def _metric(
    scores: ArrayLike,
    pairs: Sequence[tuple[int, int]],
    compared: NDArray[np.bool_],
    ends: Floats,
) -> tuple[Floats, Floats]:
    """The metric's slopes at compared pairs of rated prompts, and at all prompts.

    At all prompts each pair counts as often as it was compared.
    """
    x = as_floats(scores, "The scores", dimensions=(2,))
    if x.shape != (len(compared), ends.shape[1]):
        raise UsageError(
            "Scores must be of the same prompts, (prompts, checkpoints), here "
            f"({len(compared)}, {ends.shape[1]}); they have the shape {x.shape}."
        )
    gap = np.stack([x[:, one] - x[:, other] for one, other in pairs], axis=1)
    gap[~np.isfinite(gap)] = 0.0
    # With its mirror image, so that two equal scores are 0.
    both = normal_scores(np.concatenate([gap.ravel(), -gap.ravel()]))
    gap = both[: gap.size].reshape(gap.shape)
    rated = compared.any(axis=1)
    share = compared[rated].mean(axis=0)
    return np.where(compared, gap, 0.0)[rated] @ ends, (gap * share) @ ends


def _fitted(y: Floats, ends: Floats) -> Floats:
    """Strengths by Newton's method."""
    compared = ~np.isnan(y)
    theta = np.zeros(ends.shape[1])
    prior = PRIOR_SD**-2
    for _ in range(NEWTON_STEPS):
        chance = _chance(theta, ends)
        slope = np.where(compared, np.nan_to_num(y) - chance, 0.0).sum(axis=0) @ ends
        curve = _curvature(compared, chance, ends) + prior * np.eye(len(theta))
        step = np.linalg.solve(curve, slope - prior * theta)
        theta = theta + step / max(1.0, np.abs(step).max())
        if np.abs(step).max() < CONVERGED:
            break
    return np.asarray(theta - theta.mean())


def _chance(theta: Floats, ends: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-ends @ theta)))


def _curvature(compared: NDArray[np.bool_], chance: Floats, ends: Floats) -> Floats:
    weight = compared.sum(axis=0) * chance * (1 - chance)
    return np.asarray(ends.T @ (weight[:, None] * ends))


def _variance(parts: Floats, n: int) -> Floats:
    """Of the mean of each column, whose own mean is about 0."""
    return np.asarray((parts**2).sum(axis=0) / (n * (n - 1)))


def _estimates(
    theta: Floats,
    variance: Floats,
    alone: Floats,
    size: tuple[int, int],
    r2: float | None,
) -> tuple[Estimate, ...]:
    from scipy.special import stdtrit

    n, fitted = size
    df = float(n - fitted)
    ratio = stdtrit(df, (1 + LEVEL) / 2)
    sharper = variance is not alone
    shown = "no scores" if r2 is None else f"the scores explain R² {r2:.2f}"
    return tuple(
        Estimate(
            value=float(value),
            low=float(value - ratio * error),
            high=float(value + ratio * error),
            n=n,
            method="regression" if sharper else "classical",
            estimand=LIKE_THESE,
            effective_n=float(n * before / error**2) if error > 0 else float(n),
            r2=r2,
            why=f"Bradley-Terry log-odds, prompts as clusters; {shown}",
            error=float(error),
            df=df,
        )
        for value, error, before in zip(theta, np.sqrt(variance), alone, strict=True)
    )
