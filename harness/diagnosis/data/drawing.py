"""A random sample of different rows from a stream, without knowing its length.

Rows whose hash is among the smallest are kept (the bottom-k sketch of Cohen and Kaplan
2007): equal rows count once, and the same file gives the same sample.
"""

from __future__ import annotations

from heapq import heappush, heapreplace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.diagnosis.data.shapes import Sample


class Drawn:
    """At most so many different rows, drawn at random."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._heap: list[int] = []  # negated keys: the largest is at the top
        self._rows: dict[int, Sample] = {}

    def see(self, batch: Sequence[Sample]) -> None:
        """Keep those of the batch that belong to the sample."""
        for one in batch:
            if one.key in self._rows:
                continue
            if len(self._heap) < self._most:
                heappush(self._heap, -one.key)
                self._rows[one.key] = one
            elif -one.key > self._heap[0]:
                del self._rows[-heapreplace(self._heap, -one.key)]
                self._rows[one.key] = one

    @property
    def rows(self) -> list[Sample]:
        """The sample, in file order."""
        return sorted(self._rows.values(), key=lambda one: one.line)
