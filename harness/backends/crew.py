"""Many requests at once, a limited number at a time, results as they come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

from harness.errors import HarnessError, ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Tool = TypeVar("Tool")
Job = TypeVar("Job")
Result = TypeVar("Result")

Opened = Callable[[], AbstractAsyncContextManager[Tool]]
Work = Callable[[Tool, Job], Awaitable[Result]]

HOPELESS = 10
"""Jobs that fail one after the other before the rest are not tried."""


def call(opened: Opened[Tool], work: Callable[[Tool], Awaitable[Result]]) -> Result:
    """The result of one piece of work in an event loop of its own."""
    from anyio.from_thread import start_blocking_portal

    async def run() -> Result:
        async with opened() as tool:
            return await work(tool)

    # A thread of its own, for in notebooks the caller's has a loop already.
    with start_blocking_portal() as portal:
        return portal.call(run)


def in_parallel(
    opened: Opened[Tool],
    jobs: Sequence[Job],
    work: Work[Tool, Job, Result],
    *,
    workers: int,
) -> Iterator[list[Result]]:
    """Results in groups, as they come and in any order.

    A job that fails does not stop the others, unless they would fare no better: an
    error says so itself, or ten jobs in a row have failed. Jobs under way are always
    brought to their end, and all results are given before the error is raised.

    Args:
        opened: gives the tool that all jobs share, say a connection.
        jobs: started in this order.
        work: called with the tool and a job.
        workers: jobs under way at a time, 1 or more.

    Raises:
        HarnessError: the first job's that failed.
    """
    from anyio.from_thread import start_blocking_portal

    crew = _Crew(opened, jobs, work)
    with start_blocking_portal() as portal:
        finished = portal.start_task_soon(crew.run, workers)
        going = True
        while going:
            found = [crew.results.get()]
            while not crew.results.empty():
                found.append(crew.results.get())
            going = None not in found
            if group := [one for one in found if one is not None]:
                yield group
        finished.result()


@dataclass(eq=False)
class _Crew(Generic[Tool, Job, Result]):
    opened: Opened[Tool]
    jobs: Sequence[Job]
    work: Work[Tool, Job, Result]
    results: SimpleQueue[Result | None] = field(default_factory=SimpleQueue)
    """None comes last."""
    done: int = 0
    failures: list[HarnessError] = field(default_factory=list)
    failed_in_a_row: int = 0
    hopeless: bool = False

    async def run(self, workers: int) -> None:
        from anyio import create_task_group

        waiting = iter(self.jobs)
        try:
            async with self.opened() as tool, create_task_group() as group:
                for _ in range(min(workers, len(self.jobs))):
                    group.start_soon(self._take_jobs, tool, waiting)
        finally:
            self.results.put(None)
        if self.failures:
            raise self._verdict()

    async def _take_jobs(self, tool: Tool, waiting: Iterator[Job]) -> None:
        while not self.hopeless:
            try:
                job = next(waiting)
            except StopIteration:
                return
            await self._try(tool, job)

    async def _try(self, tool: Tool, job: Job) -> None:
        try:
            self.results.put(await self.work(tool, job))
        except HarnessError as error:
            self.failures.append(error)
            self.failed_in_a_row += 1
            final = isinstance(error, ServerError) and error.final
            self.hopeless |= final or self.failed_in_a_row >= HOPELESS
        else:
            self.done += 1
            self.failed_in_a_row = 0

    def _verdict(self) -> HarnessError:
        first, failed = self.failures[0], len(self.failures)
        untried = len(self.jobs) - self.done - failed
        skipped = f", {untried} were not sent" if untried else ""
        message = f"{failed} of {len(self.jobs)} requests failed{skipped}. {first}"
        if self.done:
            message += " What was answered is kept; the same command asks for the rest."
        return ServerError(message, status=getattr(first, "status", None))
