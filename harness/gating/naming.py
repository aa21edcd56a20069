"""Which checkpoints and which metric or criterion a gate's words mean."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.errors import NotFound, UsageError
from harness.metrics.signatures import labels
from harness.study.checkpoints import find_checkpoint, stored_checkpoints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.gating.model import Kind
    from harness.reporting.evidence import Evidence
    from harness.study import StudyFile
    from harness.types import Checkpoint

LATEST, FIRST, PREVIOUS = "latest", "first", "previous"
"""Words for checkpoints; one that is named so is written SERIES/NAME."""
NEWEST = """
    SELECT series FROM checkpoints WHERE id IN (
        SELECT checkpoint FROM evaluations
        WHERE task IN (SELECT value FROM json_each(?))
    ) ORDER BY rowid DESC LIMIT 1
"""


def candidate_of(study: StudyFile, name: str, tasks: Sequence[str]) -> Checkpoint:
    """The checkpoint to test; `latest` is the last step of the newest series.

    The newest series is that of the checkpoint that came into the study last.

    Raises:
        NotFound: no such checkpoint, or none at all.
        UsageError: the newest series has several checkpoints but no steps.
    """
    if name != LATEST:
        return find_checkpoint(study, name)
    newest = newest_series(study, tasks)
    if newest is None:
        raise NotFound("checkpoint", name, ())
    found = {one.id: one for task in tasks for one in _series(study, task, newest)}
    last = max(found.values(), key=_step)
    if last.step is None and len(found) > 1:
        raise UsageError(
            f"The checkpoints of series '{newest}' have no steps, so that none is "
            "the latest: name one with --candidate."
        )
    return last


def newest_series(study: StudyFile, tasks: Sequence[str]) -> str | None:
    """The series whose checkpoint came last of those on the tasks; None without any."""
    found: list[str] = study.column(NEWEST, [json.dumps(list(tasks))])
    return found[0] if found else None


def baseline_of(
    study: StudyFile, name: str, candidate: Checkpoint, task: str
) -> Checkpoint:
    """What the candidate is held against: by name, or `first` or `previous`.

    Both words look at the candidate's own series on the task.

    Raises:
        NotFound: no such checkpoint.
        UsageError: it is the candidate itself, or nothing came before that.
    """
    found = None
    if name in {FIRST, PREVIOUS}:
        series = _series(study, task, candidate.series)
        before = [one for one in series if _step(one) < _step(candidate)]
        choose = min if name == FIRST else max
        found = choose(before, key=_step, default=None)
    else:
        found = find_checkpoint(study, name)
    if found is None:
        raise UsageError(
            f"Before '{candidate.name}' there is no checkpoint in its series "
            f"'{candidate.series}' on task '{task}': name the one for --against."
        )
    if found.id == candidate.id:
        raise UsageError(
            f"'{found.name}' is candidate and baseline: name another for --against."
        )
    return found


def _series(study: StudyFile, task: str, series: str) -> list[Checkpoint]:
    return [one for one in stored_checkpoints(study, task) if one.series == series]


def _step(checkpoint: Checkpoint) -> int:
    """What orders a series; a base model may have no step."""
    return -1 if checkpoint.step is None else checkpoint.step


def names_of(evidence: Evidence) -> list[str]:
    """Every word that `--on` may be for the task."""
    return [*_criteria(evidence), *_labels(evidence).values()]


def meant(evidence: Evidence, name: str) -> tuple[Kind, str] | None:
    """What a name means on a task: its kind, and the signature or criterion.

    A criterion comes before a metric of that name, which is known by its signature,
    too; ratings come before comparisons.

    Raises:
        UsageError: several metrics have that name.
    """
    if name in evidence.mean_ratings:
        return "criterion", name
    if name in _criteria(evidence):
        return "preference", name
    if name in evidence.signatures:
        return "metric", name
    named = _labels(evidence)
    found = [s for s, label in named.items() if label == name] or [
        s for s in named if evidence.descriptions[s]["name"] == name
    ]
    if len(found) > 1:
        raise UsageError(
            f"Several metrics of task '{evidence.task}' are named '{name}'. Write "
            f"one of: {'; '.join(found)}"
        )
    return ("metric", found[0]) if found else None


def label_of(evidence: Evidence, signature: str) -> str:
    """The shortest name that tells a metric from the task's others."""
    return _labels(evidence).get(signature, signature)


def _labels(evidence: Evidence) -> dict[str, str]:
    return labels(list(evidence.signatures))


def _criteria(evidence: Evidence) -> list[str]:
    compared = [one.name for one in evidence.comparisons.criteria]
    return [*evidence.mean_ratings, *compared]
