"""What to do next, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.reporting.formats import counted, few, listed, on_one_line, with_interval
from harness.reporting.rater_tables import turned_by_careless

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.reporting.lead import Lead
    from harness.reporting.model import TaskReport

LITTLE_ALPHA = 0.4
"""Where alpha is surely below it, raters had better agree on the question first."""


def advice(task: TaskReport) -> str:
    """The one step that would tell most, `Next: ...`."""
    return f"Next: {_step(task)}."


def _step(task: TaskReport) -> str:
    if not task.checkpoints:
        return "harness run"
    if task.simulated:
        return (
            "have real raters judge these outputs (harness rate), as simulated ratings "
            "show how the report works, not how good the outputs are"
        )
    if not task.has_outputs:
        return _by_metrics_alone(task)
    if turned := turned_by_careless(task):
        return turned
    return _after_rating(task) if task.raters.ratings else _after_comparing(task)


def _after_rating(task: TaskReport) -> str:
    found = task.leads_of("criterion")
    if not found:
        other = "evaluate" if len(task.checkpoints) == 1 else "rate"
        return f"{other} a second checkpoint on the same items"
    unclear = [lead for lead in found if not lead.clear]
    return _to_tell_apart(task, unclear[0]) if unclear else _once_clear(task, found)


def _by_metrics_alone(task: TaskReport) -> str:
    """Where there is nothing that raters could judge."""
    if len(task.checkpoints) == 1:
        return "evaluate a second checkpoint on the same items"
    found = task.leads_of("metric")
    label = {lead.by: task.metric(lead.by).label for lead in found}
    unclear = [lead for lead in found if not lead.clear]
    if not found:
        return "add a metric that says which is better"
    if unclear:
        best, second = on_one_line(unclear[0].best), on_one_line(unclear[0].second)
        by = on_one_line(label[unclear[0].by])
        return f"add items, as these do not tell {best} from {second} by {by}"
    winners = list(dict.fromkeys(lead.best for lead in found))
    if len(winners) > 1:
        wishes = [
            f"{on_one_line(best)} for "
            f"{few([label[lead.by] for lead in found if lead.best == best])}"
            for best in winners
        ]
        return f"decide which metric counts more ({listed(wishes)})"
    return f"take {on_one_line(winners[0])}, as far as these metrics say what you want"


def _after_comparing(task: TaskReport) -> str:
    found = task.leads_of("preference")
    if not found:
        return "rate some outputs (harness rate)"
    unclear = [lead for lead in found if not lead.clear]
    if not unclear:
        return _once_clear(task, found)
    [lead, *_] = unclear
    best, second = on_one_line(lead.best), on_one_line(lead.second)
    return (
        f"compare {best} with {second} on more prompts to tell them apart on "
        f"{on_one_line(lead.by)}"
    )


def _to_tell_apart(task: TaskReport, lead: Lead) -> str:
    vague = _vague(task)
    if vague:
        return vague
    best, by = on_one_line(lead.best), on_one_line(lead.by)
    apart = f"{best} from {on_one_line(lead.second)} on {by}"
    if lead.rival is not None:
        rival = on_one_line(lead.rival)
        return f"rate more of the same items to tell {best} from {rival} on {by}"
    if lead.needed is None and lead.level:
        return f"rate more of the same items to tell {apart}, so far level"
    if lead.needed is None:
        how = "add prompts and rate them" if task.items == 1 else "rate more items"
        return f"{how}, as so few cannot tell {apart}"
    if lead.needed > task.items:
        return (
            f"take {best} and {on_one_line(lead.second)} as equal on {by}, or add "
            f"prompts: a difference this small takes about {_rough(lead.needed):,} "
            f"rated items, and the task has {task.items:,}"
        )
    more = lead.needed - lead.difference.n
    if more > 0:
        how = f"rate about {counted(_rough(more), 'more item')} of both"
    elif lead.difference.n < task.items:
        how = "rate a few more items of both"
    else:
        how = "add prompts and rate them"
    return f"{how} to tell {apart}"


def _rough(number: int) -> int:
    """The number to two digits, as it is a guess."""
    return round(number, 2 - len(str(number)))


def _once_clear(task: TaskReport, found: Sequence[Lead]) -> str:
    winners = list(dict.fromkeys(lead.best for lead in found))
    if len(winners) > 1:
        wishes = [
            f"{on_one_line(lead.best)} for {on_one_line(lead.by)}" for lead in found
        ]
        return f"decide which criterion counts more ({listed(wishes)})"
    alphas = [*task.raters.alpha.values(), *(one.alpha for one in task.preferred)]
    if all(alpha.value is None for alpha in alphas):
        return (
            "have a second rater judge some of the same outputs, as one rater alone "
            "may be mistaken"
        )
    best = on_one_line(winners[0])
    return _vague(task) or f"take {best}, as more ratings would hardly change that"


def _vague(task: TaskReport) -> str:
    """Advice where the raters surely agree too little for their ratings to count."""
    for criterion, alpha in task.raters.alpha.items():
        if alpha.high is not None and alpha.high < LITTLE_ALPHA:
            return (
                f"sharpen the definition of {on_one_line(criterion)}, as raters hardly "
                f"agree on it (alpha {with_interval(alpha)})"
            )
    return ""
