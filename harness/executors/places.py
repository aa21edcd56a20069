"""Places: for how many workers lanes have left room to others."""

from __future__ import annotations

import time
from math import inf
from threading import Lock


class Places:
    """What the lanes of a cluster know of each other; for all their threads."""

    def __init__(self) -> None:
        """None is left yet, and nobody at work."""
        self._lock = Lock()
        self._left = 0
        self._at_work: set[object] = set()
        self._used = -inf

    def leave(self, number: int) -> None:
        """Places that a lane needs no more."""
        with self._lock:
            self._left += number

    def take(self) -> bool:
        """One of those, if there is any."""
        with self._lock:
            if not self._left:
                return False
            self._left -= 1
            return True

    def begin(self, crew: object) -> None:
        """A crew has room on the cluster."""
        with self._lock:
            self._at_work.add(crew)

    def end(self, crew: object) -> None:
        """It has left that."""
        with self._lock:
            if crew in self._at_work:
                self._at_work.discard(crew)
                self._used = time.monotonic()

    def are_used(self, within: float) -> bool:
        """Whether any crew has room, or had some so many seconds ago."""
        with self._lock:
            return bool(self._at_work) or time.monotonic() - self._used <= within
