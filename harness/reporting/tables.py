"""The columns of the table of checkpoints, as every rendering shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.reporting.formats import arrow, on_one_line, places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.reporting.lead import Lead
    from harness.reporting.model import CriterionInfo, MetricInfo, TaskReport
    from harness.types import Estimate

SUFFIX = {"raw": "", "z": " (z)", "adjusted": " (adjusted)"}
"""What stands after a criterion whose ratings are not as they were given."""


@dataclass(frozen=True)
class Column:
    """One metric or criterion over all checkpoints."""

    key: str
    """Signature, or criterion."""
    heading: str
    """What stands over it."""
    rated: bool
    """Whether it is a criterion."""
    sign: int
    """-1 where less is better."""
    checkpoints: Mapping[str, Estimate]
    """Label of the checkpoint to value."""
    baselines: Mapping[str, Estimate]
    """Name of the baseline to value."""
    lead: Lead | None
    """Best against next best."""

    @property
    def cells(self) -> dict[str, Estimate]:
        """Label of the checkpoint, or name of the baseline, to value."""
        return {**self.checkpoints, **self.baselines}

    @property
    def decimals(self) -> int:
        """Places that suit all its numbers."""
        return places(estimate.value for estimate in self.cells.values())

    @property
    def n(self) -> int | None:
        """What every checkpoint's value rests on; None where that differs."""
        numbers = {estimate.n for estimate in self.checkpoints.values()}
        return numbers.pop() if len(numbers) == 1 else None

    @property
    def best(self) -> frozenset[str]:
        """Labels of the checkpoints with the best value, if there are others.

        None where items that only one of them has decide.
        """
        known = {
            label: self.sign * estimate.value
            for label, estimate in self.checkpoints.items()
            if estimate.value is not None
        }
        if self.lead is None or self.lead.behind or not known:
            return frozenset()
        top = max(known.values())
        return frozenset(label for label, value in known.items() if value == top)


def columns(task: TaskReport) -> list[Column]:
    """Criteria first, then metrics."""
    leads = {(lead.kind, lead.by): lead for lead in task.leads}
    rated = [
        _of_criterion(task, criterion, leads.get(("criterion", criterion.name)))
        for criterion in task.criteria
    ]
    measured = [
        _of_metric(task, metric, leads.get(("metric", metric.signature)))
        for metric in task.metrics
    ]
    return rated + measured


def _of_criterion(
    task: TaskReport, criterion: CriterionInfo, lead: Lead | None
) -> Column:
    return Column(
        key=criterion.name,
        heading=on_one_line(criterion.name) + SUFFIX[task.human],
        rated=True,
        sign=1,
        checkpoints={
            checkpoint.label: checkpoint.human[criterion.name]
            for checkpoint in task.checkpoints
            if criterion.name in checkpoint.human
        },
        baselines={},
        lead=lead,
    )


def _of_metric(task: TaskReport, metric: MetricInfo, lead: Lead | None) -> Column:
    return Column(
        key=metric.signature,
        heading=on_one_line(metric.label) + arrow(metric),
        rated=False,
        sign=metric.sign,
        checkpoints={
            checkpoint.label: checkpoint.metrics[metric.signature]
            for checkpoint in task.checkpoints
            if metric.signature in checkpoint.metrics
        },
        baselines={
            baseline.name: baseline.metrics[metric.signature]
            for baseline in task.baselines
            if metric.signature in baseline.metrics
        },
        lead=lead,
    )
