"""Checkpoints prompt by prompt: what raters say, and what one metric says.

The samples of a prompt are averaged, rater by rater. The prompts are those that all
of the checkpoints answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.reporting.by_rater import ratings_of
from harness.stats.crossed import Ratings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from harness.reporting.evidence import Evidence
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
    """Further prompts for which both wrote the same, a tie without being asked."""


@dataclass(frozen=True)
class Sheet:
    """All that is known by one criterion, made ready to pick pairs from."""

    evidence: Evidence
    """What counts for the task."""
    criterion: str
    """Its name."""
    metric: str | None
    """Signature of the metric whose scores go with it; None: none."""

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
        shared = self._shared(checkpoints)
        row_of = _numbered(shared)
        raters = np.unique(np.concatenate([one.rater for one in given]))
        human = tuple(_matrix(one, row_of, raters, shared.sum()) for one in given)
        rated = np.logical_and.reduce([_judged(one) for one in human])
        return Judged(
            human=human,
            scores=self._scores_of(checkpoints, shared),
            design=self.evidence.drawn.design(self._given(row_of), rated),
        )

    def by_comparisons(self, first: str, second: str) -> Judged:
        """Two checkpoints, by their ids, by comparisons of these two."""
        rows = self._compared.get(frozenset((first, second)), [])
        column = {item: at for at, item in enumerate(self.evidence.items)}
        equal = {column[row["item"]] for row in rows if row["identical"]}
        shared = self._shared((first, second))
        shared[list(equal)] = False
        row_of = _numbered(shared)
        asked = [
            (row, row_of[column[row["item"]]])
            for row in rows
            if not row["identical"] and row_of[column[row["item"]]] >= 0
        ]
        rater = {
            one: at for at, one in enumerate({row["rater"]: 0 for row, _ in asked})
        }
        total = np.zeros((int(shared.sum()), max(1, len(rater))))
        times = np.zeros_like(total)
        for row, prompt in asked:
            won = row["outcome"] if row["one"] == second else 1 - row["outcome"]
            total[prompt, rater[row["rater"]]] += won
            times[prompt, rater[row["rater"]]] += 1
        given = ((row["assignment"], int(prompt)) for row, prompt in asked)
        won_by = _quotient(total, times)
        return Judged(
            human=(won_by,),
            scores=self._scores_of((first, second), shared),
            design=self.evidence.drawn.design(given, _judged(won_by)),
            equal=len(equal),
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

    def _shared(self, checkpoints: Sequence[str]) -> NDArray[np.bool_]:
        """(items,), whether all of them answered."""
        numbers = [self.number[id_] for id_ in checkpoints]
        return np.asarray(self.answered[numbers].all(axis=0))

    def _given(self, row_of: Indices) -> list[tuple[int, int]]:
        """Assignment and prompt of each rating, where somebody will ask."""
        if not self.evidence.drawn.chances:
            return []
        items = {item: at for at, item in enumerate(self.evidence.items)}
        found = [
            (one.assignment, int(row_of[items[self.evidence.item_of[one.output]]]))
            for one in self.evidence.ratings
            if one.criterion == self.criterion
        ]
        return [(assignment, row) for assignment, row in found if row >= 0]

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
