"""One verdict from few ratings and many scores: means and paired differences.

Ratings of n prompts alone give the classical t interval. Scores that a metric gives to
all N prompts can sharpen it, whatever their scale or direction, as far as they say what
people say: by the regression estimator of `control_variate`, with HC3 variance and t
quantiles, from the metric's normal scores. Its width is about sqrt(1 - r^2 (N - n) / N)
of the classical one. Slopes are never clipped. Several metrics enter through
cross-fitted ridge regression; slopes of earlier checkpoints may be given instead.

The classical interval is reported unless n >= 12 and R^2 (N - n) / N > 2 / (n - 2), R^2
being that of held-out prompts where there are several metrics: a rule fixed in advance
that never looks at the estimate. `why` says which it is and why.

Every interval is for this fixed n, looked at once; `anytime` makes one for each look.
It is about people's mean rating: a bias that all raters share stays in it. Prompts must
have been drawn to be rated at random, or with the probabilities of the `Design`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError, shown
from harness.stats.rated_prompts import Design, Ratings, as_floats, as_scores
from harness.stats.sharpened import (
    ESTIMANDS,
    LEVEL,
    LIKE_THESE,
    Estimand,
    Estimate,
    Question,
    answered,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = [
    "Design",
    "Estimand",
    "Estimate",
    "mean",
    "paired_difference",
    "slopes_of",
    "win_rate",
]

AT_RANDOM = Design()
"""Prompts were drawn at random, all alike."""
_FEW_OUTCOMES = 15
_FEW_ON_A_SIDE = 5


def mean(  # noqa: PLR0913 - what is asked, beside what is known
    human: ArrayLike,
    scores: ArrayLike | None = None,
    *,
    estimand: Estimand = LIKE_THESE,
    scale: tuple[float, float] | None = None,
    noise: float | None = None,
    slopes: ArrayLike | None = None,
    design: Design = AT_RANDOM,
) -> Estimate:
    """The mean rating of one checkpoint.

    Args:
        human: (prompts,), or (prompts, raters) with one rater a column; NaN where
            nobody rated.
        scores: (prompts,) or (prompts, metrics); NaN where a metric has none.
        estimand: what the interval is about; "exactly these prompts" applies the
            finite population correction and adds the noise of raters.
        scale: least and largest rating that can be given; needed for an interval where
            all ratings are equal.
        noise: variance of the mean rating of one prompt over raters, in squared units
            of the ratings; by default told from several raters' ratings.
        slopes: (metrics,), ratings per unit of each metric, from `slopes_of` earlier
            checkpoints; by default learned on these ratings.
        design: how the prompts to rate were drawn.

    Raises:
        UsageError: lengths differ, or a value is out of range, or the estimand needs
            the noise of raters and nothing tells it.
    """
    ratings = Ratings.of(human)
    x = as_scores(scores, len(ratings.mean))
    bounds = bounds_of(scale)
    return answered(ratings, x, question_of(estimand, bounds, noise, slopes, design))[0]


def paired_difference(  # noqa: PLR0913 - what is asked, beside what is known
    human_a: ArrayLike,
    human_b: ArrayLike,
    scores_a: ArrayLike | None = None,
    scores_b: ArrayLike | None = None,
    *,
    estimand: Estimand = LIKE_THESE,
    scale: tuple[float, float] | None = None,
    noise: float | None = None,
    slopes: ArrayLike | None = None,
    design: Design = AT_RANDOM,
) -> Estimate:
    """The mean rating of checkpoint B less that of A, on the same prompts.

    What counts is how well the metric's differences tell people's differences. Only
    prompts where both were rated count as rated.

    Args:
        human_a: ratings of A, as `mean` takes them.
        human_b: ratings of B, prompt by prompt.
        scores_a: scores of A.
        scores_b: scores of B.
        estimand: what the interval is about.
        scale: least and largest rating that can be given to one output.
        noise: variance of the difference of one prompt over raters. By default it is
            told from several raters' ratings, of each rater's own differences where
            the same raters rated both.
        slopes: (metrics,), as in `mean`.
        design: how the prompts to rate were drawn.

    Raises:
        UsageError: as `mean`.
    """
    bounds = bounds_of(scale)
    if bounds is not None:
        bounds = (bounds[0] - bounds[1], bounds[1] - bounds[0])
    question = question_of(estimand, bounds, noise, slopes, design)
    return of_pair((human_a, human_b), (scores_a, scores_b), question)[0]


def of_pair(
    human: tuple[ArrayLike, ArrayLike],
    scores: tuple[ArrayLike | None, ArrayLike | None],
    question: Question,
) -> tuple[Estimate, Floats]:
    """The second checkpoint less the first, and each prompt's part of the error."""
    ratings = Ratings.difference(*human)
    a, b = (as_scores(one, len(ratings.mean)) for one in scores)
    if a.shape != b.shape:
        raise UsageError(
            "Both checkpoints need scores of the same metrics; there are "
            f"{a.shape[1]} for the first and {b.shape[1]} for the second."
        )
    x = np.full(a.shape, np.nan)
    np.subtract(b, a, out=x, where=np.isfinite(a) & np.isfinite(b))
    return answered(ratings, x, question)


