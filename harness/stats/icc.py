"""Intraclass correlation of raters who differ from unit to unit.

One-way random effects (Shrout and Fleiss 1979), for any number of ratings a unit.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.stats.bootstrap import fewer_draws, resampled, undefined, with_interval

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
        draws: number of resamples of units; of very many, fewer are made.
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
    tallies = _tallies(centred, count[pairable].astype(float))
    value = partial(_icc, averaged=averaged)
    return with_interval(
        float(value(tallies.sum(axis=0))),
        resampled(tallies, value, fewer_draws(n, draws), seed),
        n=n,
        dropped=dropped,
        method="ICC(1,k)" if averaged else "ICC(1)",
        unit="units",
    )


def _tallies(rows: Floats, count: Floats) -> Floats:
    """What each unit adds to the sums behind the coefficient, shape (units, 6)."""
    sums, squares = np.nansum(rows, axis=1), np.nansum(rows**2, axis=1)
    own = sums**2 / count
    return np.stack(
        [np.ones_like(count), count, sums, own, squares - own, count**2], axis=1
    )


def _icc(tallies: Floats, *, averaged: bool) -> Floats:
    """The coefficient of summed tallies, shape (...); NaN without variation."""
    units, given, total, own, rest, squared = np.moveaxis(tallies, -1, 0)
    between = (own - total**2 / given) / (units - 1)
    within = rest / (given - units)
    each = (given - squared / given) / (units - 1)
    below = between if averaged else between + (each - 1) * within
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(below > 0, (between - within) / below, np.nan))
