"""Checkpoints prompt by prompt: what raters say, and what one metric says.

The samples of a prompt are averaged, rater by rater. The prompts are those that all
of the checkpoints answered. Where two wrote the same, their difference is known to be
none: such prompts are counted and set apart, as on the owner's page (`pairing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.reporting.by_rater import ratings_of
from harness.reporting.drawn import stratified
from harness.stats.crossed import Ratings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from harness.reporting.evidence import Evidence
    from harness.reporting.rating_means import Unsure
    from harness.stats.rated_prompts import Design
    from harness.types import Json

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known of checkpoints on the prompts that all of them answered."""

    human: tuple[Floats, ...]
    """(prompts, raters), NaN where nobody judged: ratings of each checkpoint; or alone
    how far the second was preferred, 0 to 1."""
    scores: tuple[Floats, ...] | None
    """(prompts,) of each checkpoint, NaN where the metric has none; None without a
    metric."""
    design: Design
    """How the judged prompts were drawn."""
    equal: int = 0
    """Further prompts for which both wrote the same: a tie, or no difference, without
    being asked."""
    given: tuple[Ratings, ...] = ()
    """The ratings themselves, of each checkpoint; or alone the outcomes."""


@dataclass(frozen=True)
class Sheet:
    """All that is known by one criterion, made ready to pick pairs from."""

    evidence: Evidence
    """What counts for the task."""
    criterion: str
    """Its name."""
    metric: str | None
    """Signature of the metric whose scores go with it; None: none."""
    turned: Ratings | None = None
    """What the ratings were made into, in the order of `by_rater.ratings_of`; None:
    they are as they were given."""
    unsure: Unsure | None = None
    """What that adds to variances; None: as the evidence says."""

    @cached_property
    def number(self) -> dict[str, int]:
        """Id of each checkpoint to its number."""
        return {one.id: at for at, one in enumerate(self.evidence.checkpoints)}

    @cached_property
    def answered(self) -> NDArray[np.bool_]:
        """(checkpoints, items), whether there are outputs."""
        found = np.zeros((len(self.number), len(self.evidence.items)), dtype=bool)
        found[self.evidence.cells] = True
        return found

    @cached_property
    def ratings(self) -> Ratings:
        """All ratings, by checkpoint."""
        if self.turned is not None:
            return self.turned
        return ratings_of(self.evidence, self.criterion)

    def rated(self, checkpoint: str) -> Ratings:
        """The ratings of one checkpoint."""
        at, every = self.number[checkpoint], self.ratings
        part = slice(*np.searchsorted(every.system, [at, at + 1]))
        return Ratings(
            value=every.value[part],
            rater=every.rater[part],
            output=every.output[part],
            item=every.item[part],
            system=every.system[part],
        )

    def by_ratings(self, *checkpoints: str) -> Judged:
        """One checkpoint or two, by their ids, by ratings of single outputs."""
        given = [self.rated(one) for one in checkpoints]
        strata, shared = self._population(checkpoints, self._given)
        equal = self._equal(checkpoints, shared, rated=True)
        shared &= ~equal
        given = [one.kept(shared[one.item]) for one in given]
        row_of = _numbered(shared)
        raters = np.unique(np.concatenate([one.rater for one in given]))
        human = tuple(_matrix(one, row_of, raters, shared.sum()) for one in given)
        rated = np.logical_and.reduce([_judged(one) for one in human])
        return Judged(
            human=human,
            scores=self._scores_of(checkpoints, shared),
            design=self._design(strata, self._given, row_of, rated),
            equal=int(equal.sum()),
            given=tuple(given),
        )

    def by_comparisons(self, first: str, second: str) -> Judged:
        """Two checkpoints, by their ids, by comparisons of these two."""
        rows = self._compared.get(frozenset((first, second)), [])
        column = self._column
        asked = [row for row in rows if not row["identical"]]
        pages = [(row["assignment"], column[row["item"]]) for row in asked]
        strata, shared = self._population((first, second), pages)
        # Drawn or not: of prompts that were not drawn there are no rows.
        equal = self._equal((first, second), shared, rated=False)
        equal[[column[row["item"]] for row in rows if row["identical"]]] = True
        equal &= shared
        shared &= ~equal
        row_of = _numbered(shared)
        asked = [row for row in asked if shared[column[row["item"]]]]
        rater = {one: at for at, one in enumerate({row["rater"]: 0 for row in asked})}
        prompt = np.array([row_of[column[row["item"]]] for row in asked], dtype=np.intp)
        won = Ratings.of(
            [
                row["outcome"] if row["one"] == second else 1 - row["outcome"]
                for row in asked
            ],
            [rater[row["rater"]] for row in asked],
            prompt,
            prompt,
        )
        raters = np.arange(max(1, len(rater)))
        won_by = _matrix(won, np.arange(int(shared.sum())), raters, shared.sum())
        return Judged(
            human=(won_by,),
            scores=self._scores_of((first, second), shared),
            design=self._design(strata, pages, row_of, _judged(won_by)),
            equal=int(equal.sum()),
            given=(won,),
        )

    @cached_property
    def _compared(self) -> dict[frozenset[str], list[Mapping[str, Json]]]:
        """Two checkpoints to the comparisons of them by this criterion."""
        found: dict[frozenset[str], list[Mapping[str, Json]]] = {}
        for row in self.evidence.comparisons.rows:
            if row["criterion"] == self.criterion:
                pair = frozenset((row["one"], row["two"]))
                found.setdefault(pair, []).append(row)
        return found

    @cached_property
    def _column(self) -> dict[str, int]:
        return {item: at for at, item in enumerate(self.evidence.items)}

    @cached_property
    def _given(self) -> list[tuple[int, int]]:
        """Assignment and item of each rating, where somebody will ask."""
        if not self.evidence.drawn.chances:
            return []
        item_of, given = self.evidence.item_of, self.evidence.given
        columns = (given.assignment.tolist(), given.output, given.criterion)
        return [
            (assignment, self._column[item_of[output]])
            for assignment, output, criterion in zip(*columns, strict=True)
            if criterion == self.criterion
        ]

    @cached_property
    def _shown(self) -> dict[str, set[str]]:
        """Output to those whose ratings are its own; equal ones share them."""
        found: dict[str, set[str]] = {}
        given = self.evidence.given
        columns = (given.output, given.rated, given.criterion)
        for output, rated, criterion in zip(*columns, strict=True):
            if criterion == self.criterion:
                found.setdefault(output, set()).add(rated)
        return found

    def _population(
        self, checkpoints: Sequence[str], given: Sequence[tuple[int, int]]
    ) -> tuple[Mapping[str, int] | None, NDArray[np.bool_]]:
        """Prompts to strata, if they were drawn so, and which prompts are meant.

        (items,): those that all of the checkpoints answered and, with strata, that
        could have been drawn.
        """
        numbers = [self.number[id_] for id_ in checkpoints]
        shared = np.asarray(self.answered[numbers].all(axis=0))
        strata = self.evidence.drawn.strata_of(
            assignment for assignment, item in given if shared[item]
        )
        if strata is not None:
            shared &= [item in strata for item in self.evidence.items]
        return strata, shared

    def _design(
        self,
        strata: Mapping[str, int] | None,
        given: Sequence[tuple[int, int]],
        row_of: Indices,
        judged: NDArray[np.bool_],
    ) -> Design:
        if strata is not None:
            rows = [
                strata[item] for item, at in self._column.items() if row_of[at] >= 0
            ]
            return stratified(rows, judged)
        rows_of = ((page, int(row_of[item])) for page, item in given)
        return self.evidence.drawn.design(
            [(page, row) for page, row in rows_of if row >= 0], judged
        )

    def _equal(
        self,
        checkpoints: Sequence[str],
        shared: NDArray[np.bool_],
        *,
        rated: bool,
    ) -> NDArray[np.bool_]:
        """(items,), whether two wrote the same, so that they do not differ.

        None where everything is the same, or where equal outputs were rated each by
        itself, as ratings from elsewhere may be: then all count as they were rated.
        """
        found, none = np.zeros_like(shared), np.zeros_like(shared)
        if len(checkpoints) == 1:
            return none
        first, second = (self._written(id_) for id_ in checkpoints)
        for item in np.flatnonzero(shared).tolist():
            one, two = first[item], second[item]
            if [text for text, _ in one] == [text for text, _ in two]:
                if rated and self._whose(one) != self._whose(two):
                    return none
                found[item] = True
        return found if (shared & ~found).any() else none

    def _written(self, checkpoint: str) -> dict[int, list[tuple[str, str]]]:
        """Item to its texts in order, each with the id of its output."""
        found: dict[int, list[tuple[str, str]]] = {}
        column = self._column
        for one in self.evidence.outputs[checkpoint]:
            found.setdefault(column[one.item], []).append((one.text, one.id))
        for texts in found.values():
            texts.sort()
        return found

    def _whose(self, texts: Sequence[tuple[str, str]]) -> list[tuple[str, list[str]]]:
        """The texts in order, each with the outputs whose ratings it has."""
        return sorted((text, sorted(self._shown.get(id_, ()))) for text, id_ in texts)

    def _scores_of(
        self, checkpoints: Sequence[str], shared: NDArray[np.bool_]
    ) -> tuple[Floats, ...] | None:
        if self.metric is None:
            return None
        return tuple(self._scores[self.number[id_]][shared] for id_ in checkpoints)

    @cached_property
    def _scores(self) -> Floats:
        """(checkpoints, items), means over samples, NaN where there is none."""
        values = self.evidence.score_values[self.metric or ""]
        known = np.isfinite(values)
        system, item = (numbers[known] for numbers in self.evidence.cells)
        shape = self.answered.shape
        flat, size = system * shape[1] + item, shape[0] * shape[1]
        total = np.bincount(flat, values[known], minlength=size)
        times = np.bincount(flat, minlength=size)
        return _quotient(total, times).reshape(shape)


def _judged(table: Floats) -> NDArray[np.bool_]:
    """(prompts,), whether anybody judged each."""
    return np.asarray(np.isfinite(table).any(axis=1))


def _numbered(mask: NDArray[np.bool_]) -> Indices:
    """Number of each True among them, -1 elsewhere."""
    return np.asarray(np.where(mask, np.cumsum(mask) - 1, -1), dtype=np.intp)


def _matrix(ratings: Ratings, row_of: Indices, raters: Indices, rows: int) -> Floats:
    """(rows, raters), each rater's ratings of a prompt's samples averaged."""
    row = row_of[ratings.item]
    kept = row >= 0
    flat = row * len(raters) + np.searchsorted(raters, ratings.rater)
    size = int(rows) * len(raters)
    total = np.bincount(flat[kept], ratings.value[kept], minlength=size)
    times = np.bincount(flat[kept], minlength=size)
    return _quotient(total, times).reshape(int(rows), len(raters))


def _quotient(total: NDArray[Any], times: NDArray[Any]) -> Floats:
    found = np.full(total.shape, np.nan)
    np.divide(total, times, out=found, where=times > 0)
    return found
