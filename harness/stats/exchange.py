"""What two metrics' agreement with people becomes when their scores are swapped.

The exchange of PERM-BOTH (Deutsch, Dror and Roth 2021, arXiv 2104.00054): each output's
two scores, standardised, change places at random. Nothing here is computed anew for a
swap: moments are linear in its signs, counts of ordered pairs are quadratic forms in
it, and ranks follow from one sorting of both metrics' scores together.

Swaps are of shape (swaps, groups, outputs): True where the two change places. Values
are of shape (2, swaps, groups), the first metric's and then the second's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.stats import coefficients
from harness.stats.system_level import (
    ends_of,
    limiting_p,
    of_gaps,
    pairs_of,
    rounded,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Single = NDArray[np.float32]
    Bools = NDArray[np.bool_]
    Indices = NDArray[np.intp]

_PAIRS = 4_000_000
"""Pairs of outputs whose signs are held at once."""
_TINY = 1e-12
"""Squared differences, relative to the squares, that are rounding."""


@dataclass(frozen=True, slots=True)
class Rivals:
    """Two metrics and people on the same outputs, in groups."""

    first: Floats
    """Shape (groups, outputs), standardised; NaN where missing."""
    second: Floats
    """The same, missing in the same places."""
    human: Floats
    """The same of people's ratings."""

    @property
    def present(self) -> Bools:
        """Where there is an output."""
        there: Bools = ~np.isnan(self.human)
        return there


def pearsons(rivals: Rivals, swaps: Bools) -> Floats:
    """Pearson's r within each group; NaN where constant."""
    present = rivals.present
    count = np.broadcast_to(present.sum(axis=1), swaps.shape[:2])
    middle = np.where(present, (rivals.first + rivals.second) / 2, 0.0)
    half = np.where(present, (rivals.first - rivals.second) / 2, 0.0)
    human = np.where(present, rivals.human, 0.0)
    signs = 1.0 - 2.0 * swaps

    def moved(coefficient: Floats) -> Floats:
        sums: Floats = np.einsum("kgn,gn->kg", signs, coefficient)
        return sums

    shift = moved(half), moved(2 * middle * half), moved(half * human)
    fixed = middle, middle**2 + half**2, middle * human
    still = [values.sum(axis=1) for values in fixed]
    y, yy = (np.broadcast_to(v.sum(axis=1), count.shape) for v in (human, human**2))
    found = []
    for turn in (1, -1):
        x, xx, xy = (s + turn * d for s, d in zip(still, shift, strict=True))
        found.append(coefficients.pearson(np.stack([count, x, y, xx, yy, xy], -1)))
    return np.stack(found)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Both metrics' scores of each group in one order, from which swaps are ranked."""

    place: Indices
    """Shape (groups, 2 x outputs): the output of each score in ascending order."""
    of_second: Bools
    """Whether the score is the second metric's."""
    present: Bools
    """Whether there is a score; the missing come last."""
    human: Floats
    """People's rank of the output less the group's mean rank."""
    start: Indices | None
    """First of the scores equal to this one, in the flat array; None without ties."""
    end: Indices | None
    """Last of them."""

    @classmethod
    def of(cls, rivals: Rivals) -> Ranking:
        """One sorting, whatever the number of swaps."""
        from scipy.stats import rankdata

        outputs = rivals.human.shape[1]
        scores = np.concatenate([rivals.first, rivals.second], axis=1)
        order = np.argsort(scores, axis=1, kind="stable")
        ordered = np.take_along_axis(scores, order, axis=1)
        place = order % outputs
        ranks = rankdata(rivals.human, axis=1, nan_policy="omit")
        middle = (rivals.present.sum(axis=1, keepdims=True) + 1) / 2
        human = np.where(rivals.present, ranks - middle, 0.0)
        new = np.ones(ordered.shape, dtype=bool)
        new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
        start = end = None
        if not new.all():
            starts = np.flatnonzero(new.ravel())
            number = np.cumsum(new.ravel()) - 1
            start = starts[number].reshape(new.shape)
            end = (np.append(starts[1:], new.size) - 1)[number].reshape(new.shape)
        return cls(
            place=place,
            of_second=order >= outputs,
            present=~np.isnan(ordered),
            human=np.take_along_axis(human, place, axis=1),
            start=start,
            end=end,
        )

    def spearmans(self, swaps: Bools) -> Floats:
        """Spearman's rho within each group; NaN where constant."""
        groups = np.arange(len(self.place))[:, None]
        chosen = (swaps[:, groups, self.place] == self.of_second) & self.present
        n = self.present.sum(axis=1) / 2
        people = (self.human**2).sum(axis=1) / 2
        found = []
        for taken in (chosen, ~chosen & self.present):
            ranks = self._midranks(taken)
            together = np.einsum("kgn,kgn->kg", ranks, taken * self.human)
            if self.start is None:
                spread = np.broadcast_to(n * (n * n - 1) / 12, together.shape)
            else:
                ranks *= taken
                squares = np.einsum("kgn,kgn->kg", ranks, ranks)
                spread = squares - n * ((n + 1) / 2) ** 2
            found.append(coefficients.ratio(together, np.sqrt(spread * people)))
        return np.stack(found)

    def _midranks(self, taken: Bools) -> Floats:
        """Ranks of the taken scores among themselves, as if all were taken."""
        upto = np.cumsum(taken, axis=2, dtype=np.float64)
        if self.start is None or self.end is None:
            return upto
        flat, marks = upto.reshape(len(taken), -1), taken.reshape(len(taken), -1)
        before = flat[:, self.start] - marks[:, self.start]
        ranks: Floats = (before + flat[:, self.end] + 1) / 2
        return ranks


