"""Intraclass correlation of raters who differ from unit to unit.

One-way random effects (Shrout and Fleiss 1979), for any number of ratings a unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.stats.bootstrap import undefined, weights, with_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.types import Estimate

    Floats = NDArray[np.float64]


def icc(
    ratings: Floats, *, averaged: bool = False, draws: int = 1000, seed: int = 0
) -> Estimate:
    """How much of the variance of ratings lies between units.

    Args:
        ratings: shape (units, raters); NaN where a rater did not rate a unit.
        averaged: of the mean over a unit's raters, ICC(1,k), instead of one rating.
        draws: number of resamples of units.
        seed: seed of the resamples.

    Returns:
        At most 1. `n` counts units with two ratings or more, `dropped` those with
        one. Undefined, with the reason, with fewer than two units or no variation.

    Raises:
        UsageError: the shape is not (units, raters).
    """
    ratings = np.asarray(ratings, dtype=float)
    if ratings.ndim != 2:  # noqa: PLR2004 - units and raters
        raise UsageError(
            "Ratings must have the shape (units, raters); "
            f"these have the shape {ratings.shape}."
        )
    count = (~np.isnan(ratings)).sum(axis=1)
    pairable = count > 1
    n, dropped = int(pairable.sum()), int((count == 1).sum())
    if n < 2:  # noqa: PLR2004 - variance between units needs two
        return undefined(
            "fewer than two units were rated by two raters", n=n, dropped=dropped
        )
    rows = ratings[pairable]
    centred = rows - np.nanmean(rows)
    if not np.nanmax(np.abs(centred)):
        return undefined("all ratings are the same", n=n, dropped=dropped)
    drawn = np.vstack([np.ones((1, n)), weights(n, draws, np.random.default_rng(seed))])
    values = _icc(centred, count[pairable].astype(float), drawn, averaged=averaged)
    name = "ICC(1,k)" if averaged else "ICC(1)"
    return with_interval(
        float(values[0]), values[1:], n=n, dropped=dropped, method=name, unit="units"
    )


def _icc(rows: Floats, count: Floats, drawn: Floats, *, averaged: bool) -> Floats:
    """The coefficient in each resample, shape (draws,); NaN without variation."""
    sums, squares = np.nansum(rows, axis=1), np.nansum(rows**2, axis=1)
    units, given = drawn.sum(axis=1), drawn @ count
    total = drawn @ sums
    between = (drawn @ (sums**2 / count) - total**2 / given) / (units - 1)
    within = drawn @ (squares - sums**2 / count) / (given - units)
    each = (given - drawn @ count**2 / given) / (units - 1)
    below = between if averaged else between + (each - 1) * within
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(below > 0, (between - within) / below, np.nan))
