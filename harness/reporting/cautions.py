"""Sentences that qualify a table, under which they stand in every rendering."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.reporting.disagreements import closest
from harness.reporting.formats import few, on_one_line, places, with_interval

if TYPE_CHECKING:
    from harness.reporting.model import Baseline, MetricInfo, TaskReport


def closest_metric(task: TaskReport, criterion: str) -> str:
    """Which metric follows raters best, output by output; empty without any.

    It stands beside the raters' own agreement.
    """
    best = closest(task.agreement, criterion)
    if best is None:
        return ""
    tau = best.segment["none"].kendall
    label = on_one_line(task.metric(best.signature).label)
    how = f"Kendall's tau {with_interval(tau)}"
    if tau.low is not None and tau.low > 0:
        return f"Output by output, {label} follows {task.raters.noun} best ({how})."
    return (
        f"Output by output, no metric surely follows {task.raters.noun}; the closest "
        f"is {label} ({how})."
    )


def unbeaten_copy(task: TaskReport) -> str:
    """A warning where no checkpoint does better than a copy of the prompt."""
    for baseline in task.baselines if task.checkpoints else ():
        ahead = [m for m in task.metrics if _unbeaten(task, m, baseline)]
        if ahead:
            first = baseline.metrics[ahead[0].signature]
            value = with_interval(first, places([first.value]))
            which = f"{on_one_line(ahead[0].label)} {value}" if ahead[1:] else value
            return (
                "No checkpoint beats a mere copy of the prompt by "
                f"{few([metric.label for metric in ahead])} (the copy: {which})."
            )
    return ""


def of_values(task: TaskReport) -> list[str]:
    """What to mind of the values of checkpoints, a sentence or two each."""
    return [said for said in (not_judged(task), unbeaten_copy(task)) if said]


def not_judged(task: TaskReport) -> str:
    """How much metrics could not judge; empty where they judged everything.

    A checkpoint may be ahead by what was left out of its value alone.
    """
    partly, unlike = [], []
    for metric in task.metrics:
        found = [c.metrics.get(metric.signature) for c in task.checkpoints]
        known = [one for one in found if one is not None]
        worst = max(known, key=lambda one: one.dropped, default=None)
        if worst is None or not worst.dropped:
            continue
        uneven = len({one.dropped for one in known}) > 1
        most = "up to " * uneven
        of = f"{worst.dropped:,} of {worst.n + worst.dropped:,}"
        partly.append(f"{metric.label} ({most}{of})")
        unlike += [metric.label] * uneven
    said = f"Left out, as they could not be judged: {few(partly)}." if partly else ""
    if unlike:
        said += (
            f" By {few(unlike)} values are of unlike items: harness compare takes "
            "those that both checkpoints have."
        )
    return said


def _unbeaten(task: TaskReport, metric: MetricInfo, baseline: Baseline) -> bool:
    trivial = baseline.metrics.get(metric.signature)
    if trivial is None or trivial.value is None or not metric.directed:
        return False
    found = [c.metrics.get(metric.signature) for c in task.checkpoints]
    values = [one.value for one in found if one is not None and one.value is not None]
    best = max((metric.sign * value for value in values), default=None)
    return best is not None and best <= metric.sign * trivial.value
