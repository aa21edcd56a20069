"""Intervals over items, widened by what other raters would change.

Each rater in turn is left out, and every value is computed anew from the means of the
others, on all items; outputs that nobody else rated are left out. This is the jackknife
(with more than 20 raters: of 20 random groups of them). Drawing raters with replacement
is no better here: a draw lacks a third of them, so that its means are less reliable and
scatter too much, and where outputs have one rater each it merely loses outputs.

Single ratings scatter, too, and the items' part has counted that. How much of it is in
the raters' part is seen where the same is done with raters whose ratings are shuffled
among them, and is taken off (variance of items + of raters - of single ratings, as in
`crossed`). The rest, times the quantile of Student's t for so few raters, is added as
variances of independent draws are: each end lies the root of the summed squares of the
two distances from the value (square-and-add, Zou and Donner 2008, Statistics in
Medicine 27, 1693). Values that jump, as the order of a few systems, are known to be
badly served by leaving out one at a time; their raters' part is rough.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from harness.stats.crossed import FEW_RATERS, LEAST_RATERS
from harness.types import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed import DataclassInstance
    from numpy.typing import NDArray

    from harness.stats.crossed import Ratings

    Floats = NDArray[np.float64]

T = TypeVar("T", bound="DataclassInstance")

MOST_GROUPS = 20
"""Raters beyond whose number they are left out in so many random groups."""
_SHUFFLED = 20
"""Values at least that shuffled ratings give, so that their scatter is known."""
MOST_OUTPUTS = 10_000
"""Outputs above which raters are not resampled, since all is computed anew for each."""
_LIMITS = {
    "epsilon": (0.0, np.inf),
    "pairwise_accuracy": (0.0, 1.0),
    "spa": (0.0, 1.0),
    "acc_eq": (0.0, 1.0),
    "acc_star_eq": (0.0, 1.0),
    "acc_star_eq_held_out": (0.0, 1.0),
}
_CORRELATION = (-1.0, 1.0)


def widened(
    found: T,
    ratings: Ratings,
    shape: tuple[int, int],
    values_of: Callable[[Floats], T],
    *,
    seed: int = 0,
) -> T:
    """The estimates with intervals about other raters as well.

    Args:
        found: estimates whose intervals are about other items.
        ratings: what the human side is made of.
        shape: (systems, items) of the human matrix.
        values_of: the same estimates of another human matrix; only values are read.
        seed: seed of the groups of raters and of the shuffling.

    Returns:
        From five raters on and up to 10,000 outputs, estimates whose intervals are
        widened; else the same intervals. `method` says which. Estimates without an
        interval over items have none.
    """
    raters = ratings.raters
    if raters < LEAST_RATERS:
        return _said(found, FEW_RATERS)
    outputs = 1 + np.count_nonzero(np.diff(np.sort(ratings.output)))
    if outputs > MOST_OUTPUTS:
        return _said(
            found,
            f"raters are not resampled, as there are more than {MOST_OUTPUTS:,} "
            "outputs",
        )
    rng = np.random.default_rng([seed, 1])
    groups = min(raters, MOST_GROUPS)
    group = np.unique(ratings.rater, return_inverse=True)[1]
    if groups < raters:
        group = rng.permutation(np.arange(raters) % groups)[group]
    rounds = -(-_SHUFFLED // groups)
    series = [
        [
            dict(_values(values_of(matrix)))
            for matrix in without_each(replace(ratings, rater=one), shape)
        ]
        for one in (group, *(rng.permutation(group) for _ in range(rounds)))
    ]
    what = f"and of {raters:,} raters, left out "
    what += "in turn" if groups == raters else f"in {groups} groups"

    def wider(path: str, estimate: Estimate) -> Estimate:
        moved = [np.array([one[path] for one in some]) for some in series]
        limits = _LIMITS.get(path.rpartition(".")[2], _CORRELATION)
        return _wider(estimate, moved, what, limits)

    return _mapped(found, wider)


def human_matrix(ratings: Ratings, shape: tuple[int, int]) -> Floats:
    """Mean over outputs of their mean ratings, shape (systems, items), NaN if none."""
    return next(_matrices(ratings, shape, np.ones((1, ratings.raters))))


def without_each(ratings: Ratings, shape: tuple[int, int]) -> Iterator[Floats]:
    """The human matrix without each rater in turn; NaN where nobody else rated.

    Args:
        ratings: of all systems.
        shape: (systems, items).
    """
    return _matrices(ratings, shape, 1 - np.eye(ratings.raters))


def _matrices(
    ratings: Ratings, shape: tuple[int, int], weights: Floats
) -> Iterator[Floats]:
    """The human matrix for each row of the raters' weights."""
    rater = np.unique(ratings.rater, return_inverse=True)[1]
    output, first, number = np.unique(
        ratings.output, return_index=True, return_inverse=True
    )
    place = (ratings.system * shape[1] + ratings.item)[first]
    size = shape[0] * shape[1]
    for row in weights:
        weight = row[rater]
        below = np.bincount(number, weight, len(output))
        above = np.bincount(number, weight * ratings.value, len(output))
        known = below > 0
        mean = above[known] / below[known]
        count = np.bincount(place[known], minlength=size).astype(float)
        count[count == 0] = np.nan
        matrix: Floats = np.bincount(place[known], mean, size) / count
        yield matrix.reshape(shape)


