"""The ratings that count, one by one, held as columns: there may be very many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import compress, count
from typing import TYPE_CHECKING, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Turn = Callable[[Indices, Floats], Floats]
"""Numbers of the raters and their ratings to other values, NaN to leave one out."""
Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Rating:
    """One rating, as it counts for one output."""

    id: int
    """Number of the rating; equal outputs to one prompt share it."""
    rated: str
    """Id of the output that was shown; its text is this output's."""
    assignment: int
    """Number of what the rater was shown; all its criteria share it."""
    output: str
    """Id of the output."""
    criterion: str
    """The criterion."""
    value: float
    """The rating."""
    rater: int
    """Number of the rater."""
    kind: str
    """`person`, `simulated` or `imported`."""
    seconds: float | None
    """How long all criteria together took; None where that is unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class GivenRatings(Sequence[Rating]):
    """Ratings in the order they were given, column by column.

    Columns are named as what `Rating` has of each; all have the shape (ratings,).
    """

    id: Indices
    rated: Sequence[str]
    assignment: Indices
    output: Sequence[str]
    criterion: Sequence[str]
    value: Floats
    rater: Indices
    kind: Sequence[str]
    seconds: Floats
    """NaN where it is unknown."""

    @classmethod
    def of(cls, ratings: Sequence[Rating]) -> GivenRatings:
        """From ratings one by one."""
        if isinstance(ratings, GivenRatings):
            return ratings
        return cls(
            id=np.array([one.id for one in ratings], dtype=np.intp),
            rated=[one.rated for one in ratings],
            assignment=np.array([one.assignment for one in ratings], dtype=np.intp),
            output=[one.output for one in ratings],
            criterion=[one.criterion for one in ratings],
            value=np.array([one.value for one in ratings], dtype=float),
            rater=np.array([one.rater for one in ratings], dtype=np.intp),
            kind=[one.kind for one in ratings],
            seconds=np.array([one.seconds for one in ratings], dtype=float),
        )

    def __len__(self) -> int:
        """Number of ratings."""
        return len(self.id)

    @overload
    def __getitem__(self, at: int) -> Rating: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Rating]: ...
    def __getitem__(self, at: int | slice) -> Rating | Sequence[Rating]:
        """One rating or several, as values of their own."""
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        seconds = float(self.seconds[at])
        return Rating(
            id=int(self.id[at]),
            rated=self.rated[at],
            assignment=int(self.assignment[at]),
            output=self.output[at],
            criterion=self.criterion[at],
            value=float(self.value[at]),
            rater=int(self.rater[at]),
            kind=self.kind[at],
            seconds=None if np.isnan(seconds) else seconds,
        )

    def kept(self, mask: NDArray[np.bool_]) -> GivenRatings:
        """Some of them."""
        if mask.all():
            return self
        return GivenRatings(
            id=self.id[mask],
            rated=list(compress(self.rated, mask)),
            assignment=self.assignment[mask],
            output=list(compress(self.output, mask)),
            criterion=list(compress(self.criterion, mask)),
            value=self.value[mask],
            rater=self.rater[mask],
            kind=list(compress(self.kind, mask)),
            seconds=self.seconds[mask],
        )

    def once(self) -> GivenRatings:
        """Each rating once, where several outputs share some."""
        first = np.zeros(len(self), dtype=bool)
        first[np.unique(self.id, return_index=True)[1]] = True
        return self.kept(first)

    def turned(self, turns: Mapping[str, Turn]) -> GivenRatings:
        """With other values by those criteria; what has none (NaN) is left out."""
        (names, number), value = numbered(self.criterion), self.value.copy()
        for at, name in enumerate(names):
            if name in turns:
                own = number == at
                value[own] = turns[name](self.rater[own], self.value[own])
        return replace(self, value=value).kept(~np.isnan(value))

    def by_criterion(self) -> dict[str, GivenRatings]:
        """Each criterion to its ratings, in the order of their first."""
        names, number = numbered(self.criterion)
        return {name: self.kept(number == at) for at, name in enumerate(names)}


def numbered(names: Sequence[Name]) -> tuple[tuple[Name, ...], Indices]:
    """Each name once, in the order of their first use, and the place of each there."""
    number: defaultdict[Name, int] = defaultdict(count().__next__)
    found = np.fromiter(map(number.__getitem__, names), np.intp, len(names))
    return tuple(number), found
