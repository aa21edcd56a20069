"""Differences of ratings, with intervals about other items and other raters.

Items and raters are drawn independently, each with replacement, as in the pigeonhole
bootstrap (Owen 2007, Annals of Applied Statistics 1, 386): a strict rater's strictness
is in all of that rater's ratings, so more items do not average it away. The pigeonhole
bootstrap itself multiplies both draws and so counts the scatter of single ratings three
times. Here the two parts are added instead, and the raters' part is scaled down by what
the items' part has already counted: variance of items + of raters - of single ratings,
as for errors clustered in two ways (Cameron, Gelbach and Miller 2011), but never less
than that of the items. Few raters say little of how raters differ: the raters' part is
stretched so that it scatters like Student's t with raters - 1 degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from harness.errors import UsageError
from harness.stats.bootstrap import (
    resampled,
    undefined,
    with_interval,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from harness.types import Estimate

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]

LEAST_RATERS = 5
"""Raters from which on they are resampled as well as items."""
FEW_RATERS = f"fewer than {LEAST_RATERS} raters, who are not resampled"
"""What `method` says where there are fewer."""
_ROUNDS = 20
"""Rounds in which effects of items and raters are fitted in turn."""


@dataclass(frozen=True, slots=True)
class Ratings:
    """Ratings one by one; all arrays have the shape (ratings,)."""

    value: Floats
    """The ratings, finite; one for each rater of an output."""
    rater: Indices
    """Number of the rater."""
    output: Indices
    """Number of the output, unique over systems and items."""
    item: Indices
    """Number of its item, the column of a matrix."""
    system: Indices
    """Number of its system, the row of a matrix."""

    @classmethod
    def of(
        cls,
        value: ArrayLike,
        rater: ArrayLike,
        output: ArrayLike,
        item: ArrayLike,
        system: ArrayLike | None = None,
    ) -> Self:
        """Ratings from any sequences of one length; one system where none is given.

        Raises:
            UsageError: the lengths differ, or a rating is not finite.
        """
        values = np.asarray(value, dtype=float).reshape(-1)
        places = [
            np.zeros(len(values), np.intp) if one is None else np.asarray(one, np.intp)
            for one in (rater, output, item, system)
        ]
        if any(place.shape != values.shape for place in places):
            raise UsageError(
                "Each rating needs one rater, output, item and system; "
                f"of {len(values)} ratings these have the shapes "
                f"{', '.join(str(place.shape) for place in places)}."
            )
        if not np.isfinite(values).all():
            raise UsageError("Ratings must be finite; leave out those that are not.")
        return cls(values, *places)

    @classmethod
    def of_table(cls, table: ArrayLike) -> Self:
        """From an array of shape (raters, systems, items), NaN where not rated."""
        table = np.asarray(table, dtype=float)
        if table.ndim != 3:  # noqa: PLR2004 - raters, systems and items
            raise UsageError(
                f"Ratings must be (raters, systems, items), not {table.shape}."
            )
        rater, system, item = np.nonzero(np.isfinite(table))
        output = system * table.shape[2] + item
        return cls(table[rater, system, item], rater, output, item, system)

    def of_system(self, number: int) -> Ratings:
        """Those of one system."""
        return self.kept(self.system == number)

    def kept(self, mask: NDArray[np.bool_] | slice) -> Ratings:
        """Some of the ratings."""
        return Ratings(
            value=self.value[mask],
            rater=self.rater[mask],
            output=self.output[mask],
            item=self.item[mask],
            system=self.system[mask],
        )

    @property
    def raters(self) -> int:
        """How many raters gave them."""
        return len(np.unique(self.rater))

    def shares(self) -> Floats:
        """What each rating adds to the mean over items of the mean over outputs."""
        output, first, number = np.unique(
            self.output, return_index=True, return_inverse=True
        )
        _, item = np.unique(self.item[first], return_inverse=True)
        outputs = np.bincount(item)[item[number]]
        raters = np.bincount(number, minlength=len(output))[number]
        shares: Floats = 1.0 / (raters * outputs * (item.max(initial=0) + 1))
        return shares


def rating_difference(
    first: Ratings, other: Ratings, *, draws: int = 1000, seed: int = 0
) -> Estimate:
    """How much better one system is rated than another, on the items of both.

    A rater's severity cancels as far as the same rater judged both, and what makes an
    item hard cancels entirely. From five raters on the interval is about other items
    and other raters; below, about other items alone, and `method` says so.

    Args:
        first: of one system.
        other: of the other; raters and items are numbered as in the first.
        draws: number of resamples of items and of raters.
        seed: seed of the resamples.

    Returns:
        The mean over shared items of the differences of their means, in points of
        the scale; `n` counts items.
    """
    found = _difference(first, other)
    if found is None:
        return undefined("the two checkpoints share no rated item")
    return found.estimate("paired mean over items of mean ratings", draws, seed)


def variance_of_raters(
    first: Ratings, other: Ratings | None = None
) -> tuple[float, int]:
    """What other raters add to the squared standard error of a mean or difference.

    It is the raters' part of `rating_difference`, without resampling and without the
    stretch, which a t quantile takes the place of.

    Args:
        first: of one system.
        other: of the other; raters and items are numbered as in the first. None: what
            is meant is the mean of the first.

    Returns:
        The variance, in squared points of the scale, and how many raters gave it; 0
        below `LEAST_RATERS` raters.
    """
    found = _Linear.of_mean(first) if other is None else _difference(first, other)
    if found is None or found.ratings.raters < LEAST_RATERS:
        return 0.0, 0 if found is None else found.ratings.raters
    total, single, _ = found.parts_of_raters()
    return max(0.0, total - single), found.ratings.raters


def shares_of_raters(
    first: Ratings, other: Ratings | None = None
) -> tuple[Indices, Floats]:
    """How much of each rater is in the mean of a system, or the difference of two.

    Args:
        first: of one system.
        other: of the other; raters and items are numbered as in the first. None: what
            is meant is the mean of the first.

    Returns:
        Numbers of the raters, ascending, and their shares: in a mean they sum to 1, in
        a difference to 0.
    """
    found = _Linear.of_mean(first) if other is None else _difference(first, other)
    if found is None:
        return np.zeros(0, np.intp), np.zeros(0)
    return np.unique(found.ratings.rater), _sums(found.ratings.rater, found.shares)


def _difference(first: Ratings, other: Ratings) -> _Linear | None:
    """The difference on shared items as a sum; None where there are none."""
    shared = np.intersect1d(first.item, other.item)
    if not shared.size:
        return None
    one, two = (side.kept(np.isin(side.item, shared)) for side in (first, other))
    pairs = zip(_columns(one), _columns(two), strict=True)
    both = Ratings(*(np.concatenate(pair) for pair in pairs))
    shares = np.concatenate([one.shares(), -two.shares()])
    rest = both.value - _item_effects(both, np.sign(shares))
    for side in (shares > 0, shares < 0):
        rest[side] -= shares[side] @ rest[side] / shares[side].sum()
    return _Linear(both, shares, rest)


@dataclass(frozen=True, slots=True)
class _Linear:
    """A weighted sum of ratings, to which every item adds with the same weight."""

    ratings: Ratings
    """What is summed."""
    shares: Floats
    """The weight of each rating; those of an item's system add up to 1 / items."""
    rest: Floats
    """Ratings less what is not the raters' doing; weighted, they sum to 0."""

    @classmethod
    def of_mean(cls, ratings: Ratings) -> _Linear:
        """The mean over items of the mean over outputs."""
        shares = ratings.shares()
        return cls(ratings, shares, ratings.value - shares @ ratings.value)

    @property
    def of_item(self) -> Floats:
        """What each item adds, shape (items,)."""
        return _sums(self.ratings.item, self.shares * self.ratings.value)

    def estimate(self, what: str, draws: int, seed: int) -> Estimate:
        """The sum with its interval over items and, if they are enough, raters."""
        of_item = self.of_item
        series = _drawn(of_item, draws, seed)
        raters = self.ratings.raters
        crossed = raters >= LEAST_RATERS
        if crossed and series.size:
            series = series + self._of_raters(draws, seed)
        return with_interval(
            float(of_item.sum()),
            series,
            n=len(of_item),
            method=what if crossed else f"{what}; {FEW_RATERS}",
            unit=f"items and {raters:,} raters" if crossed else "items",
        )

    def _of_raters(self, draws: int, seed: int) -> Floats:
        """How far each draw of raters moves the sum, shape (draws,)."""
        found, single, of_rater = self.parts_of_raters()
        if found <= single:
            return np.zeros(draws)
        scale = np.sqrt((1 - single / found) * stretch(len(of_rater)))
        moved: Floats = scale * _drawn(of_rater, draws, [seed, 1])
        return moved

    def parts_of_raters(self) -> tuple[float, float, Floats]:
        """Variance of raters, that of single ratings in it, and each rater's part."""
        parts = self.shares * self.rest
        of_rater = _sums(self.ratings.rater, parts)
        raters = len(of_rater)
        cell = self.ratings.item * (int(self.ratings.rater.max()) + 1)
        single = float((_sums(cell + self.ratings.rater, parts) ** 2).sum())
        return float((of_rater**2).sum()) * raters / (raters - 1), single, of_rater


