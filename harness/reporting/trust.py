"""Which statistics say how far a metric can be trusted, by name, at each level."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from harness.reporting.formats import listed, places
from harness.stats.correlation import Coefficients, Segment
from harness.stats.sample import CONSTANT

if TYPE_CHECKING:
    from harness.reporting.model import MetricAgreement, TaskReport
    from harness.types import Estimate

LEVELS = (
    ("of checkpoints", "Means of the checkpoints against each other."),
    ("all outputs", "All rated outputs together."),
    ("within items", "Across checkpoints within each item, averaged."),
    ("within checkpoints", "Across items within each checkpoint, averaged."),
)
"""Name and meaning of each level at which agreement is measured, in this order."""

TITLES = {
    "pearson": "Pearson",
    "spearman": "Spearman",
    "kendall": "Kendall",
    "pairwise_accuracy": "pairs in order",
    "spa": "SPA",
    "acc_eq": "acc_eq",
    "acc_star_eq": "acc*_eq",
    "acc_star_eq_held_out": "held out",
    "epsilon": "epsilon",
    "pdp": "PDP",
}
"""What stands over a statistic, by its key in the JSON report."""

NAMED = 3
"""Places without a value that are named one by one."""

CHOSEN = ("pearson", "spearman", "kendall", "acc_eq", "acc_star_eq", "pdp")
"""Statistics of which a page shows one at a time, at all levels that have it."""

MEANING = (
    "Pairs in order: how often metric and raters prefer the same of two checkpoints; "
    "SPA: the same, counting by how sure each is of the order. acc_eq: how often both "
    "order or tie two outputs alike; acc*_eq: with the metric's ties widened to the "
    "epsilon that fits best, which flatters, so that its value on held-out items "
    "stands beside it. PDP: Pearson's r of the differences of pairs of outputs."
)


def at_levels(one: MetricAgreement) -> dict[str, dict[str, Estimate]]:
    """For each of `LEVELS`, each statistic by its key."""
    groupings = (one.segment[name] for name in ("none", "item", "system"))
    found = (of_checkpoints(one), *map(of_outputs, groupings))
    return {name: own for (name, _), own in zip(LEVELS, found, strict=True)}


def of_checkpoints(one: MetricAgreement) -> dict[str, Estimate]:
    """The statistics of the checkpoints' means."""
    own = {"pairwise_accuracy": one.pairwise_accuracy, "spa": one.spa}
    return _by_name(one.system, Coefficients) | own


def of_outputs(at: Segment) -> dict[str, Estimate]:
    """The statistics of single outputs, in one grouping."""
    return _by_name(at, Segment)


def _by_name(found: Coefficients, kind: type[Coefficients]) -> dict[str, Estimate]:
    return {field.name: getattr(found, field.name) for field in fields(kind)}


def undefined(task: TaskReport, criterion: str) -> list[str]:
    """For each reason why there are dashes in the tables, a sentence with their rows.

    `No value for bleu within items and 2 more: all scores or all ratings are the same.`
    """
    where: dict[str, list[str]] = {}
    found = [one for one in task.agreement if one.criterion == criterion]
    # Where no metric has a ceiling at all, that is said beside the others.
    ceiling = any(one.ceiling.difference.value is not None for one in found)
    for one in found:
        label = task.metric(one.signature).label
        tables = {f"{label} {level}": own for level, own in at_levels(one).items()}
        if ceiling:
            tables[f"{label} beside a rater"] = {"difference": one.ceiling.difference}
        for place, own in tables.items():
            reasons = {_reason(e) for e in own.values() if e.value is None}
            for reason in sorted(reasons):
                where.setdefault(reason, []).append(place)
    return [f"No value for {_few(some)}: {why}." for why, some in where.items()]


def _reason(estimate: Estimate) -> str:
    """Why there is no value, without the name of the statistic, which the table has."""
    reason = estimate.method.removeprefix("undefined: ")
    return CONSTANT if reason.endswith(CONSTANT) else reason


def _few(names: list[str]) -> str:
    shown, left = names[:NAMED], len(names) - NAMED
    return listed([*shown, f"{left:,} more"] if left > 0 else shown)


def decimals(epsilon: Estimate) -> int:
    """Decimal places that suit an epsilon, which is in units of its metric."""
    return places([epsilon.value])
