"""Lanes: things done side by side, one in each lane at a time."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Generic, TypeVar

from harness.errors import FAILURES, CheckpointError, HarnessError
from harness.progress import silent

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from harness.executors import Executor
    from harness.progress import Progress

Given = TypeVar("Given")
Made = TypeVar("Made")

PATIENCE = 5.0
"""Seconds to wait for lanes that are to end early."""


def in_lanes(
    lanes: Sequence[Executor],
    given: Sequence[Given],
    do: Callable[[Given, Executor, Progress], Made],
    *,
    progress: Progress = silent,
    leave: Callable[[], None] = lambda: None,
) -> list[Made]:
    """What `as_made` gives, once all of it is made."""
    return list(as_made(lanes, given, do, progress=progress, leave=leave))


def as_made(
    lanes: Sequence[Executor],
    given: Sequence[Given],
    do: Callable[[Given, Executor, Progress], Made],
    *,
    progress: Progress = silent,
    leave: Callable[[], None] = lambda: None,
) -> Generator[Made]:
    """What is made of each thing, in the order in which they are given.

    Each is given as soon as it and all before it are made.

    One lane is this thread. Of several each is a thread of its own, which takes the
    next thing as soon as it is done with one. The first error, like Ctrl-C, lets
    nothing more be begun and ends what is under way where it next tells its progress;
    so does closing what this gives.

    Args:
        lanes: where models run; if there are several, each is closed once there is
            nothing left for it.
        given: the things, taken in this order.
        do: makes something of a thing, in a lane, and tells its progress.
        progress: told of it, by several threads if there are several lanes.
        leave: called at the end of each thread that was begun here.

    Raises:
        Exception: the first that `do` raised.
    """
    if len(lanes) > 1:
        yield from _Lanes(given, do, progress, leave).run(lanes)
        return
    for one in given:
        yield do(one, lanes[0], progress)


@dataclass(frozen=True, slots=True)
class _Ended:
    by: Exception | None


class _Lanes(Generic[Given, Made]):
    def __init__(
        self,
        given: Sequence[Given],
        do: Callable[[Given, Executor, Progress], Made],
        progress: Progress,
        leave: Callable[[], None],
    ) -> None:
        self._do = do
        self._progress = progress
        self._leave = leave
        self._waiting = deque(enumerate(given))
        self._told: SimpleQueue[tuple[int, Made] | _Ended] = SimpleQueue()
        self._halted = Event()

    def run(self, lanes: Sequence[Executor]) -> Iterator[Made]:
        # Ctrl-C must end the program also where a server keeps a lane waiting.
        threads = [
            Thread(target=self._go, args=[lane], name="lane", daemon=True)
            for lane in lanes
        ]
        try:
            for thread in threads:
                thread.start()
            yield from self._in_order(len(threads))
        finally:
            self._halted.set()
            for lane in lanes:
                lane.close()
            end = time.monotonic() + PATIENCE
            for thread in filter(Thread.is_alive, threads):
                thread.join(max(0.0, end - time.monotonic()))

    def _in_order(self, lanes: int) -> Iterator[Made]:
        early: dict[int, Made] = {}
        number = 0
        while lanes:
            told = self._told.get()
            if isinstance(told, _Ended):
                if told.by is not None:
                    raise told.by
                lanes -= 1
                continue
            early.update([told])
            while number in early:
                yield early.pop(number)
                number += 1

    def _go(self, lane: Executor) -> None:
        error: Exception | None = RuntimeError("A lane ended by what is told above.")
        try:
            with lane:
                while self._waiting and not self._halted.is_set():
                    self._take_next(lane)
            error = None
        except (HarnessError, *FAILURES) as failure:
            error = failure
        finally:
            self._leave()
            self._told.put(_Ended(error))

    def _take_next(self, lane: Executor) -> None:
        try:
            number, one = self._waiting.popleft()
        except IndexError:  # another lane was faster
            return
        self._told.put((number, self._do(one, lane, self._tell)))

    def _tell(self, label: str, done: int, total: int) -> None:
        if self._halted.is_set():
            raise CheckpointError("The run was stopped.")
        self._progress(label, done, total)
