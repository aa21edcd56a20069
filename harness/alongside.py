"""Scoring alongside: outputs are judged while the model writes the next ones."""

from __future__ import annotations

from contextlib import suppress
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.metrics import TextMetric
from harness.progress import silent
from harness.score import Scoring, register_metrics

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from harness.progress import Progress
    from harness.study import StudyFile
    from harness.types import Checkpoint, Output
    from harness.work import Work

PATIENCE = 5.0
"""Seconds to wait for the thread where the model has failed."""


class ScoringAlongside:
    """A thread that scores the outputs it is given; leaving waits until all are.

    It only saves time: a metric that fails is left to `score`, which finds what has no
    score yet and tells users why.
    """

    def __init__(
        self,
        study: StudyFile,
        checkpoint: Checkpoint,
        works: Sequence[Work],
        progress: Progress = silent,
        judging: Lock | None = None,
    ) -> None:
        """Ready to start.

        Args:
            study: where scores go.
            checkpoint: whose outputs are given.
            works: the tasks.
            progress: told of what is left once the model is done.
            judging: held while a metric judges; other threads have the same metrics,
                which need not bear that.
        """
        self.stored = 0
        """Scores stored so far."""
        self._study = study
        self._checkpoint = checkpoint
        self._works = {work.task.name: work for work in works}
        self._queue: SimpleQueue[tuple[str, Sequence[Output]] | None] = SimpleQueue()
        self._progress = progress
        self._judging = judging or Lock()
        self._ended = Event()
        self._halted = Event()
        self._going = True
        self._thread = Thread(target=self._run, name="scoring", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._halted.set()
        self._ended.set()
        self._queue.put(None)
        try:
            self._thread.join(PATIENCE if kind is not None else None)
        except KeyboardInterrupt:
            self._halted.set()
            raise

    def take(self, task: str, outputs: Sequence[Output]) -> None:
        """Outputs of a task that the study holds now; returns at once."""
        self._queue.put((task, outputs))

    def _run(self) -> None:
        ready: dict[str, tuple[Scoring, list[TextMetric]]] = {}
        try:
            # A study that is locked, say: `score` does what is left, or tells of it.
            with suppress(HarnessError):
                while waiting := self._waiting():
                    for task, outputs in waiting.items():
                        if task not in ready:
                            ready[task] = self._ready(task)
                        self._score(*ready[task], outputs)
        finally:
            self._study.close()

    def _waiting(self) -> dict[str, list[Output]]:
        """All outputs that wait now, by task; none once the last was taken."""
        found: dict[str, list[Output]] = {}
        # Slow metrics do many at once: what came meanwhile is taken together.
        while self._going and not (found and self._queue.empty()):
            taken = self._queue.get()
            self._going = taken is not None
            if taken is not None:
                found.setdefault(taken[0], []).extend(taken[1])
        return found

    def _score(
        self, scoring: Scoring, metrics: list[TextMetric], outputs: Sequence[Output]
    ) -> None:
        # Another process may have taken an item out of the task.
        known = [one for one in outputs if one.item in scoring.items]
        for metric in list(metrics):
            with self._judging:
                if self._halted.is_set():
                    return
                try:
                    self.stored += scoring.texts(metric, known, self._tell)
                except HarnessError:
                    metrics.remove(metric)

    def _tell(self, label: str, done: int, total: int) -> None:
        # While the model writes, its own progress says how far things are.
        if self._ended.is_set():
            self._progress(label, done, total)

    def _ready(self, task: str) -> tuple[Scoring, list[TextMetric]]:
        work = self._works[task]
        register_metrics(self._study, work.metrics, work.task.folder.resolve())
        texts = [one for one in work.metrics if isinstance(one, TextMetric)]
        return Scoring.of(self._study, self._checkpoint, task), texts
