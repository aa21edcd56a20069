"""The metric whose scores help ratings: which it is, and what it says of outputs.

One rule for all that rests on ratings and scores together, so that a report, a gate and
the owner's page do not answer one question by different metrics. It is settled before
any rating is seen: which metric fits ratings best is nothing that they may choose.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError, NotFound, UsageError
from harness.metrics import from_description
from harness.metrics.signatures import labels
from harness.study.scores import stored_metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.study import StudyFile
    from harness.types import Json

NO_METRIC = "none"
"""Word for ratings that no metric is to sharpen."""
FIRST_METRIC = "the task's first metric with a direction and scores of every checkpoint"
NAMED_METRIC = "named with --with"
SCORED = """
    WITH answering AS (SELECT DISTINCT checkpoint FROM current_outputs WHERE task = ?)
    SELECT signature, count(DISTINCT checkpoint) = (SELECT count(*) FROM answering)
    FROM current_scores
    WHERE task = ? AND abs(value) < 9e999 AND checkpoint IN answering
    GROUP BY signature
"""
VALUES = """
    SELECT checkpoint, item, value FROM current_scores
    WHERE task = ? AND signature = ? AND ifnull(sample, 0) = 0 AND value IS NOT NULL
"""


def helping_metric(
    scored: Mapping[str, bool], directed: Callable[[str], bool], name: str | None
) -> tuple[str | None, str]:
    """Signature of the metric whose scores go with ratings, and by which rule.

    Args:
        scored: signature of each metric with scores of outputs, or of their
            references, in the task's order, to whether every checkpoint has some.
        directed: says of a signature whether more, or less, is better.
        name: of a metric, its label or signature; None: the first with a direction
            and scores of every checkpoint.

    Raises:
        NotFound: no such metric has scores.
        UsageError: several metrics have that name.
    """
    if name == NO_METRIC:
        return None, "no metric was asked for"
    if name is None:
        for signature, everywhere in scored.items():
            if everywhere and directed(signature):
                return signature, FIRST_METRIC
        return None, "no metric has a direction and scores of every checkpoint"
    label = labels(list(scored))
    found = [one for one in scored if name in {one, label[one]}] or [
        one for one in scored if one.partition("|")[0] == name
    ]
    if not found:
        names = [*label.values(), NO_METRIC]
        raise NotFound("metric with scores of outputs", name, names)
    if len(found) > 1:
        raise UsageError(f"Several metrics are named '{name}': {'; '.join(found)}")
    return found[0], NAMED_METRIC


def yardstick(study: StudyFile, task: str, name: str | None = None) -> str | None:
    """Signature of the metric by `helping_metric`, which says what it raises.

    Args:
        study: with scores.
        task: name of the task.
        name: of the metric; None for the one that helps where none is named.

    Returns:
        None if no name was given and there is no such metric.
    """
    known = stored_metrics(study)
    everywhere: dict[str, int] = dict(study.tuples(SCORED, [task, task]))
    scored = {one: bool(everywhere[one]) for one in known if one in everywhere}
    return helping_metric(scored, lambda one: _directed(known[one]), name)[0]


def values_by(
    study: StudyFile, task: str, signature: str
) -> dict[tuple[str, str], float]:
    """Checkpoint and prompt to the metric's value of the first output."""
    rows = study.db.execute(VALUES, [task, signature])
    return {(checkpoint, item): value for checkpoint, item, value in rows}


def _directed(description: Mapping[str, Json]) -> bool:
    """Whether the metric has a direction; what cannot be rebuilt counts as if."""
    try:
        base = Path(description["base"] or ".")
        return from_description(description, base).directed
    except HarnessError:
        return True