def _wider(
    estimate: Estimate, moved: list[Floats], what: str, limits: tuple[float, float]
) -> Estimate:
    """By how values move without each rater, and without each of shuffled ones."""
    from scipy.stats import t

    value, low, high = estimate.value, estimate.low, estimate.high
    if value is None or low is None or high is None:
        return estimate
    lacking = int(np.isnan(moved[0]).sum())
    if len(moved[0]) - lacking < 2:  # noqa: PLR2004 - for a variance
        reason = "raters are not resampled: no value without each of them"
        return _noted(estimate, reason)
    real, *shuffled = map(_variance, moved)
    known = [variance for variance in shuffled if np.isfinite(variance)]
    rest = max(0.0, real - float(np.mean(known))) if known else real
    reach = float(t.ppf(0.975, len(moved[0]) - 1) * np.sqrt(rest))
    if lacking:
        what += f", {lacking} values undefined and left out"
    return replace(
        estimate,
        low=max(limits[0], value - float(np.hypot(value - low, reach))),
        high=min(limits[1], value + float(np.hypot(high - value, reach))),
        method=f"{estimate.method}, {what}",
    )


def _variance(moved: Floats) -> float:
    """Of the value, by the jackknife; NaN where fewer than two are finite."""
    finite = moved[np.isfinite(moved)]
    if finite.size < 2:  # noqa: PLR2004 - for a variance
        return float("nan")
    return float((finite.size - 1) ** 2 / finite.size * finite.var(ddof=1))


def _noted(estimate: Estimate, note: str) -> Estimate:
    return replace(estimate, method=f"{estimate.method}; {note}")


def _said(found: T, note: str) -> T:
    def noted(_: str, estimate: Estimate) -> Estimate:
        return estimate if estimate.low is None else _noted(estimate, note)

    return _mapped(found, noted)


def _values(found: DataclassInstance, above: str = "") -> Iterator[tuple[str, float]]:
    """Each estimate's path of field names and its value, NaN where it is undefined."""
    for field in fields(found):
        one, path = getattr(found, field.name), f"{above}.{field.name}"
        if isinstance(one, Estimate):
            yield path, np.nan if one.value is None else one.value
        elif is_dataclass(one) and not isinstance(one, type):
            yield from _values(one, path)


def _mapped(
    found: T, change: Callable[[str, Estimate], Estimate], above: str = ""
) -> T:
    changed: dict[str, Any] = {}
    for field in fields(found):
        one, path = getattr(found, field.name), f"{above}.{field.name}"
        if isinstance(one, Estimate):
            changed[field.name] = change(path, one)
        elif is_dataclass(one) and not isinstance(one, type):
            changed[field.name] = _mapped(one, change, path)
    return replace(found, **changed)
