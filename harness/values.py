"""What the metrics of one checkpoint come to, without a report on all of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import NotFound, Unscorable, UsageError
from harness.metrics import Tallied, Whole, from_description
from harness.metrics.signatures import labels
from harness.reporting.item_sums import able, item_sums
from harness.stats.bootstrap import corpus_estimate, undefined
from harness.study.items import stored_items
from harness.study.outputs import current_outputs
from harness.study.scores import current_scores, stored_metrics
from harness.types import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.metrics import Judged
    from harness.study import StudyFile
    from harness.study.scores import Scores
    from harness.types import Checkpoint

WHOLE = "SELECT whole FROM evaluations WHERE task = ? AND checkpoint = ?"


@dataclass(frozen=True, slots=True)
class Value:
    """One metric's value of one checkpoint on one task."""

    task: str
    """Name of the task."""
    metric: str
    """The shortest name that tells it from the task's others, as in reports."""
    signature: str
    """Its signature."""
    estimate: Estimate
    """Of all outputs together, with its interval over items."""
    higher_is_better: bool
    """Which way is better."""
    directed: bool
    """Whether any is."""

    @property
    def value(self) -> float | None:
        """The number alone; None where it cannot be told."""
        return self.estimate.value

    @property
    def key(self) -> str:
        """What curves call it: `harness/TASK/METRIC`."""
        return f"harness/{self.task}/{self.metric}"


def values_of(
    study: StudyFile, tasks: Sequence[str], checkpoint: Checkpoint
) -> list[Value]:
    """Every metric's value of a checkpoint, task by task.

    Raises:
        HarnessError: a metric of a user's cannot be rebuilt, or fails.
    """
    return [one for task in tasks for one in _of_task(study, task, checkpoint.id)]


def meant(values: Sequence[Value], name: str) -> list[Value]:
    """The values that a metric's name means, of each task that has it.

    Args:
        values: of one checkpoint.
        name: a metric's name, label or signature, or a key of a value.

    Raises:
        NotFound: no task has such a metric.
        UsageError: several of a task have that name.
    """
    found = [one for one in values if name in {one.key, one.metric, one.signature}]
    found = found or [one for one in values if one.signature.startswith(f"{name}|")]
    if not found:
        raise NotFound("metric", name, {one.metric for one in values})
    if len({one.task for one in found}) < len(found):
        named = "; ".join(one.key for one in found)
        raise UsageError(f"Several metrics are named '{name}'. Write one of: {named}")
    return found


def _of_task(study: StudyFile, task: str, checkpoint: str) -> list[Value]:
    known = stored_metrics(study)
    scored = current_scores(study, task, checkpoint)
    [whole] = study.column(WHOLE, [task, checkpoint]) or ["[]"]
    used = [sig for sig in known if sig in scored or f'"{sig}"' in whole]
    found = []
    for signature, label in labels(used).items():
        description = known[signature]
        metric = from_description(description, Path(description["base"] or "."))
        if isinstance(metric, Whole):
            estimate = _of_all(study, task, checkpoint, metric)
        elif isinstance(metric, Tallied) and signature in scored:
            estimate = _of_sums(metric, scored[signature])
        else:
            continue
        found.append(
            Value(
                task,
                label,
                signature,
                estimate,
                higher_is_better=metric.higher_is_better,
                directed=metric.directed,
            )
        )
    return found


def _of_sums(metric: Tallied, scores: Scores) -> Estimate:
    sums = item_sums(metric, scores).sums
    if not len(sums):
        return undefined("no output could be judged")
    # Resamples may leave a metric without anything to divide by.
    with np.errstate(all="ignore"):
        return corpus_estimate(sums, metric.value)


def _of_all(study: StudyFile, task: str, checkpoint: str, metric: Whole) -> Estimate:
    items = {item.id: item for item in stored_items(study, task)}
    texts: dict[str, list[Judged]] = {}
    for one in current_outputs(study, task, checkpoint):
        texts.setdefault(one.item, []).append((items[one.item], one.text))
    kept = able(metric, texts)
    judged = [one for some in kept.values() for one in some]
    try:
        value = metric.value_or_error(judged)
    except Unscorable as reason:
        return undefined(str(reason))
    method = "of all outputs; its interval takes time, and reports have it"
    return Estimate(value, n=len(kept), method=method)
