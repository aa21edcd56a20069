"""What renderings say of outputs that a metric and raters see differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.reporting.formats import number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.reporting.model import Disagreement, RatedOutput, TaskReport

RATERS_NAMED = 12
"""Raters of an output whose ratings are given one by one."""


@dataclass(frozen=True, slots=True)
class Apart:
    """Where a metric is furthest from raters on a criterion."""

    signature: str
    """The metric."""
    by_metric: tuple[Disagreement, ...]
    """What the metric ranks higher, the most extreme first."""
    by_raters: tuple[Disagreement, ...]
    """What raters rank higher, likewise."""


def by_criterion(task: TaskReport) -> dict[str, list[Apart]]:
    """Criterion to its disagreements by metric, the one closest to raters first."""
    found: dict[str, dict[str, list[Disagreement]]] = {}
    for one in task.disagreements:
        of_metric = found.setdefault(one.criterion, {})
        of_metric.setdefault(one.signature, []).append(one)
    return {
        criterion: [
            Apart(
                signature,
                tuple(one for one in some if one.higher == "metric"),
                tuple(one for one in some if one.higher == "raters"),
            )
            for signature, some in of_metric.items()
        ]
        for criterion, of_metric in found.items()
    }


def of_the_closest(task: TaskReport) -> Iterable[Disagreement]:
    """For each criterion only those of the metric that comes first."""
    for first, *_ in by_criterion(task).values():
        yield from first.by_metric
        yield from first.by_raters


def difference(task: TaskReport, one: Disagreement) -> str:
    """Who ranks an output higher, in one line."""
    metric = task.metric(one.signature)
    score = number(one.output.scores[one.signature])
    rating = number(one.output.ratings[one.criterion])
    return (
        f"{metric.label} {score} (better than {_percent(one.metric_rank)} of outputs), "
        f"{one.criterion} {rating} (better than {_percent(one.rating_rank)})"
    )


def each_rater(output: RatedOutput, criterion: str) -> str:
    """`Ana: 5, Ben: 3`: what each gave; empty where that is unknown."""
    given = output.given.get(criterion, ())
    said = [f"{name}: {value:.4g}" for name, value in given[:RATERS_NAMED]]
    if left := len(given) - len(said):
        said.append(f"and {left:,} more")
    return ", ".join(said)


def _percent(rank: float) -> str:
    return f"{100 * rank:.0f} %"
