"""Rescore: judge outputs that the study holds already, without a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import MetricError, MissingData, NotFound
from harness.progress import silent
from harness.study.checkpoints import stored_checkpoints
from harness.study.items import stored_items, stored_tasks
from harness.study.runs import finish, start
from harness.task import load_items
from harness.work import Work, asked_by, build_metrics, score_work, store_work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.backends import Usage
    from harness.progress import Progress
    from harness.study import StudyFile
    from harness.task import Task
    from harness.types import Item


@dataclass(frozen=True, slots=True)
class Rescored:
    """What scoring stored outputs did."""

    scores: int
    """Scores stored now."""
    usage: Usage
    """What servers were asked by metrics."""


def score_stored(
    study: StudyFile,
    tasks: Sequence[Task],
    *,
    progress: Progress = silent,
    remark: Callable[[str], None] = lambda _: None,
) -> Rescored:
    """Score outputs that the study holds by the tasks' metrics; loads no checkpoint.

    As in a run, a task's items are those of its data today, so that mended references
    count. Where the data is missing, or all outputs were imported, they are those
    that the study holds. A metric that fails keeps no other from scoring.

    Args:
        study: where outputs are and scores go.
        tasks: whose metrics to score by.
        progress: told of every block.
        remark: told of a task whose data is missing.

    Raises:
        InputError: data or metrics are not as they must be; nothing is stored then.
        MetricError: the first metric's that failed.
        NotFound: the study has no outputs for a task.
    """
    works, refreshed = [], []
    for task in tasks:
        if not stored_checkpoints(study, task.name):
            raise NotFound("task with outputs", task.name, stored_tasks(study))
        today = _items_of_today(study, task, remark)
        items = today or stored_items(study, task.name)
        works.append(Work(task, items, build_metrics(task, items)))
        refreshed += works[-1:] if today else []
    number = start(study, "score", {"tasks": [task.name for task in tasks]})
    for work in refreshed:
        store_work(study, work)
    stored, failures = 0, []
    for work in works:
        for checkpoint in stored_checkpoints(study, work.task.name):
            try:
                stored += score_work(study, checkpoint, work, progress)
            except MetricError as error:
                failures.append(error)
    if failures:
        raise failures[0]
    finish(study, number)
    return Rescored(stored, asked_by(works))


def _items_of_today(
    study: StudyFile, task: Task, remark: Callable[[str], None]
) -> list[Item]:
    """The items in the task's data; none where those in the study count.

    Raises:
        InputError: the data is not as it must be, or no prompt in it is one that was
            run.
    """
    if not study.column(
        "SELECT 1 FROM tasks WHERE name = ? AND path IS NOT NULL", [task.name]
    ):
        return []  # known by imports alone
    try:
        items = load_items(task)
    except MissingData as error:
        remark(f"Task '{task.name}' is scored by the references in the study: {error}")
        return []
    known = study.column("SELECT id FROM items WHERE task = ?", [task.name])
    if not {item.id for item in items}.intersection(known):
        raise task.error(
            "all of its prompts have changed since it was run; harness run answers "
            "the new ones",
            "prompt" if task.file.messages is None else "messages",
        )
    return items
