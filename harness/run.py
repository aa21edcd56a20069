"""Run: generate and score every checkpoint of a suite, resumable at any moment."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from harness.backends import Usage
from harness.checkpoints import find_checkpoints, register
from harness.errors import InputError, NotFound
from harness.generate import Generation, Work, generate
from harness.metrics import LikelihoodMetric, build
from harness.progress import silent
from harness.score import score
from harness.study.checkpoints import stored_checkpoints
from harness.study.file import now
from harness.study.items import (
    store_items,
    store_task,
    stored_items,
    stored_tasks,
)
from harness.task import load_items

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.metrics import Metric
    from harness.progress import Progress
    from harness.study import StudyFile
    from harness.task import Task
    from harness.types import Checkpoint, Item


@dataclass(frozen=True, slots=True)
class Run:
    """What a run did."""

    id: int
    """Number of the run in the study."""
    checkpoints: tuple[Checkpoint, ...]
    """The checkpoints it evaluated, by series and step."""
    generations: tuple[Generation, ...]
    """What was generated, for each checkpoint and task."""
    scores: int
    """Scores stored now."""

    @property
    def usage(self) -> Usage:
        """What servers were asked, over all checkpoints and tasks."""
        return sum((one.usage for one in self.generations), Usage())


def run(
    study: StudyFile,
    tasks: Sequence[Task],
    checkpoints: Sequence[str],
    *,
    rehash: bool = False,
    progress: Progress = silent,
) -> Run:
    """Generate and score, as far as it has not been done.

    All data, metrics and checkpoint folders are checked before anything of them is
    stored and any model is loaded.

    Args:
        study: where everything is stored.
        tasks: what to evaluate on.
        checkpoints: each `[SERIES=]PATH`, a glob, or `[SERIES=]BACKEND:NAME`.
        rehash: read every file of a checkpoint again, also one that looks unchanged.
        progress: told what is being done.

    Raises:
        HarnessError: something is not as it must be; says what and where.
    """
    named = find_checkpoints(checkpoints)
    works = [prepare(task) for task in tasks]
    # Two places may hold the same model.
    found = list({c.id: c for c in register(study, named, rehash=rehash)}.values())
    for work in works:
        store_work(study, work)
    number = start(study, "run", {"checkpoints": list(checkpoints)})
    generations: list[Generation] = []
    scores = 0
    for checkpoint in found:
        generations += generate(study, checkpoint, works, run=number, progress=progress)
        for work in works:
            scores += score(
                study,
                checkpoint,
                work.task.name,
                work.metrics,
                base=work.task.folder.resolve(),
                progress=progress,
            )
    finish(study, number)
    return Run(number, tuple(found), tuple(generations), scores)


def prepare(task: Task) -> Work:
    """Read a task's data and metrics and check them.

    Raises:
        InputError: data or metrics are not as they must be.
    """
    items = load_items(task)
    return Work(task, items, build_metrics(task, items))


def store_work(study: StudyFile, work: Work) -> None:
    """Store this version of a task with its items."""
    task = work.task
    with study.transaction():
        store_task(study, task.name, task.text, task.path)
        store_items(study, task.name, work.items)


def start(study: StudyFile, command: str, settings: dict[str, object]) -> int:
    """Record that a command starts; returns its number."""
    with study.transaction() as db:
        cursor = db.execute(
            "INSERT INTO runs (command, version, settings, started) "
            "VALUES (?, ?, ?, ?)",
            [command, version("tandem-eval"), json.dumps(settings), now()],
        )
        return int(cursor.lastrowid or 0)


def finish(study: StudyFile, number: int) -> None:
    """Record that the command finished."""
    with study.transaction() as db:
        db.execute("UPDATE runs SET finished = ? WHERE id = ?", [now(), number])


def score_stored(
    study: StudyFile, tasks: Sequence[Task], *, progress: Progress = silent
) -> int:
    """Score outputs that the study holds by the tasks' metrics; loads no model.

    Returns:
        The number of scores stored now.

    Raises:
        InputError: a metric is not as it must be.
        NotFound: the study has no outputs for a task.
    """
    number = start(study, "score", {"tasks": [task.name for task in tasks]})
    stored = 0
    for task in tasks:
        items = stored_items(study, task.name)
        checkpoints = stored_checkpoints(study, task.name)
        if not checkpoints:
            raise NotFound("task with outputs", task.name, stored_tasks(study))
        built = build_metrics(task, items)
        for checkpoint in checkpoints:
            stored += score(
                study,
                checkpoint,
                task.name,
                built,
                base=task.folder.resolve(),
                progress=progress,
            )
    finish(study, number)
    return stored


def build_metrics(task: Task, items: Sequence[Item]) -> list[Metric]:
    """The task's metrics, made ready for its items.

    Raises:
        InputError: a metric is not as it must be, stands twice, or judges outputs
            where the task has none.
    """
    built = [
        metric.for_items(items)
        for spec in task.file.metrics
        for metric in build(spec, task.folder)
    ]
    if task.generation is None:
        _refuse_metrics_of_outputs(task, built)
    signatures = [metric.signature for metric in built]
    for signature in signatures:
        if signatures.count(signature) > 1:
            raise InputError(f"metric '{signature}' stands twice", file=task.path)
    return built


def _refuse_metrics_of_outputs(task: Task, built: Sequence[Metric]) -> None:
    others = [one.name for one in built if not isinstance(one, LikelihoodMetric)]
    if others:
        raise InputError(
            f"metric '{others[0]}' judges outputs, but with 'generation: none' there "
            "are none; leave it out, or say how outputs are drawn",
            file=task.path,
        )
    if not built:
        raise InputError(
            "with 'generation: none' it asks for nothing; name a metric of likelihood "
            "as perplexity or accuracy",
            file=task.path,
        )
