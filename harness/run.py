"""Run: generate and score every checkpoint of a suite, resumable at any moment."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from harness.alongside import ScoringAlongside
from harness.backends import AUTOMATIC, Usage
from harness.checkpoints import find_checkpoints, register
from harness.errors import InputError, MetricError, MissingData, NotFound
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
    from collections.abc import Callable, Iterable, Sequence

    from harness.backends import Loading
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
    judging: Usage
    """What servers were asked by metrics; they may have other prices."""

    @property
    def usage(self) -> Usage:
        """What servers were asked for answers, over all checkpoints and tasks."""
        return sum((one.usage for one in self.generations), Usage())


@dataclass(frozen=True, slots=True)
class Scoring:
    """What scoring stored outputs did."""

    scores: int
    """Scores stored now."""
    usage: Usage
    """What servers were asked by metrics."""


def run(
    study: StudyFile,
    tasks: Sequence[Task | Work],
    checkpoints: Sequence[str],
    *,
    rehash: bool = False,
    loading: Loading = AUTOMATIC,
    progress: Progress = silent,
) -> Run:
    """Generate and score, as far as it has not been done.

    All data, metrics and checkpoint folders are checked before anything of them is
    stored and any model is loaded. A metric that fails keeps neither other metrics nor
    other checkpoints from being evaluated.

    Args:
        study: where everything is stored.
        tasks: what to evaluate on, prepared already or not.
        checkpoints: each `[SERIES=]PATH`, a glob, or `[SERIES=]BACKEND:NAME`.
        rehash: read every file of a checkpoint again, also one that looks unchanged.
        loading: in which precision, where, and what is trusted.
        progress: told what is being done.

    Raises:
        HarnessError: something is not as it must be; says what and where.
    """
    named = find_checkpoints(checkpoints, loading)
    works = [task if isinstance(task, Work) else prepare(task) for task in tasks]
    # Two places may hold the same model.
    registered = register(
        study, named, rehash=rehash, loading=loading, progress=progress
    )
    found = list({c.id: c for c in registered}.values())
    for work in works:
        store_work(study, work)
    number = start(
        study,
        "run",
        {"checkpoints": list(checkpoints), "loading": asdict(loading)},
    )
    generations: list[Generation] = []
    scores, failures = 0, []
    for checkpoint in found:
        with ScoringAlongside(study, checkpoint, works, progress) as alongside:
            generations += generate(
                study,
                checkpoint,
                works,
                run=number,
                loading=loading,
                stored=alongside.take,
                progress=progress,
            )
        scores += alongside.stored
        for work in works:
            try:
                scores += _score(study, checkpoint, work, progress)
            except MetricError as error:
                failures.append(error)
    if failures:
        raise failures[0]
    finish(study, number)
    judging = _asked(metric for work in works for metric in work.metrics)
    return Run(number, tuple(found), tuple(generations), scores, judging)


def _score(
    study: StudyFile, checkpoint: Checkpoint, work: Work, progress: Progress
) -> int:
    task = work.task
    return score(
        study,
        checkpoint,
        task.name,
        work.metrics,
        base=task.folder.resolve(),
        progress=progress,
    )


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
    study: StudyFile,
    tasks: Sequence[Task],
    *,
    progress: Progress = silent,
    remark: Callable[[str], None] = lambda _: None,
) -> Scoring:
    """Score outputs that the study holds by the tasks' metrics; loads no checkpoint.

    As in a run, a task's items are those of its data today, so that mended references
    count. Where the data is missing, or all outputs were imported, they are those
    that the study holds.

    Args:
        study: where outputs are and scores go.
        tasks: whose metrics to score by.
        progress: told of every block.
        remark: told of a task whose data is missing.

    Raises:
        InputError: data or metrics are not as they must be; nothing is stored then.
        NotFound: the study has no outputs for a task.
    """
    works = []
    for task in tasks:
        if not stored_checkpoints(study, task.name):
            raise NotFound("task with outputs", task.name, stored_tasks(study))
        today = _items_of_today(study, task, remark)
        items = today or stored_items(study, task.name)
        works.append((Work(task, items, build_metrics(task, items)), bool(today)))
    number = start(study, "score", {"tasks": [task.name for task in tasks]})
    stored = 0
    for work, refreshed in works:
        if refreshed:
            store_work(study, work)
        for checkpoint in stored_checkpoints(study, work.task.name):
            stored += _score(study, checkpoint, work, progress)
    finish(study, number)
    return Scoring(stored, _asked(m for work, _ in works for m in work.metrics))


def _asked(metrics: Iterable[Metric]) -> Usage:
    return sum((metric.usage for metric in metrics), Usage())


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


def build_metrics(task: Task, items: Sequence[Item]) -> list[Metric]:
    """The task's metrics, made ready for its items.

    Raises:
        InputError: a metric is unknown, not as it must be, stands twice, or judges
            outputs where the task has none; names the line of its entry.
    """
    built: dict[str, Metric] = {}
    for number, spec in enumerate(task.file.metrics):
        try:
            found = [metric.for_items(items) for metric in build(spec, task.folder)]
        except (InputError, NotFound) as error:
            raise task.error(str(error), "metrics", number) from error
        for metric in found:
            if metric.signature in built:
                raise task.error(
                    f"metric '{metric.signature}' stands twice", "metrics", number
                )
            built[metric.signature] = metric
    if task.generation is None:
        _refuse_metrics_of_outputs(task, list(built.values()))
    return list(built.values())


def _refuse_metrics_of_outputs(task: Task, built: Sequence[Metric]) -> None:
    others = [one.name for one in built if not isinstance(one, LikelihoodMetric)]
    if others:
        raise task.error(
            f"metric '{others[0]}' judges outputs, but with 'generation: none' there "
            "are none; leave it out, or say how outputs are drawn",
            "metrics",
        )
    if not built:
        raise task.error(
            "with 'generation: none' it asks for nothing; name a metric of likelihood "
            "as perplexity or accuracy",
            "generation",
        )
