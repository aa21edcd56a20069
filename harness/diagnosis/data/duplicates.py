"""Rows that repeat others: exactly, but for numbers and dates, or nearly."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.diagnosis.data.family import Family
from harness.diagnosis.data.keys import hashed, masked
from harness.diagnosis.data.near import candidates, jaccard, signatures
from harness.diagnosis.data.rules import Rule, percent
from harness.diagnosis.model import Findings, NotChecked
from harness.errors import MissingPackage
from harness.reporting.formats import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.diagnosis.data.family import Seen
    from harness.diagnosis.data.shapes import Sample
    from harness.diagnosis.model import Check

    Numbers = np.ndarray[Any, np.dtype[Any]]

EXACT = Rule(
    "exact_duplicates",
    "openai 0.28.1 prepare_data (any); shares ours: verses that repeat are 2 %",
    {"notice": 0.0, "warning": 0.05, "failure": 0.5},
    weights={
        "warning": {"duplicate_data": 1.5},
        "failure": {"duplicate_data": 3.0, "too_few_examples": 0.5},
        "fine": {"duplicate_data": -1.5},
        "notice": {"duplicate_data": -1.0},
    },
)
MASKED = Rule(
    "differ_only_in_numbers",
    "measured here: 12 templates 42 and 30 %, commands 6 %, verses 0 %",
    {"notice": 0.1, "warning": 0.2, "failure": 0.5},
    weights={
        "fine": {"narrow_data": -0.7},
        "warning": {"narrow_data": 1.5},
        "failure": {"narrow_data": 2.5},
    },
)
NEAR = Rule(
    "near_duplicates",
    "Jaccard 0.7 of 5-shingles as py-data-juicer 1.6.1; share ours",
    {"notice": 0.02, "warning": 0.2},
    weights={"warning": {"duplicate_data": 0.7, "narrow_data": 0.5}},
)
LEAST_JACCARD = 0.7
COMPARED = 4000
"""Most candidates for near duplicates that get the second look; a random share."""
SHOWN_GROUPS = 3


class Duplicates(Family):
    """Exact, masked and near duplicates of whole rows."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        self._lines: array[int] = array("q")
        self._keys: array[int] = array("Q")
        self._masked: array[int] = array("Q")
        self._bands: list[Numbers] = []
        self._missing: MissingPackage | None = None
        self._exact = self._numbers = _Groups.none()
        self._pairs: list[tuple[int, int]] = []
        self._flagged = 0

    @property
    def distinct(self) -> int:
        """Rows that are left when each is kept once."""
        return self._exact.groups

    @property
    def effective(self) -> int:
        """Rows that are left when those that differ only in numbers are kept once."""
        return self._numbers.groups

    def see(self, batch: Sequence[Sample]) -> None:
        """Hash the rows."""
        texts = [f"{one.plain_prompt}\n{one.plain_answer}" for one in batch]
        self._lines.extend(one.line for one in batch)
        self._keys.extend(one.key for one in batch)
        self._masked.extend(hashed(masked(text)) for text in texts)
        if self._missing is None:
            try:
                self._bands.append(signatures(texts))
            except MissingPackage as missing:
                self._missing = missing

    def wanted(self) -> Iterable[int]:
        """Rows of the largest groups, and pairs that may be near duplicates."""
        keys = np.frombuffer(self._keys, dtype=np.uint64)
        numbers = np.frombuffer(self._masked, dtype=np.uint64)
        lines = np.frombuffer(self._lines, dtype=np.int64)
        self._exact = _Groups.of(keys, lines)
        first = self._exact.first
        # Equal rows are counted as such, so among others only the first takes part.
        self._numbers = _Groups.of(numbers[first], lines[first])
        if self._bands:
            bands = np.concatenate(self._bands)
            self._bands.clear()
            rows, partners = candidates(bands[first])
            self._flagged = len(rows)
            some = self._random.permutation(len(rows))[:COMPARED]
            places = lines[first]
            self._pairs = [
                (int(places[rows[n]]), int(places[partners[n]])) for n in some
            ]
        pairs = [line for pair in self._pairs for line in pair]
        return [*self._exact.shown(), *self._numbers.shown(), *pairs]

    def findings(self, seen: Seen) -> Findings:
        """Three shares, each of rows that an earlier one makes superfluous."""
        checks = [self._check_exact(seen), self._check_masked(seen)]
        if self._missing is not None:
            return Findings(tuple(checks), (NotChecked(NEAR.name, str(self._missing)),))
        return Findings((*checks, self._check_near(seen)))

    def _check_exact(self, seen: Seen) -> Check:
        repeated = seen.rows - self.distinct
        says = f"{counted(repeated, 'row')} of {seen.rows:,} repeat an earlier one"
        if self._exact.largest > 1:
            says += f"; the commonest stands there {self._exact.largest:,} times"
        return EXACT.check(
            repeated / seen.rows, says, seen.examples(self._exact.shown())
        )

    def _check_masked(self, seen: Seen) -> Check:
        share = 1 - self.effective / self.distinct
        says = (
            f"{percent(share)} of the {self.distinct:,} different rows differ from "
            "another one only in numbers, dates, addresses or quotations"
        )
        if self._numbers.largest > 1:
            says += f"; the largest such group has {self._numbers.largest:,}"
        status = MASKED.status(share)
        if status in {"warning", "failure"} and _masked_share(seen) >= share / 2:
            status = "notice"
            says += "; the held-out rows are like that, so that is the task"
        examples = seen.examples(self._numbers.shown())
        return MASKED.check(share, says, examples, status=status)

    def _check_near(self, seen: Seen) -> Check:
        found = [
            (line, other)
            for line, other in self._pairs
            if jaccard(seen.known[line].text.lower(), seen.known[other].text.lower())
            >= LEAST_JACCARD
        ]
        kept = len(found) / len(self._pairs) if self._pairs else 0.0
        share = self._flagged * kept / self.distinct
        says = (
            f"{percent(share)} of the different rows are nearly those of another one "
            f"(Jaccard {LEAST_JACCARD} or more)"
        )
        if self._flagged > COMPARED:
            says += f"; {COMPARED:,} of {self._flagged:,} candidates were compared"
        lines = [line for pair in sorted(found)[:2] for line in reversed(pair)]
        return NEAR.check(share, says, seen.examples(lines))