@dataclass(frozen=True, slots=True)
class Form:
    """A sum over ordered pairs of outputs, for any swap s: c + s'l + s'Qs."""

    constant: Single
    """Shape (groups,)."""
    linear: Single
    """Shape (groups, outputs)."""
    square: Single
    """Shape (groups, outputs, outputs)."""
    back: Single
    """Shape (groups, outputs), what each swap takes from the sum of all swaps."""
    whole: Single
    """Shape (groups,), the sum where all are swapped."""
    fixed: bool
    """Whether no swap changes the sum."""

    @classmethod
    def of(cls, stay: Single, one: Single, both: Single) -> Form:
        """The form that is symmetric in the two outputs of a pair.

        Args:
            stay: values of all pairs, (groups, outputs, outputs), nothing swapped.
            one: the same where the first output of the pair is swapped.
            both: the same where both are.
        """
        square = both - one - one.transpose(0, 2, 1) + stay
        linear = 2 * (one - stay).sum(axis=2)
        constant, rows = stay.sum(axis=(1, 2)), square.sum(axis=2)
        return cls(
            constant=constant,
            linear=linear,
            square=square,
            back=linear + 2 * rows,
            whole=constant + linear.sum(axis=1) + rows.sum(axis=1),
            fixed=not square.any() and not linear.any(),
        )

    def values(self, swaps: Single) -> tuple[Floats, Floats]:
        """Of the swaps (groups, swaps, outputs) and of their opposites."""
        if self.fixed:
            same = np.broadcast_to(self.constant[:, None], swaps.shape[:2])
            return same.astype(float), same.astype(float)
        squares = np.einsum("gkn,gkn->gk", swaps @ self.square, swaps)
        there = np.einsum("gkn,gn->gk", swaps, self.linear)
        back = np.einsum("gkn,gn->gk", swaps, self.back)
        first = self.constant[:, None] + there + squares
        return first.astype(float), (self.whole[:, None] - back + squares).astype(float)


@dataclass(frozen=True, slots=True)
class Orders:
    """Ordered pairs of a few groups."""

    agree: Form
    """Concordant less discordant pairs."""
    free: Form
    """Pairs that the metric does not tie."""
    people: Floats
    """Pairs that people do not tie, shape (groups,)."""

    @classmethod
    def of(cls, rivals: Rivals) -> Orders:
        """All pairs of each group."""
        human = _signs(rivals.human, rivals.human)
        stay = _signs(rivals.first, rivals.first)
        one = _signs(rivals.second, rivals.first)
        # An output makes no pair with itself, also not by its other score.
        diagonal = np.arange(one.shape[1])
        one[:, diagonal, diagonal] = 0
        both = _signs(rivals.second, rivals.second)
        return cls(
            agree=Form.of(stay * human, one * human, both * human),
            free=Form.of(np.abs(stay), np.abs(one), np.abs(both)),
            people=np.abs(human).sum(axis=(1, 2)).astype(float),
        )

    def tau_bs(self, swaps: Bools) -> Floats:
        """Kendall's tau-b within each group; NaN where constant."""
        single = swaps.astype(np.float32).transpose(1, 0, 2)
        pairs = zip(self.agree.values(single), self.free.values(single), strict=True)
        people = self.people[:, None]
        found = [coefficients.ratio(a, np.sqrt(free * people)).T for a, free in pairs]
        return np.stack(found)


