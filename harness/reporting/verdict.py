"""The verdict: who is best, by whom and how surely, and what to do next.

Two sentences; what qualifies them stands in the sections that it is about.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.reporting.advice import advice
from harness.reporting.formats import (
    counted,
    few,
    interval,
    listed,
    number,
    on_one_line,
    with_interval,
)
from harness.reporting.wording import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.reporting.lead import Lead
    from harness.reporting.model import TaskReport

SIMULATED = "SIMULATED: "
SCALE = {
    "raw": "{} put",
    "z": "By z-scores {} put",
    "adjusted": "Adjusted for severity, {} put",
}
"""How raters' leads begin, by what counts as their judgment."""
POINTS = {"raw": " points", "z": "", "adjusted": " points"}
"""What their leads are in."""
WINNERS = 3
"""Checkpoints named one by one as first by something."""
NUMBERED = 2
"""Criteria for which the verdict gives numbers; of more it only says who wins."""


def verdict(task: TaskReport) -> tuple[str, str]:
    """What is known in one plain sentence, and in another what to do next.

    If any rating that counts is a program's, the first opens with `SIMULATED: `.
    """
    found = [said for said in (_raters_say(task), _metrics_say(task)) if said]
    known = f"{'; '.join(found)}."
    return f"{SIMULATED}{known}" if task.simulated else known, advice(task)


def _raters_say(task: TaskReport) -> str:
    if not task.checkpoints:
        return "No checkpoint has outputs for this task"
    if not task.has_outputs:
        return "The task asks for likelihoods alone, so that only metrics speak"
    if not task.raters.ratings:
        return _preferences_say(task) if task.preferred else _nobody_says(task)
    found = task.leads_of("criterion")
    if not found:
        return _only_one_rated(task)
    begin = _capital(SCALE[task.human].format(task.raters.noun))
    if len(found) > NUMBERED:
        return f"{begin} {_winners(task, found)}"
    clauses = []
    for best in dict.fromkeys(lead.best for lead in found):
        own = [_rating_clause(task, lead) for lead in found if lead.best == best]
        clauses.append(f"{on_one_line(best)} first {', and '.join(own)}")
    return f"{begin} {', and '.join(clauses)}"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _nobody_says(task: TaskReport) -> str:
    only = "only metrics speak" if task.metrics else "nothing is known of them"
    return f"Nobody has rated these outputs yet, so that {only}"


def _preferences_say(task: TaskReport) -> str:
    noun = _capital(task.raters.noun)
    found = task.leads_of("preference")
    if len(found) > NUMBERED:
        return f"{noun} prefer {_winners(task, found)}"
    clauses = []
    for best in dict.fromkeys(lead.best for lead in found):
        own = [_preference_clause(task, lead) for lead in found if lead.best == best]
        clauses.append(f"{on_one_line(best)} {', and '.join(own)}")
    return f"{noun} prefer {', and '.join(clauses)}"


def _preference_clause(task: TaskReport, lead: Lead) -> str:
    second = on_one_line(lead.second)
    [one] = [one for one in task.preferred if one.criterion.name == lead.by]
    rate = one.checkpoints[lead.best].win_rate
    head = f"on {on_one_line(lead.by)} (it wins {percent(rate)})"
    if lead.difference.value is None:
        return f"{head}, but not all were compared with one another"
    surely = "clearly" if lead.clear else "but not clearly"
    return f"{head}, {surely} ahead of {second}"


def _only_one_rated(task: TaskReport) -> str:
    for checkpoint in task.checkpoints:
        means = [
            f"{with_interval(mean)} on {on_one_line(criterion)}"
            for criterion, mean in checkpoint.human.items()
            if mean.value is not None
        ]
        if means:
            label = on_one_line(checkpoint.label)
            others = ", and no other checkpoint" if len(task.checkpoints) > 1 else ""
            return f"{_capital(task.raters.noun)} rate {label} {listed(means)}{others}"
    return "No rating counts yet"


def _rating_clause(task: TaskReport, lead: Lead) -> str:
    second = on_one_line(lead.second)
    head = f"on {on_one_line(lead.by)}"
    gap = lead.difference
    if lead.level:
        return f"{head}, level with {second}"
    if gap.value is None:
        return f"{head}, but it shares no rated item with {second}"
    by = f"{number(gap.value)}{POINTS[task.human]} {interval(gap)}".strip()
    ahead = f"ahead of {second} (by {by})"
    if lead.rival is not None:
        return f"{head}, {ahead}, but not clearly ahead of {on_one_line(lead.rival)}"
    return f"{head}, {'clearly' if lead.clear else 'not clearly'} {ahead}"


def _metrics_say(task: TaskReport) -> str:
    found = task.leads_of("metric")
    if not found:
        single = len(task.checkpoints) == 1 and task.metrics
        return "one checkpoint alone leaves nothing to compare" if single else ""
    level = [lead for lead in found if lead.level]
    behind = [lead for lead in found if lead.behind]
    ahead = [lead for lead in found if not lead.level and not lead.behind]
    said = [f"{_relation(task, ahead)} {_winners(task, ahead)}"] if ahead else []
    said += [f"the best are level {_named(task, level)}"] if level else []
    if behind:
        said.append(
            f"the first {_named(task, behind)} is behind the next best on the items "
            "that both have"
        )
    return "; ".join(said)


def _winners(task: TaskReport, leads: Sequence[Lead]) -> str:
    """Who is first by what, those that win most first: `A first by x (clearly)`."""
    winners = [best for best, _ in Counter(lead.best for lead in leads).most_common()]
    clauses = []
    for best in winners[:WINNERS]:
        own = [lead for lead in leads if lead.best == best]
        clauses.append(
            f"{on_one_line(best)} first {_named(task, own)} ({_how_surely(task, own)})"
        )
    others = len(winners) - WINNERS
    if others > 0:
        clauses.append(f"{counted(others, 'other checkpoint')} by the rest")
    return listed(clauses)


def _how_surely(task: TaskReport, leads: Sequence[Lead]) -> str:
    clear = [lead for lead in leads if lead.clear]
    unclear = [lead for lead in leads if not lead.clear]
    if all(lead.difference.low is None for lead in leads):
        return "not tested"
    if not clear:
        return "not clearly"
    if not unclear:
        return "clearly"
    if len(unclear) < len(clear):
        return f"clearly {_named(task, unclear, 'all but ')}"
    return f"clearly {_named(task, clear)}"


def _relation(task: TaskReport, found: Sequence[Lead]) -> str:
    """How the metrics' choice relates to the raters'."""
    favourites = Counter(lead.best for lead in found)
    favourite = favourites.most_common(1)[0][0]
    of_people = task.leads_of("criterion") or task.leads_of("preference")
    rated = {lead.best for lead in of_people if not lead.level}
    if not rated:
        return "metrics put"
    if favourite not in rated:
        return "metrics differ and put"
    if len(rated) > 1 or favourites[favourite] <= len(found) / 2:
        return "some metrics agree:"
    return "metrics agree:" if len(favourites) == 1 else "most metrics agree:"


def _named(task: TaskReport, leads: Sequence[Lead], before: str = "") -> str:
    """`by` metrics, or `on` criteria, with a word before their names."""
    if leads[0].kind != "metric":
        return f"on {before}{few([lead.by for lead in leads])}"
    return f"by {before}{few([task.metric(lead.by).label for lead in leads])}"
