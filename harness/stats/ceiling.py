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
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from harness.types import Estimate

    Floats = NDArray[np.float64]

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
        Estimates whose `n` counts left-out raters; undefined, with the reason, where
        fewer than two raters share ten outputs or more with others.

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
    rows = [
        [
            _correlation(side[chosen], rest[chosen], item[chosen], drawn, coefficient)
            for side in (own, scores)
        ]
        for chosen, own, rest in left_out
    ]
    sizes = [int(chosen.sum()) for chosen, _, _ in left_out]
    rater, of_metric = np.average(np.array(rows), axis=0, weights=sizes)
    return Ceiling(
        rater=_estimate(rater, coefficient, len(rows)),
        metric=_estimate(of_metric, coefficient, len(rows)),
        difference=_estimate(of_metric - rater, coefficient, len(rows)),
    )


def _left_out(
    scores: Floats, ratings: Floats
) -> Iterator[tuple[NDArray[np.bool_], Floats, Floats]]:
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


def _estimate(series: Floats, coefficient: str, raters: int) -> Estimate:
    name = {"pearson": "Pearson's r", "spearman": "Spearman's rho"}[coefficient]
    method = f"{name} with the mean of the other raters, each left out in turn"
    return with_interval(float(series[0]), series[1:], n=raters, method=method)


def _nothing(reason: str) -> Ceiling:
    return Ceiling(*(undefined(reason) for _ in range(3)))