def win_rate(
    outcomes: ArrayLike,
    scores: ArrayLike | None = None,
    *,
    estimand: Estimand = LIKE_THESE,
    noise: float | None = None,
    design: Design = AT_RANDOM,
) -> Estimate:
    """How often B is preferred to A, ties counting half.

    Fewer than 15 outcomes, or fewer than 5 wins or losses (a tie is half of each), get
    Wilson's score interval (1927), which is too wide rather than too narrow with ties.

    Args:
        outcomes: (prompts,) or (prompts, raters): 1 where B is preferred, 0 where A
            is, 0.5 for a tie, NaN where nobody compared.
        scores: (prompts,) or (prompts, metrics), B's score less A's.
        estimand: as in `mean`.
        noise: as in `mean`.
        design: as in `mean`.

    Raises:
        UsageError: as `mean`, or an outcome beyond 0 and 1.
    """
    ratings = Ratings.of(outcomes, "The outcomes")
    judged = ratings.mean[~np.isnan(ratings.mean)]
    if ((judged < 0) | (judged > 1)).any():
        raise UsageError("Outcomes must be between 0 (A wins) and 1 (B wins).")
    x = as_scores(scores, len(ratings.mean))
    question = question_of(estimand, (0.0, 1.0), noise, None, design)
    found, _ = answered(ratings, x, question)
    if found.value is None or found.method == "exact":
        return found
    fewer = found.n * min(judged.mean(), 1 - judged.mean())
    if found.n >= _FEW_OUTCOMES and fewer >= _FEW_ON_A_SIDE:
        return found
    return _wilson(answered(ratings, x[:, :0], question)[0])


def slopes_of(human: ArrayLike, scores: ArrayLike) -> Floats:
    """Ratings per unit of each metric, by least squares on other checkpoints' ratings.

    Args:
        human: (outputs,), NaN where nobody rated; for slopes of differences pass
            differences.
        scores: (outputs,) or (outputs, metrics).

    Returns:
        (metrics,), for `slopes` of `mean` and `paired_difference`.

    Raises:
        UsageError: lengths differ, or there are too few rated outputs.
    """
    y = as_floats(human, "The ratings", dimensions=(1,))
    x = as_scores(scores, len(y))
    known = np.isfinite(y) & np.isfinite(x).all(axis=1)
    if known.sum() <= x.shape[1] + 1:
        raise UsageError(
            f"{known.sum()} rated and scored outputs are too few to learn "
            f"{x.shape[1]} slopes."
        )
    columns = x[known] - x[known].mean(axis=0)
    return np.asarray(np.linalg.lstsq(columns, y[known] - y[known].mean())[0])


def question_of(
    estimand: Estimand,
    bounds: tuple[float, float] | None,
    noise: float | None,
    slopes: ArrayLike | None,
    design: Design,
) -> Question:
    """What is asked, checked.

    Raises:
        UsageError: an unknown estimand, a negative variance, or slopes that are none.
    """
    if estimand not in ESTIMANDS:
        wanted = " or ".join(f'"{one}"' for one in ESTIMANDS)
        raise UsageError(f"The estimand must be {wanted}; it is {shown(estimand)}.")
    if noise is not None and not 0 <= noise < np.inf:
        raise UsageError(f"A variance of raters is 0 or more; it is {shown(noise)}.")
    given = None
    if slopes is not None:
        given = np.atleast_1d(as_floats(slopes, "The slopes", dimensions=(0, 1)))
        if not np.isfinite(given).all():
            raise UsageError("The slopes must be finite numbers.")
    return Question(estimand, bounds, noise, given, design)


def bounds_of(scale: tuple[float, float] | None) -> tuple[float, float] | None:
    """The scale's ends, checked.

    Raises:
        UsageError: the least value is not below the largest.
    """
    if scale is None:
        return None
    low, high = scale
    if not -np.inf < low < high < np.inf:
        raise UsageError(
            "A scale has a least and a larger largest value, as (1, 5); "
            f"it is {shown(scale)}."
        )
    return float(low), float(high)


def _wilson(found: Estimate) -> Estimate:
    """The score interval of a share, of as many equal weights as there are df."""
    from scipy.special import ndtri

    if found.value is None or found.df is None:
        return found
    n, share = found.df + 1, min(1.0, max(0.0, found.value))
    z = float(ndtri((1 + LEVEL) / 2))
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return replace(
        found,
        low=float(middle - half),
        high=float(middle + half),
        method="score",
        why=f"few outcomes ({found.n} prompts) or nearly all alike",
        error=None,
        df=None,
    )
