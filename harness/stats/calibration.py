"""What people would say on average, from a metric that ratings calibrate.

One straight line for all checkpoints: mean ratings of outputs on a metric's scores, by
least squares. It answers for a checkpoint that nobody has rated yet, and so assumes
that the metric means the same for it; `combine` needs ratings, and no such assumption.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

FEWEST = 10
"""Items that a line is laid through at the least."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A line from a metric's scores to people's ratings."""

    intercept: float
    """Rating at a score of 0."""
    slope: float
    """Rating by one unit of the metric."""
    low: float
    """Lower end of the slope's 95 % interval."""
    high: float
    """Upper end of it."""
    items: int
    """Items with rated outputs that the line rests on."""

    @property
    def tells(self) -> bool:
        """Whether the metric says anything of ratings: no slope of 0 is possible."""
        return self.low > 0 or self.high < 0

    def predict(self, mean: float) -> float:
        """Mean rating of outputs by the mean of their scores."""
        return self.intercept + self.slope * mean


def calibrate(ratings: ArrayLike, scores: ArrayLike, items: ArrayLike) -> Calibration:
    """The line of ratings on scores; outputs to one item may go together.

    The interval is that of the jackknife that leaves out one item at a time, and the t
    distribution of G - 1 degrees of freedom for G items; with few items the usual
    sandwich is too narrow (MacKinnon, Nielsen and Webb 2023, Journal of Applied
    Econometrics 38, 671).

    Args:
        ratings: (outputs,), mean ratings.
        scores: (outputs,), of a metric.
        items: (outputs,), which item each output is of.

    Raises:
        UsageError: there are fewer than ten items, or the scores do not vary.
    """
    from scipy.special import stdtrit

    y, x = np.asarray(ratings, dtype=float), np.asarray(scores, dtype=float)
    known = np.isfinite(y) & np.isfinite(x)
    y, x = y[known], x[known]
    _, group = np.unique(np.asarray(items)[known], return_inverse=True)
    count = int(group.max()) + 1 if len(group) else 0
    if count < FEWEST:
        raise UsageError(
            f"{count} prompts with ratings and scores are too few to tell what a "
            f"score is worth to people: {FEWEST} are needed."
        )
    moments = np.stack([np.ones(len(x)), x, y, x * x, x * y])
    whole = moments.sum(axis=1)
    own = np.stack([np.bincount(group, weights=one) for one in moments])
    with np.errstate(all="ignore"):
        slope = float(_slope(whole[:, None])[0])
        others = _slope(whole[:, None] - own)
    if np.ptp(x) == 0 or not np.isfinite(others).all():
        raise UsageError(
            "The scores are equal on all prompts but one, or all, so that they tell "
            "nothing of ratings."
        )
    error = np.sqrt((count - 1) / count * ((others - others.mean()) ** 2).sum())
    half = float(stdtrit(count - 1, 0.975) * error)
    return Calibration(
        intercept=float(y.mean() - slope * x.mean()),
        slope=slope,
        low=slope - half,
        high=slope + half,
        items=count,
    )


def _slope(moments: Floats) -> Floats:
    """Of sums of 1, x, y, x² and xy, shape (5, lines), the slope of each line."""
    n, x, y, xx, xy = moments
    found: Floats = (xy - x * y / n) / (xx - x * x / n)
    return found