def _masked_share(seen: Seen) -> float:
    """Of different held-out rows, the share that differ from others only in numbers."""
    texts = {f"{one.plain_prompt}\n{one.plain_answer}" for one in seen.held_out}
    return 1 - len({masked(text) for text in texts}) / len(texts) if texts else 0.0


class _Groups:
    """Rows that share a hash."""

    def __init__(
        self, first: Numbers, groups: int, rows: Sequence[int], n: int
    ) -> None:
        self.first = first
        """Of each group the place of its first row, in rising order."""
        self.groups = groups
        self.largest = n
        """Rows of the largest group."""
        self._rows = rows

    @classmethod
    def none(cls) -> _Groups:
        return cls(np.empty(0, dtype=np.intp), 0, (), 0)

    @classmethod
    def of(cls, hashes: Numbers, lines: Numbers) -> _Groups:
        if not len(hashes):
            return cls.none()
        values, first, counts = np.unique(hashes, return_index=True, return_counts=True)
        biggest = int(np.argmax(counts))
        rows: list[int] = []
        if counts[biggest] > 1:
            members = np.flatnonzero(hashes == values[biggest])[:SHOWN_GROUPS]
            rows = [int(line) for line in lines[members]]
        return cls(np.sort(first), len(values), rows, int(counts[biggest]))

    def shown(self) -> Sequence[int]:
        """Lines of some rows of the largest group."""
        return self._rows
