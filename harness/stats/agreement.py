"""How far raters agree with one another: Krippendorff's alpha.

Written from the formulas (Krippendorff 2018, Content Analysis, chapter 12). Squared
differences need no table of coincidences: within a unit they follow from the sum and
the sum of squares. The ordinal difference is that of the midranks of all ratings. Ratio
differences, ((c - k) / (c + k)) squared, have no such shortcut: all values are compared
with one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.errors import UsageError
from harness.stats.bootstrap import blocks, fewer_draws, undefined, with_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from harness.types import Estimate

    Floats = NDArray[np.float64]
    Sparse = csr_array[np.float64, tuple[int, int]]

Scale = Literal["nominal", "ordinal", "interval", "ratio"]
"""Which differences between two ratings count, and how much."""

_BLOCK = 4_000_000
"""Numbers worked on at once."""


def alpha(
    ratings: Floats,
    *,
    scale: Scale = "interval",
    draws: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Krippendorff's alpha with a percentile bootstrap interval over units.

    1 is perfect agreement, 0 what chance gives, below 0 is systematic disagreement.

    Args:
        ratings: shape (units, raters), as a rule one unit per output; NaN where a
            rater did not rate a unit. Raters may differ from unit to unit.
        scale: `nominal` (equal or not), `ordinal` (order, by the ranks of all
            ratings), `interval` (squared differences) or `ratio` (differences relative
            to the sum, for ratings of 0 or more with a true zero, such as counts).
        draws: number of resamples of units; of very many, fewer are made.
        seed: seed of the resamples.

    Returns:
        `n` counts the units with two ratings or more, `dropped` the rated units
        with one. Undefined, with the reason in `method`, with fewer than two
        raters, without a unit with two ratings, or without any variation.

    Raises:
        UsageError: the shape is not (units, raters), or a ratio is of negative ratings.
    """
    ratings = _checked(ratings, scale)
    given = ~np.isnan(ratings)
    pairable = given.sum(axis=1) > 1
    n = int(pairable.sum())
    dropped = int(given.any(axis=1).sum()) - n
    if given.any(axis=0).sum() < 2:  # noqa: PLR2004 - a pair
        return undefined("fewer than two raters", dropped=dropped)
    if not n:
        return undefined("no unit was rated by two raters", dropped=dropped)
    values, counts = _counts(ratings[pairable], given[pairable])
    if len(values) == 1:
        return undefined("all ratings are the same", n=n, dropped=dropped)
    whole = _alphas(values, counts, np.ones((1, n)), scale)
    series = [
        _alphas(values, counts, drawn, scale)
        for drawn in blocks(n, fewer_draws(n, draws), seed)
    ]
    resampled = np.concatenate([np.empty(0), *series])
    method = f"Krippendorff's alpha ({scale})"
    return with_interval(
        float(whole[0]), resampled, n=n, dropped=dropped, method=method, unit="units"
    )


def _checked(ratings: Floats, scale: Scale) -> Floats:
    ratings = np.asarray(ratings, dtype=float)
    if ratings.ndim != 2:  # noqa: PLR2004 - units and raters
        raise UsageError(
            "Ratings must have the shape (units, raters); "
            f"these have the shape {ratings.shape}."
        )
    if scale == "ratio" and (ratings < 0).any():
        raise UsageError(
            "Ratings on a ratio scale are 0 or more, but one is "
            f"{np.nanmin(ratings):g}; use the interval scale."
        )
    return ratings


def _counts(ratings: Floats, given: NDArray[np.bool_]) -> tuple[Floats, Sparse]:
    """The distinct values, and how often each unit got each: (units, values)."""
    from scipy.sparse import coo_array

    values, level = np.unique(ratings[given], return_inverse=True)
    places = (np.nonzero(given)[0], level)
    shape = (len(ratings), len(values))
    return values, coo_array((np.ones(len(level)), places), shape=shape).tocsr()


def _alphas(values: Floats, counts: Sparse, drawn: Floats, scale: Scale) -> Floats:
    """Alpha of each resample, shape (draws,); NaN where its ratings do not vary."""
    size = max(1, _BLOCK // sum(counts.shape))
    blocks = [drawn[at : at + size].T for at in range(0, len(drawn), size)]
    return np.concatenate(
        [np.empty(0), *(_block(values, counts, block, scale) for block in blocks)]
    )


def _block(values: Floats, counts: Sparse, drawn: Floats, scale: Scale) -> Floats:
    """Alpha of each resample, from weights of shape (units, draws)."""
    ones = np.ones((len(values), 1))
    given = np.asarray(counts @ ones)
    margin = np.asarray(counts.T @ drawn)
    total = margin.sum(axis=0)
    if scale == "nominal":
        within = given**2 - np.asarray(counts.power(2) @ ones)
        between = total**2 - (margin**2).sum(axis=0)
    elif scale == "ratio":
        far = np.asarray(counts @ _ratios(values))
        within = np.asarray(counts.multiply(far).sum(axis=1))[:, None]
        between = (margin * (_ratios(values) @ margin)).sum(axis=0)
    else:
        places = ((values - values.mean()) / np.ptp(values))[:, None]
        if scale == "ordinal":
            places = (np.cumsum(margin, axis=0) - margin / 2) / total - 0.5
        sums, squares = np.asarray(counts @ places), np.asarray(counts @ places**2)
        within = 2 * (given * squares - sums**2)
        first, second = (margin * places).sum(axis=0), (margin * places**2).sum(axis=0)
        between = 2 * (total * second - first**2)
    disagreement = (drawn * within / (given - 1)).sum(axis=0)
    varies = (margin > 0).sum(axis=0) > 1
    quotient = np.full(len(total), np.nan)
    np.divide((total - 1) * disagreement, between, out=quotient, where=varies)
    return 1 - quotient


def _ratios(values: Floats) -> Floats:
    """Squared differences relative to the sum, of all pairs of values: 0 of equals."""
    sums = values[:, None] + values
    far = (values[:, None] - values) / np.where(sums > 0, sums, 1.0)
    return np.asarray(far**2)
