"""The metric whose scores help ratings: which it is, and what it says of outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import NotFound
from harness.metrics import metrics
from harness.study.scores import stored_metrics

if TYPE_CHECKING:
    from harness.study import StudyFile
    from harness.types import Json

SCORED = """
    SELECT DISTINCT signature FROM current_scores
    WHERE task = ? AND output IS NOT NULL AND value IS NOT NULL
"""
VALUES = """
    SELECT checkpoint, item, value FROM current_scores
    WHERE task = ? AND signature = ? AND ifnull(sample, 0) = 0 AND value IS NOT NULL
"""


def yardstick(study: StudyFile, task: str, name: str | None = None) -> str | None:
    """Signature of the metric.

    Args:
        study: with scores.
        task: name of the task.
        name: of the metric, as the task's file has it, or its signature; None for the
            first that has scores of outputs and of which more, or less, is better.

    Returns:
        None if no name was given and there is no such metric.

    Raises:
        NotFound: the study has no scores of the metric that was named.
    """
    known = stored_metrics(study)
    if name is None:
        scored = set(study.column(SCORED, [task]))
        return next((s for s in known if s in scored and _directed(known[s])), None)
    for signature, description in known.items():
        if name in {signature, description["name"], description["spec"]}:
            return signature
    raise NotFound("metric with scores", name, [one["name"] for one in known.values()])


def values_by(
    study: StudyFile, task: str, signature: str
) -> dict[tuple[str, str], float]:
    """Checkpoint and prompt to the metric's value of the first output."""
    rows = study.db.execute(VALUES, [task, signature])
    return {(checkpoint, item): value for checkpoint, item, value in rows}


def _directed(description: dict[str, Json]) -> bool:
    name = description["name"]
    return name not in metrics or metrics[name].directed
