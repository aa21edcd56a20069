"""Two threads for what takes long, while matrix products take one thread each.

Sorting and matrix products let another thread work meanwhile; products with threads of
their own would wait for each other.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

THREADS = 2
"""Pieces of work at a time; some take some hundred MB where outputs are many."""


@contextmanager
def side_by_side() -> Iterator[ThreadPoolExecutor]:
    """Threads to submit work to; the block ends when all of it is done."""
    with _PRODUCTS, ThreadPoolExecutor(THREADS) as threads:
        yield threads


class _OneThread:
    """Matrix products keep to one thread while any block is entered."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._blocks = 0
        self._undo = ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            self._blocks += 1
            if self._blocks == 1:
                self._undo.enter_context(_limited())

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._blocks -= 1
            if not self._blocks:
                self._undo.close()


@contextmanager
def _limited() -> Iterator[None]:
    from threadpoolctl import threadpool_limits

    # Only the thread that set a limit may lift it, and the first block may be entered
    # by another than that which leaves the last.
    with ThreadPoolExecutor(1) as owner:
        limits = owner.submit(threadpool_limits, 1, "blas").result()
        try:
            yield
        finally:
            owner.submit(limits.restore_original_limits).result()


# The number of threads is one of the whole process. Of two limits that overlap, the
# second would find the first's and leave it behind.
_PRODUCTS = _OneThread()
