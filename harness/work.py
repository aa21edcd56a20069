"""Work: a task with its items and metrics, read and checked before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.backends import Usage
from harness.errors import InputError, MetricError, NotFound, Unscorable
from harness.metrics import LikelihoodMetric, build
from harness.progress import silent
from harness.score import score
from harness.study.items import store_items, store_task
from harness.task import load_items

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.metrics import Metric
    from harness.progress import Progress
    from harness.study import StudyFile
    from harness.task import Task
    from harness.types import Checkpoint, Item, Passage


@dataclass(frozen=True, slots=True)
class Work:
    """A task ready to run: read and checked."""

    task: Task
    """The task file."""
    items: Sequence[Item]
    """Its items."""
    metrics: Sequence[Metric]
    """Its metrics, made ready for the items."""

    @property
    def passages(self) -> list[Passage]:
        """What the metrics want likelihoods of; what several share stands once."""
        asking = [one for one in self.metrics if isinstance(one, LikelihoodMetric)]
        found: dict[tuple[str, str], Passage] = {}
        for item in self.items:
            for metric in asking:
                wanted = metric.wanted(item)
                if not isinstance(wanted, Unscorable):
                    found |= {(item.id, one.target): one for one in wanted}
        return list(found.values())


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


def score_work(
    study: StudyFile,
    checkpoint: Checkpoint,
    work: Work,
    progress: Progress = silent,
) -> int:
    """Score a checkpoint by the task's metrics; returns the number of new scores.

    Raises:
        MetricError: the first metric's that failed; the others have scored.
    """
    return score(
        study,
        checkpoint,
        work.task.name,
        work.metrics,
        base=work.task.folder.resolve(),
        progress=progress,
    )


def asked_by(works: Sequence[Work]) -> Usage:
    """What servers were asked by the metrics, say judges."""
    return sum((one.usage for work in works for one in work.metrics), Usage())


def build_metrics(task: Task, items: Sequence[Item]) -> list[Metric]:
    """The task's metrics, made ready for its items.

    Raises:
        InputError: a metric is unknown, cannot be loaded, is not as it must be, stands
            twice, or judges outputs where the task has none; names the entry's line.
    """
    built: dict[str, Metric] = {}
    for number, spec in enumerate(task.file.metrics):
        try:
            found = [metric.for_items(items) for metric in build(spec, task.folder)]
        except (InputError, MetricError, NotFound) as error:
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
