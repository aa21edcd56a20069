"""The human ceiling: a metric and a left-out rater against the same people.

A metric's correlation with the mean of all raters cannot be compared with one rater's
agreement with the others, for the two are held against different targets. Here each
rater in turn is left out, and both the rater and the metric are correlated with the
mean of those who remain, on the outputs that the rater has rated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.errors import UsageError
from harness.stats.bootstrap import resamples, undefined, with_interval
from harness.stats.coefficients import moments, pearson, spearman, standard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from harness.types import Estimate

    Floats = NDArray[np.float64]
    LeftOut = tuple[NDArray[np.bool_], Floats, Floats]
    """A rater's outputs, own ratings, and the means of the others."""

Coefficient = Literal["pearson", "spearman"]
LEAST_SHARED = 10
"""Outputs that a rater must share with others to be left out."""


@dataclass(frozen=True)
class Ceiling:
    """Means over the left-out raters, weighted by the outputs that each rated."""

    rater: Estimate
    """How well a rater agrees with the mean of the others, in [-1, 1]."""
    metric: Estimate
    """How well the metric agrees with the same means, on the same outputs."""
    difference: Estimate
    """Metric less rater; above 0 the metric predicts people better than one of them
    does."""


def ceiling(
    metric: ArrayLike,
    ratings: Floats,
    items: ArrayLike,
    *,
    coefficient: Coefficient = "pearson",
    draws: int = 1000,
    seed: int = 0,
) -> Ceiling:
    """What the metric and a rater reach against the other raters.

    Args:
        metric: shape (outputs,), higher is better; NaN where there is no score.
        ratings: shape (outputs, raters); NaN where a rater did not rate.
        items: shape (outputs,), the item of each output, which is resampled whole.
        coefficient: over all outputs of a rater together.
        draws: number of resamples of items.
        seed: seed of the resamples, the same for rater and metric.

    Returns:
        Estimates whose `n` counts left-out raters, and `dropped` those for whom nothing
        varies; undefined, with the reason, where fewer than two raters remain who share
        ten outputs or more with others.

    Raises:
        UsageError: the shapes do not fit together.
    """
    scores, ratings = np.asarray(metric, dtype=float), np.asarray(ratings, dtype=float)
    item = np.unique(np.asarray(items), return_inverse=True)[1]
    if ratings.ndim != 2 or scores.shape != item.shape or len(ratings) != len(scores):  # noqa: PLR2004
        raise UsageError(
            "A metric and items of shape (outputs,) and ratings of shape (outputs, "
            f"raters) are needed, not {scores.shape}, {item.shape}, {ratings.shape}."
        )
    left_out = list(_left_out(scores, ratings))
    if len(left_out) < 2:  # noqa: PLR2004 - one rater is no measure of raters
        return _nothing(f"fewer than two raters share {LEAST_SHARED} scored outputs")
    size = int(item.max()) + 1
    drawn = np.vstack([np.ones((1, size)), resamples(size, draws, seed)])
    rows = _correlations(scores, left_out, item, drawn, coefficient)
    return _compared(scores, left_out, rows, coefficient)


def _correlations(
    scores: Floats,
    left_out: Sequence[LeftOut],
    item: NDArray[np.intp],
    drawn: Floats,
    coefficient: Coefficient,
) -> Floats:
    """Of each rater and of the metric with the others, (raters, 2, 1 + draws)."""
    return np.array(
        [
            [
                _correlation(
                    side[chosen], rest[chosen], item[chosen], drawn, coefficient
                )
                for side in (own, scores)
            ]
            for chosen, own, rest in left_out
        ]
    )


def _compared(
    scores: Floats, left_out: Sequence[LeftOut], rows: Floats, coefficient: Coefficient
) -> Ceiling:
    """Means over the raters for whom both vary."""
    sizes = np.array([chosen.sum() for chosen, _, _ in left_out])
    why = _what_is_constant(scores, left_out)
    # Metric and rater are held against each other on the same left-out raters.
    both = np.asarray(np.isfinite(rows[:, :, 0]).all(axis=1))
    if both.sum() < 2:  # noqa: PLR2004 - as above
        alone = np.isfinite(rows[:, 0, 0])
        rater = _mean_of(rows[:, 0], sizes, alone, coefficient, why)
        nothing = undefined(why, dropped=len(rows))
        return Ceiling(rater, nothing, nothing)
    rater, of_metric, difference = (
        _mean_of(side, sizes, both, coefficient, why)
        for side in (rows[:, 0], rows[:, 1], rows[:, 1] - rows[:, 0])
    )
    return Ceiling(rater, of_metric, difference)


def _mean_of(
    rows: Floats,
    sizes: Floats,
    known: NDArray[np.bool_],
    coefficient: Coefficient,
    why: str,
) -> Estimate:
    """The mean over the known rows, shape (raters, 1 + draws)."""
    dropped = int((~known).sum())
    if known.sum() < 2:  # noqa: PLR2004 - one rater is no measure of raters
        return undefined(why, dropped=dropped)
    name = {"pearson": "Pearson's r", "spearman": "Spearman's rho"}[coefficient]
    method = f"{name} with the mean of the other raters, each left out in turn"
    series = np.average(rows[known], axis=0, weights=sizes[known])
    return with_interval(
        float(series[0]),
        series[1:],
        n=int(known.sum()),
        dropped=dropped,
        method=method,
    )


def _left_out(scores: Floats, ratings: Floats) -> Iterator[LeftOut]:
    """Each rater's outputs, own ratings, and the means of the others."""
    given = ~np.isnan(ratings)
    if not (given.sum(axis=1) > 1).any():
        return
    total, count = np.nansum(ratings, axis=1), given.sum(axis=1)
    for rater in range(ratings.shape[1]):
        others = count - given[:, rater]
        chosen = given[:, rater] & (others > 0) & np.isfinite(scores)
        if chosen.sum() < LEAST_SHARED:
            continue
        own = ratings[:, rater]
        rest = (total - np.where(given[:, rater], own, 0.0)) / np.maximum(others, 1)
        yield chosen, own, rest


def _correlation(
    one: Floats,
    other: Floats,
    item: NDArray[np.intp],
    drawn: Floats,
    coefficient: Coefficient,
) -> Floats:
    """The coefficient in each resample, shape (draws,); NaN where one is constant."""
    if coefficient == "spearman":
        return spearman(one, other, item, drawn)
    tallies = moments(standard(one), standard(other))
    # Outputs of an item are drawn together.
    sums = [np.bincount(item, part, drawn.shape[1]) for part in tallies.T]
    return pearson(drawn @ np.stack(sums, axis=1))


def _what_is_constant(scores: Floats, left_out: Sequence[LeftOut]) -> str:
    """Why fewer than two raters can be left out."""
    flat = np.array(
        [
            [np.ptp(side[chosen]) == 0 for side in (scores, own, rest)]
            for chosen, own, rest in left_out
        ]
    ).sum(axis=0)
    raters = len(left_out)
    said = (
        f"the metric scores all outputs of {flat[0]:,} of {raters:,} raters alike",
        f"{flat[1]:,} of {raters:,} raters rate all outputs alike",
        f"the others rate all outputs of {flat[2]:,} of {raters:,} raters alike",
    )
    return " and ".join(text for text, times in zip(said, flat, strict=True) if times)


def _nothing(reason: str) -> Ceiling:
    return Ceiling(*(undefined(reason) for _ in range(3)))