def stretch(raters: int) -> float:
    """Ratio of the variance of Student's t to that of a bootstrap of so few raters.

    A bootstrap mean varies by (R - 1) / R of the estimated squared standard error,
    Student's t with R - 1 degrees of freedom by (R - 1) / (R - 3) of it.
    """
    return raters / (raters - 3)


def _sums(group: Indices, values: Floats) -> Floats:
    """The values summed within each group that occurs, in order of its number."""
    number = np.unique(group, return_inverse=True)[1]
    sums: Floats = np.bincount(number, weights=values).astype(float)
    return sums


def _drawn(sums: Floats, draws: int, seed: int | list[int]) -> Floats:
    return resampled(sums[:, None], lambda tally: tally[..., 0], draws, seed)


def _columns(ratings: Ratings) -> tuple[NDArray[np.generic], ...]:
    return (
        ratings.value,
        ratings.rater,
        ratings.output,
        ratings.item,
        ratings.system,
    )


def _item_effects(ratings: Ratings, side: Floats) -> Floats:
    """What is the item's own of each rating, as other raters tell: (ratings,).

    Least squares of systems, raters and items by alternation, less what the rater's
    own ratings of the item add to its effect, which else hides a part of what the
    rater does. Raters come before items: what a design leaves open between them is
    laid to the raters, which widens intervals.
    """
    cell = ratings.item * (int(ratings.rater.max()) + 1) + ratings.rater
    groups = [
        np.unique(group, return_inverse=True)[1]
        for group in (side, ratings.rater, ratings.item, cell)
    ]
    counts = [np.bincount(group) for group in groups]
    effects = [np.zeros(len(ratings.value)) for _ in groups[:3]]
    for _ in range(_ROUNDS):
        for at in range(len(effects)):
            rest = ratings.value - sum(effects) + effects[at]
            mean = np.bincount(groups[at], weights=rest) / counts[at]
            effects[at] = mean[groups[at]]
    own = np.bincount(groups[3], weights=ratings.value - sum(effects))[groups[3]]
    others = counts[2][groups[2]] - counts[3][groups[3]]
    item: Floats = effects[2] - np.where(others > 0, own / np.maximum(others, 1), 0.0)
    return item
