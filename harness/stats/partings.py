"""Where two values part ways between checkpoints: one surely up, the other down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from harness.stats.paired import holm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Known = NDArray[np.bool_]

LEVEL = 0.05
"""Chance of any false parting at most, over everything that is looked at together."""
FEWEST = 10
"""Items that both ends of a stretch must share."""
_KEPT = 64
_SAME = 1e-12
_ALIKE = 1e-4
"""Share of both variances below which that of a difference is summed anew."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From one checkpoint of a series to a later one."""

    series: int
    """Number of the series."""
    start: int
    """Number of the first checkpoint within its series."""
    end: int
    """Number of the last checkpoint, above `start`."""

    def overlaps(self, other: Stretch) -> bool:
        """Whether the two have more than an end in common."""
        return (
            self.series == other.series
            and self.start < other.end
            and other.start < self.end
        )


@dataclass(frozen=True, slots=True)
class Change:
    """How a value changed over a stretch, on the items that both its ends have."""

    difference: float
    """Last minus first."""
    t: float
    """The difference over its standard error; 0 where that is unknown."""
    p: float | None
    """Two-sided; None where it is unknown."""


@dataclass(frozen=True, slots=True)
class Parted:
    """A stretch over which a metric and a criterion changed in opposite directions."""

    metric: int
    """Number of the metric."""
    criterion: int
    """Number of the criterion."""
    stretch: Stretch
    """Where."""
    strength: float
    """The smaller of both |t|."""


Changes = dict[Stretch, Change]


def changes(
    tallies: Floats,
    value: Callable[[Floats], Floats],
    *,
    series: int = 0,
    steps: Sequence[int] | None = None,
) -> Changes:
    """The change of a corpus value over every stretch of a series.

    Standard errors are those of the jackknife over items, which for a mean is the
    paired t-test: value(all) - value(all but one) of both ends, item by item (Efron
    and Stein 1981), with n - 1 degrees of freedom.

    Args:
        tallies: shape (checkpoints, items, width), in the order of training; NaN where
            a checkpoint has none for the item.
        value: turns summed tallies, shape (..., width), into values, shape (...).
        series: number of the series, for the stretches.
        steps: shape (checkpoints,); there is no stretch between equal ones.

    Returns:
        Each stretch whose ends share at least `FEWEST` items.
    """
    known: Known = np.asarray(~np.isnan(tallies).any(axis=2))

    @lru_cache(_KEPT)
    def without_each(checkpoint: int, shared: bytes) -> tuple[float, Floats]:
        rows = tallies[checkpoint][np.frombuffer(shared, dtype=bool)]
        total = rows.sum(axis=0)
        return float(value(total)), value(total - rows)

    pairs = [
        (start, end)
        for start, end in combinations(range(len(tallies)), 2)
        if not (steps and steps[start] == steps[end])
    ]
    if known.any() and (known == known[0]).all():
        shared = known[0].tobytes()
        both = [without_each(one, shared) for one in range(len(tallies))]
        values, left_out = (np.array(some) for some in zip(*both, strict=True))
        made = _changes_of(values, left_out, pairs)
        return {Stretch(series, *pair): one for pair, one in made}
    found: Changes = {}
    for start, end in pairs:
        common = known[start] & known[end]
        if common.sum() < FEWEST:
            continue
        first, firsts = without_each(start, common.tobytes())
        last, lasts = without_each(end, common.tobytes())
        left_out = lasts - firsts
        squares = float(((left_out - left_out.mean()) ** 2).sum())
        [found[Stretch(series, start, end)]] = _judged(
            np.array([last - first]), np.array([squares]), len(left_out)
        )
    return found


def _changes_of(
    values: Floats, left_out: Floats, pairs: Sequence[tuple[int, int]]
) -> list[tuple[tuple[int, int], Change]]:
    """The change between the checkpoints of each pair, where all share all items.

    Squares of differences follow from products of two checkpoints, but for those so
    alike that little would be left of the digits.
    """
    n = left_out.shape[1]
    if n < FEWEST or not pairs:
        return []
    centred = left_out - left_out.mean(axis=1, keepdims=True)
    products = centred @ centred.T
    own = np.diag(products)
    start, end = np.array(pairs).T
    both = own[start] + own[end]
    squares = both - 2 * products[start, end]
    for at in np.flatnonzero(~(squares > _ALIKE * both)):
        squares[at] = ((centred[end[at]] - centred[start[at]]) ** 2).sum()
    found = _judged(values[end] - values[start], squares, n)
    return list(zip(pairs, found, strict=True))


def _judged(differences: Floats, squares: Floats, n: int) -> list[Change]:
    """From differences and the squared scatter of what n items each leave of them."""
    from scipy.special import stdtr

    errors = np.sqrt((n - 1) / n * squares)
    sure = errors > _SAME * np.maximum(1.0, np.abs(differences))
    sure &= np.isfinite(differences)
    t = np.divide(differences, errors, out=np.zeros_like(differences), where=sure)
    p = 2 * stdtr(n - 1, -np.abs(t))
    return [
        Change(difference, one, chance if known else None)
        for difference, one, chance, known in zip(
            differences.tolist(), t.tolist(), p.tolist(), sure.tolist(), strict=True
        )
    ]


def partings(
    metrics: Sequence[Changes], criteria: Sequence[Changes], level: float = LEVEL
) -> list[Parted]:
    """Stretches over which a metric and a criterion surely changed oppositely.

    A parting needs both changes to be significant, with Holm's adjustment over all
    changes of all metrics and criteria: a false one needs a false rejection among
    them, so that any at all is claimed with a chance of at most `level`.

    Args:
        metrics: each metric's changes, turned so that above 0 is better.
        criteria: each criterion's changes.
        level: chance of claiming a parting where there is none.

    Returns:
        The surest first. Of a metric and a criterion no two stretches overlap: where
        several do, the one in which the less sure of both changes is surest.
    """
    every = (*metrics, *criteria)
    flat = [(at, stretch) for at, found in enumerate(every) for stretch in found]
    adjusted = holm([every[at][stretch].p for at, stretch in flat])
    sure = {
        place
        for place, p in zip(flat, adjusted, strict=True)
        if p is not None and p <= level
    }
    found: list[Parted] = []
    for metric, of_metric in enumerate(metrics):
        for criterion, of_criterion in enumerate(criteria):
            clear = [
                Parted(metric, criterion, stretch, min(abs(one.t), abs(other.t)))
                for stretch, one, other in _both(of_metric, of_criterion)
                if {(metric, stretch), (len(metrics) + criterion, stretch)} <= sure
                and one.t * other.t < 0
            ]
            found += _apart(clear)
    return sorted(found, key=lambda one: -one.strength)


def _both(
    first: Mapping[Stretch, Change], second: Mapping[Stretch, Change]
) -> Iterator[tuple[Stretch, Change, Change]]:
    for stretch, change in first.items():
        if stretch in second:
            yield stretch, change, second[stretch]


def _apart(found: Sequence[Parted]) -> list[Parted]:
    """The strongest of those that overlap."""
    kept: list[Parted] = []
    for one in sorted(found, key=lambda one: -one.strength):
        if not any(one.stretch.overlaps(other.stretch) for other in kept):
            kept.append(one)
    return kept
