"""Intervals over items, widened by what other raters would change.

Raters are drawn with replacement, and each draw makes a human matrix: an output's
value is the mean of its ratings, each as often as its rater was drawn. Every value is
computed anew from that matrix, on all items; outputs none of whose raters were drawn
are left out. How the values scatter, times the quantile of Student's t with raters - 1
degrees of freedom (raters are few), is the raters' part of the interval. Only the
scatter is used: a drawn set of raters repeats some and lacks others, so that its means
are less reliable and its correlations lower than those of the real raters.

Items and raters are drawn independently, so that their parts add as variances do: each
end lies the root of the summed squares of the two distances away from the value (the
square-and-add or MOVER interval, Zou and Donner 2008, Statistics in Medicine 27, 1693).
What rests on single ratings is in both parts, so that the interval rather is too wide.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from harness.stats.bootstrap import weights
from harness.stats.crossed import FEW_RATERS, LEAST_RATERS
from harness.types import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed import DataclassInstance
    from numpy.typing import NDArray

    from harness.stats.crossed import Ratings

    Floats = NDArray[np.float64]

T = TypeVar("T", bound="DataclassInstance")

RATER_DRAWS = 100
"""Draws of raters; the scatter of so many is known to within 7 %."""
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
    draws: int = RATER_DRAWS,
) -> T:
    """The estimates with intervals about other raters as well.

    Args:
        found: estimates whose intervals are about other items.
        ratings: what the human side is made of.
        shape: (systems, items) of the human matrix.
        values_of: the same estimates of another human matrix; only values are read.
        seed: seed of the draws of raters.
        draws: how many there are.

    Returns:
        From five raters on and up to 10,000 outputs, estimates whose intervals are
        widened; else the same intervals. `method` says which. Estimates without an
        interval over items have none.
    """
    raters = ratings.raters
    if raters < LEAST_RATERS:
        return _said(found, FEW_RATERS)
    outputs = len(np.unique(ratings.output))
    if outputs > MOST_OUTPUTS:
        return _said(
            found,
            f"raters are not resampled, as there are more than {MOST_OUTPUTS:,} "
            "outputs",
        )
    series = [
        dict(_values(values_of(matrix)))
        for matrix in drawn_matrices(ratings, shape, draws, seed)
    ]

    def wider(path: str, estimate: Estimate) -> Estimate:
        moved = np.array([one[path] for one in series])
        limits = _LIMITS.get(path.rpartition(".")[2], _CORRELATION)
        return _wider(estimate, moved, raters, limits)

    return _mapped(found, wider)


def human_matrix(ratings: Ratings, shape: tuple[int, int]) -> Floats:
    """Mean over outputs of their mean ratings, shape (systems, items), NaN if none."""
    return next(_matrices(ratings, shape, np.ones((1, ratings.raters))))


def drawn_matrices(
    ratings: Ratings, shape: tuple[int, int], draws: int, seed: int
) -> Iterator[Floats]:
    """The human matrix of each draw of raters; NaN where none of an output's is drawn.

    Args:
        ratings: of all systems.
        shape: (systems, items).
        draws: number of draws.
        seed: their seed.
    """
    rng = np.random.default_rng([seed, 1])
    return _matrices(ratings, shape, weights(ratings.raters, draws, rng))


def _matrices(
    ratings: Ratings, shape: tuple[int, int], drawn: Floats
) -> Iterator[Floats]:
    rater = np.unique(ratings.rater, return_inverse=True)[1]
    output, first, number = np.unique(
        ratings.output, return_index=True, return_inverse=True
    )
    place = (ratings.system * shape[1] + ratings.item)[first]
    size = shape[0] * shape[1]
    for row in drawn:
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
    estimate: Estimate, moved: Floats, raters: int, limits: tuple[float, float]
) -> Estimate:
    from scipy.stats import t

    value, low, high = estimate.value, estimate.low, estimate.high
    if value is None or low is None or high is None:
        return estimate
    finite = moved[np.isfinite(moved)]
    if finite.size < 2:  # noqa: PLR2004 - for a variance
        return _noted(estimate, "raters are not resampled: no draw of them has a value")
    scale = t.ppf(0.975, raters - 1) * np.sqrt(raters / (raters - 1))
    reach = float(scale * finite.std(ddof=1))
    what = f"and of {raters:,} raters, {len(moved)} draws, added in squares"
    if finite.size < moved.size:
        what += f", {moved.size - finite.size} of them undefined and left out"
    return replace(
        estimate,
        low=max(limits[0], value - float(np.hypot(value - low, reach))),
        high=min(limits[1], value + float(np.hypot(high - value, reach))),
        method=f"{estimate.method}, {what}",
    )


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
