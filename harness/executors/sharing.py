"""Sharing: one model to its user, many workers that each answer a part.

Chunks begin large and end small, so that workers finish together without being asked
for each prompt (guided self-scheduling; Polychronopoulos and Kuck 1987).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from harness.backends import Model, Usage
from harness.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.backends import Generated, Request, Scored
    from harness.executors.worker import Part
    from harness.types import Generation, Json, Passage

Asked = TypeVar("Asked")

LEAST = 8
"""Smallest chunk; a worker is asked anew in less time than one prompt takes."""
MOST = 256
"""Largest chunk, which is what a GPU takes at once: all that a kill makes anew."""
TRIES = 3
"""Workers that may die of one chunk, or while they load."""


@dataclass(frozen=True, slots=True)
class Died:
    """A worker is no more, and what it was doing has to be done again."""

    cause: str
    """As the cluster puts it, in one line."""


class Crew(ABC):
    """Workers known by numbers from 0, each doing one thing at a time."""

    size: int
    """How many there are, or will be once the cluster has room."""

    @abstractmethod
    def begin(self, worker: int, method: str, *given: Any) -> None:
        """Have a worker do something; returns at once."""

    @abstractmethod
    def finished(self) -> tuple[int, Part[Any] | Died]:
        """The next worker that is done; waits for it.

        Raises:
            CheckpointError: the cluster has no room for any worker.
        """

    @abstractmethod
    def replace(self, worker: int) -> None:
        """Put another in the place of one that died.

        Raises:
            CheckpointError: the crew was closed meanwhile.
        """

    def grow(self) -> bool:
        """Take one worker more, the last by number, if there is a place for one."""
        return False

    @abstractmethod
    def close(self) -> None:
        """End all workers at once, also while another thread waits for them."""


def cut(asked: Sequence[Asked], workers: int) -> list[Sequence[Asked]]:
    """Chunks in the given order, each half of a worker's share of what is left."""
    chunks = []
    begin = 0
    while begin < len(asked):
        share = -(-(len(asked) - begin) // (2 * workers))
        size = min(MOST, max(LEAST, share))
        chunks.append(asked[begin : begin + size])
        begin += size
    return chunks


class SharedModel(Model):
    """One checkpoint in the memory of several workers.

    Only whole chunks come back, so a worker that dies can neither lose a row nor give
    one twice: another does its chunk, and it gets a successor. Workers that the
    cluster has no room for yet join when there is.
    """

    def __init__(
        self, name: str, crew: Crew, is_there: Callable[[], bool] = lambda: True
    ) -> None:
        """Have all workers load; returns once the first has.

        Args:
            name: of the checkpoint, for errors.
            crew: its workers, ended by `close`.
            is_there: whether what they load is still where it was. If not, those that
                hold it go on without the others.

        Raises:
            CheckpointError: a worker cannot load it; says why and where.
        """
        self._name = name
        self._is_there = is_there
        self._crew = crew
        self._idle: deque[int] = deque()
        self._usages: dict[int, Usage] = {}
        self._past = Usage()
        self._description: Mapping[str, Json] = {}
        self._deaths = 0
        try:
            for worker in range(crew.size):
                crew.begin(worker, "load")
            while not self._idle:
                self._next()
        except BaseException:
            crew.close()
            raise

    def generate(
        self, requests: Sequence[Request], settings: Generation
    ) -> Iterator[list[Generated]]:
        """Answers, a chunk at a time as workers finish them."""
        yield from self._share("generate", requests, settings)

    def loglikelihood(self, passages: Sequence[Passage]) -> Iterator[list[Scored]]:
        """Likelihoods, a chunk at a time as workers finish them."""
        yield from self._share("loglikelihood", passages)

    @property
    def description(self) -> Mapping[str, Json]:
        """As the first worker runs, and how many were asked for."""
        return {**self._description, "workers": self._crew.size}

    @property
    def usage(self) -> Usage:
        """That of all workers, also of those that died after they had answered."""
        return sum(self._usages.values(), self._past)

    def close(self) -> None:
        """End the workers, and with them what they hold and do."""
        self._crew.close()

    def _share(
        self, method: str, asked: Sequence[Any], *settings: Any
    ) -> Iterator[Any]:
        chunks = cut(asked, self._crew.size)
        waiting = deque(range(len(chunks)))
        doing: dict[int, int] = {}
        died: Counter[int] = Counter()
        while waiting or doing:
            while waiting and self._idle:
                worker, number = self._idle.popleft(), waiting.popleft()
                doing[worker] = number
                self._crew.begin(worker, method, chunks[number], *settings)
            self._grow(len(waiting))
            worker, part = self._next()
            chunk = doing.pop(worker, None)
            if chunk is None:
                continue
            if isinstance(part, Died):
                died[chunk] += 1
                self._check(died[chunk], f"over {len(chunks[chunk])} prompts", part)
                waiting.appendleft(chunk)
                continue
            if part.rows:
                yield list(part.rows)
            if part.problem is not None:
                raise part.problem.error()

    def _grow(self, waiting: int) -> None:
        """As many workers more as chunks wait, where there are places for them."""
        while waiting > self._crew.size - len(self._usages) and self._crew.grow():
            self._crew.begin(self._crew.size - 1, "load")

    def _next(self) -> tuple[int, Part[Any] | Died]:
        """The next that is done, whose place is filled again if it died."""
        worker, part = self._crew.finished()
        if isinstance(part, Died):
            self._bury(worker, part)
        elif worker in self._usages:
            self._usages[worker] = part.usage
            self._idle.append(worker)
        elif part.problem is not None:
            if self._is_there() or not self._usages:
                raise part.problem.error()
        else:
            self._usages[worker] = part.usage
            self._description = self._description or part.description
            self._deaths = 0
            self._idle.append(worker)
        return worker, part

    def _bury(self, worker: int, death: Died) -> None:
        used = self._usages.pop(worker, None)
        if used is None:
            self._deaths += 1
            self._check(self._deaths, "while loading it", death)
        else:
            self._past += used
        self._crew.replace(worker)
        self._crew.begin(worker, "load")

    def _check(self, deaths: int, what: str, death: Died) -> None:
        if deaths >= TRIES:
            raise CheckpointError(
                f"Checkpoint '{self._name}': {deaths} workers ended {what}, the last "
                f"by this: {death.cause} If memory ran out, ask for fewer --workers or "
                "a smaller --batch-size. What came before is stored."
            )