def tau_bs(rivals: Rivals) -> Callable[[Bools], Floats]:
    """Kendall's tau-b within each group, as a function of swaps; NaN where constant."""
    groups, outputs = rivals.human.shape
    size = max(1, _PAIRS // max(1, outputs**2))
    # Without any group, one empty part, so that values keep their shape.
    parts = [slice(at, at + size) for at in range(0, max(1, groups), size)]
    orders = [
        Orders.of(Rivals(rivals.first[at], rivals.second[at], rivals.human[at]))
        for at in parts
    ]

    def values(swaps: Bools) -> Floats:
        found = [
            few.tau_bs(swaps[:, at]) for at, few in zip(parts, orders, strict=True)
        ]
        return np.concatenate(found, axis=2)

    return values


def tau_bs_sorted(rivals: Rivals, swaps: Bools) -> Floats:
    """Kendall's tau-b within each group, each swap sorted: for many outputs."""
    from scipy.stats import kendalltau

    found = np.full((2, *swaps.shape[:2]), np.nan)
    for group, present in enumerate(rivals.present):
        first, second, human = (
            values[group, present]
            for values in (rivals.first, rivals.second, rivals.human)
        )
        for number, swap in enumerate(swaps[:, group, present]):
            taken = np.where(swap, second, first), np.where(swap, first, second)
            for side, scores in enumerate(taken):
                found[side, number, group] = kendalltau(scores, human).statistic
    return found


def of_systems(rivals: Rivals, comparable: Bools, swaps: Bools) -> dict[str, Floats]:
    """All values of systems (the groups), from their pairs; each of shape (2, swaps).

    Args:
        rivals: each pair is compared on the items that both systems have.
        comparable: shape (systems, systems), which pairs are compared at all.
        swaps: the swaps.
    """
    present = rivals.present
    one, other = pairs_of(comparable)
    middle, half = (
        np.where(present, (rivals.first + turn * rivals.second) / 2, 0.0)
        for turn in (1, -1)
    )
    human = np.where(present, rivals.human, 0.0)[None]
    shared = (present.astype(float) @ present.T)[one, other]
    people, people_p = _gaps(human, present, one, other)
    found: dict[str, list[Floats]] = {}
    for turn in (1, -1):
        drawn = middle + turn * half * (1.0 - 2.0 * swaps)
        sums, p = _gaps(drawn, present, one, other)
        values = of_gaps(sums / shared, people / shared, ends_of(comparable))
        values["spa"] = 1 - np.abs(p - people_p).mean(axis=1)
        for name, series in values.items():
            found.setdefault(name, []).append(series)
    return {name: np.stack(values) for name, values in found.items()}


def _gaps(
    scores: Floats, present: Bools, one: Indices, other: Indices
) -> tuple[Floats, Floats]:
    """Summed differences of the pairs' systems, and their one-sided p.

    Args:
        scores: shape (swaps, systems, items), 0 where missing.
        present: shape (systems, items).
        one: first system of each pair.
        other: second system of each pair.
    """
    products = scores @ scores.transpose(0, 2, 1)
    if present.all():
        sums = np.broadcast_to(scores.sum(axis=2)[:, :, None], products.shape)
        own = products.diagonal(axis1=1, axis2=2)[:, :, None]
        squares = np.broadcast_to(own, products.shape)
    else:
        # Of each system, over the items that it shares with each other one.
        there = present.T.astype(float)
        sums, squares = scores @ there, scores**2 @ there
    gaps = sums[:, one, other] - sums[:, other, one]
    both = squares[:, one, other] + squares[:, other, one]
    apart = both - 2 * products[:, one, other]
    p = limiting_p(gaps, np.where(apart > _TINY * both, apart, 0.0))
    return rounded(gaps, present.shape[1]), p


def _signs(values: Floats, others: Floats) -> Single:
    """Sign of each value less each other, (groups, outputs, outputs); 0 if missing."""
    left, right = values[:, :, None], others[:, None, :]
    above: Single = (left > right).astype(np.float32)
    return above - (left < right)
