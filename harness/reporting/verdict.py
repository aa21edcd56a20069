"""The verdict: who is best, by whom, how surely, and what to do next."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.reporting.disagreements import closest
from harness.reporting.formats import (
    counted,
    interval,
    listed,
    number,
    on_one_line,
    places,
    with_interval,
)
from harness.reporting.partings import in_short
from harness.reporting.rater_tables import turned_by_careless
from harness.reporting.together import saved_in_short
from harness.reporting.wording import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.reporting.lead import Lead
    from harness.reporting.model import Baseline, MetricInfo, TaskReport

SIMULATED = "SIMULATED: "
SCALE = {"raw": "", "z": "z-score ", "adjusted": "adjusted "}
"""What a mean rating is called that is not of ratings as they were given."""
NAMED = 4
"""Metrics named one by one; more are counted."""
WINNERS = 3
"""Checkpoints named one by one as first by something."""
NUMBERED = 2
"""Criteria for which the verdict gives numbers; of more it only says who wins."""
LEVEL = 1e-9
"""Differences below it come of adding up in another order."""
LITTLE_ALPHA = 0.4
"""Where alpha is surely below it, raters had better agree on the question first."""


def verdict(task: TaskReport) -> tuple[str, ...]:
    """A few plain sentences on what is known, and what would tell more.

    If any rating that counts is a program's, they open with `SIMULATED: `.
    """
    first, *others = (
        _raters_say(task),
        _metrics_say(task),
        turned_by_careless(task),
        in_short(task),
        _follows(task),
        saved_in_short(task),
        _baseline_says(task),
        _next(task),
    )
    first = f"{SIMULATED}{first}" if task.simulated else first
    return (first, *(sentence for sentence in others if sentence))


def _raters_say(task: TaskReport) -> str:
    if not task.checkpoints:
        return "No checkpoint has outputs for this task."
    if not task.has_outputs:
        return "The task asks for likelihoods alone, so that only metrics speak."
    if not task.raters.ratings:
        return _preferences_say(task) if task.preferred else _nobody_says(task)
    noun = task.raters.noun
    found = _leads(task, "criterion")
    if not found:
        return _only_one_rated(task)
    if len(found) > NUMBERED:
        return f"{noun.capitalize()} put {_winners(task, found)}."
    clauses = []
    for best in dict.fromkeys(lead.best for lead in found):
        own = [_rating_clause(task, lead) for lead in found if lead.best == best]
        clauses.append(f"{on_one_line(best)} first {'; '.join(own)}")
    return f"{noun.capitalize()} put {'; '.join(clauses)}."


def _nobody_says(task: TaskReport) -> str:
    only = "only metrics speak" if task.metrics else "nothing is known of them"
    return f"Nobody has rated these outputs one by one yet, so that {only}."


def _preferences_say(task: TaskReport) -> str:
    noun = task.raters.noun.capitalize()
    found = _leads(task, "preference")
    if len(found) > NUMBERED:
        return f"{noun} prefer {_winners(task, found)}."
    clauses = []
    for best in dict.fromkeys(lead.best for lead in found):
        own = [_preference_clause(task, lead) for lead in found if lead.best == best]
        clauses.append(f"{on_one_line(best)} {'; '.join(own)}")
    return f"{noun} prefer {'; '.join(clauses)}."


def _preference_clause(task: TaskReport, lead: Lead) -> str:
    second = on_one_line(lead.second)
    [one] = [one for one in task.preferred if one.criterion.name == lead.by]
    rate = one.checkpoints[lead.best].win_rate
    head = f"on {on_one_line(lead.by)} (win rate {percent(rate)})"
    if lead.difference.value is None:
        return f"{head}, but not all were compared with one another"
    surely = "clearly" if lead.clear else "but not clearly"
    return f"{head}, {surely} ahead of {second}"


def _only_one_rated(task: TaskReport) -> str:
    noun = task.raters.noun.capitalize()
    for checkpoint in task.checkpoints:
        means = [
            f"{with_interval(mean)} on {on_one_line(criterion)}"
            for criterion, mean in checkpoint.human.items()
            if mean.value is not None
        ]
        if means:
            label = on_one_line(checkpoint.label)
            others = ", and no other checkpoint" if len(task.checkpoints) > 1 else ""
            return f"{noun} rate {label} {listed(means)}{others}."
    return "No rating counts yet."


def _rating_clause(task: TaskReport, lead: Lead) -> str:
    second = on_one_line(lead.second)
    [mean] = [c.human[lead.by] for c in task.checkpoints if c.label == lead.best]
    what = SCALE[task.human]
    head = f"on {on_one_line(lead.by)} ({what}{with_interval(mean)})"
    gap = lead.judged
    if _is_level(lead):
        return f"{head}, level with {second}"
    if gap.value is None:
        return f"{head}, but it shares no rated item with {second}"
    if lead.clear:
        return f"{head}, clearly ahead of {second} (by {with_interval(gap)})"
    if lead.rival is not None:
        ahead = f"ahead of {second} (by {with_interval(gap)})"
        return f"{head}, {ahead}, but not clearly ahead of {on_one_line(lead.rival)}"
    difference = f"{number(gap.value, sign=True)} {interval(gap, sign=True)}".strip()
    return f"{head}, but not clearly ahead of {second} ({difference})"


def _metrics_say(task: TaskReport) -> str:
    found = _leads(task, "metric")
    if not found:
        single = len(task.checkpoints) == 1 and task.metrics
        return "One checkpoint alone leaves nothing to compare." if single else ""
    level = [lead for lead in found if _is_level(lead)]
    ahead = [lead for lead in found if lead not in level]
    if not ahead:
        return f"The best are level {_named(task, level)}."
    rest = f"; the best are level {_named(task, level)}" if level else ""
    return f"{_relation(task, ahead)}{_winners(task, ahead)}{rest}."


def _is_level(lead: Lead) -> bool:
    gap = lead.judged.value
    return gap is not None and abs(gap) < LEVEL


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
        clauses.append(f"and {counted(others, 'other checkpoint')} by the rest")
    return "; ".join(clauses)


def _how_surely(task: TaskReport, leads: Sequence[Lead]) -> str:
    clear = [lead for lead in leads if lead.clear]
    unclear = [lead for lead in leads if not lead.clear]
    if all(lead.judged.low is None for lead in leads):
        return "not tested"
    if not clear:
        return "within the noise"
    if not unclear:
        return "clearly"
    if len(unclear) < len(clear):
        return f"clearly {_named(task, unclear, 'all but ')}"
    return f"clearly {_named(task, clear)}"


def _relation(task: TaskReport, found: Sequence[Lead]) -> str:
    """How the metrics' choice relates to the raters'."""
    favourites = Counter(lead.best for lead in found)
    favourite = favourites.most_common(1)[0][0]
    rated = {lead.best for lead in _of_people(task) if not _is_level(lead)}
    if not rated:
        return "By metrics alone: "
    if favourite not in rated:
        return "Metrics differ: "
    if len(rated) > 1 or favourites[favourite] <= len(found) / 2:
        return "Some metrics agree: "
    return "Metrics agree: " if len(favourites) == 1 else "Most metrics agree: "


def _follows(task: TaskReport) -> str:
    """How closely the best metric follows the raters, beside their own agreement."""
    for criterion in task.criteria:
        best = closest(task.agreement, criterion.name)
        if best is None:
            continue
        tau = best.segment["none"].kendall
        label = on_one_line(task.metric(best.signature).label)
        where = f"output by output, on {on_one_line(criterion.name)}"
        own = _own_agreement(task, criterion.name)
        if tau.low is not None and tau.low > 0:
            how = f"Kendall's tau {with_interval(tau)}; {own}"
            return f"Of the metrics, {label} follows them best, {where} ({how})."
        how = f"the closest, {label}: Kendall's tau {with_interval(tau)}; {own}"
        return f"No metric surely follows them, {where} ({how})."
    return ""


def _own_agreement(task: TaskReport, criterion: str) -> str:
    alpha = task.raters.alpha.get(criterion)
    if alpha is None or alpha.value is None:
        return "how far raters agree among themselves is unknown"
    return f"raters among themselves: alpha {with_interval(alpha)}"


def _baseline_says(task: TaskReport) -> str:
    """A warning where no checkpoint does better than a trivial answer."""
    if not task.checkpoints:
        return ""
    for baseline in task.baselines:
        ahead = [m for m in task.metrics if _unbeaten(task, m, baseline)]
        if ahead:
            first = baseline.metrics[ahead[0].signature]
            value = with_interval(first, places([first.value]))
            which = f"{on_one_line(ahead[0].label)} {value}" if ahead[1:] else value
            names = _few([metric.label for metric in ahead])
            return (
                f"No checkpoint beats a mere copy of the prompt by {names} "
                f"(the copy: {which})."
            )
    return ""


def _unbeaten(task: TaskReport, metric: MetricInfo, baseline: Baseline) -> bool:
    trivial = baseline.metrics.get(metric.signature)
    if trivial is None or trivial.value is None or not metric.directed:
        return False
    found = [c.metrics.get(metric.signature) for c in task.checkpoints]
    values = [one.value for one in found if one is not None and one.value is not None]
    best = max((metric.sign * value for value in values), default=None)
    return best is not None and best <= metric.sign * trivial.value


def _next(task: TaskReport) -> str:
    if not task.checkpoints:
        return "Next: harness run."
    if task.simulated:
        return (
            "Next: have real raters judge these outputs (harness rate); simulated "
            "ratings show how the report works, not how good the outputs are."
        )
    if not task.has_outputs:
        alone = len(task.checkpoints) == 1
        return "Next: evaluate a second checkpoint on the same items." if alone else ""
    if not task.raters.ratings:
        return _after_comparing(task)
    found = _leads(task, "criterion")
    if not found:
        other = "evaluate" if len(task.checkpoints) == 1 else "rate"
        return f"Next: {other} a second checkpoint on the same items."
    unclear = [lead for lead in found if not lead.clear]
    return _to_tell_apart(task, unclear[0]) if unclear else _once_clear(task, found)


def _after_comparing(task: TaskReport) -> str:
    found = _leads(task, "preference")
    if not found:
        return "Next: rate some outputs (harness rate)."
    unclear = [lead for lead in found if not lead.clear]
    if not unclear:
        return _once_clear(task, found)
    [lead, *_] = unclear
    best, second = on_one_line(lead.best), on_one_line(lead.second)
    return (
        f"Next: compare {best} and {second} on more prompts to tell them apart on "
        f"{on_one_line(lead.by)}."
    )


def _to_tell_apart(task: TaskReport, lead: Lead) -> str:
    best, second = on_one_line(lead.best), on_one_line(lead.second)
    where = f"{best} and {second} on {on_one_line(lead.by)}"
    vague = _vague(task)
    if vague:
        return vague
    if lead.rival is not None:
        where = f"{best} and {on_one_line(lead.rival)} on {on_one_line(lead.by)}"
        return f"Next: rate more of the same items for {where} to tell them apart."
    if lead.needed is None and _is_level(lead):
        return f"Next: rate more of the same items for {where}; so far they are level."
    if lead.needed is None:
        advice = "add prompts and rate them" if task.items == 1 else "rate more items"
        return f"Next: {advice}, as so few cannot tell {where} apart."
    if lead.needed > task.items:
        return (
            f"Next: take {where} as equal, or add prompts: a difference this small "
            f"takes about {_rough(lead.needed):,} rated items, and the task has "
            f"{task.items:,}."
        )
    more = max(lead.needed - lead.judged.n, 1)
    how_many = counted(_rough(more), "more item")
    return f"Next: rate about {how_many} of both to tell {where} apart."


def _rough(number: int) -> int:
    """The number to two digits, as it is a guess."""
    return round(number, 2 - len(str(number)))


def _once_clear(task: TaskReport, found: Sequence[Lead]) -> str:
    winners = list(dict.fromkeys(lead.best for lead in found))
    if len(winners) > 1:
        wishes = [
            f"{on_one_line(lead.best)} for {on_one_line(lead.by)}" for lead in found
        ]
        return f"Next: decide which criterion counts more ({listed(wishes)})."
    alphas = [*task.raters.alpha.values(), *(one.alpha for one in task.preferred)]
    if all(alpha.value is None for alpha in alphas):
        return (
            "Next: have a second rater judge some of the same outputs; one rater "
            "alone may be mistaken."
        )
    best = on_one_line(winners[0])
    return _vague(task) or f"Next: take {best}; more ratings would hardly change that."


def _vague(task: TaskReport) -> str:
    """Advice where the raters surely agree too little for their ratings to count."""
    for criterion, alpha in task.raters.alpha.items():
        if alpha.high is not None and alpha.high < LITTLE_ALPHA:
            return (
                f"Next: sharpen the definition of {on_one_line(criterion)}, as raters "
                f"hardly agree on it (alpha {with_interval(alpha)})."
            )
    return ""


def _leads(task: TaskReport, kind: str) -> list[Lead]:
    return [lead for lead in task.leads if lead.kind == kind]


def _of_people(task: TaskReport) -> list[Lead]:
    """By ratings, or by choices where nothing was rated by itself."""
    return _leads(task, "criterion") or _leads(task, "preference")


def _named(task: TaskReport, leads: Sequence[Lead], before: str = "") -> str:
    """`by` metrics, or `on` criteria, with a word before their names."""
    if leads[0].kind != "metric":
        return f"on {before}{_few([lead.by for lead in leads])}"
    return f"by {before}{_few([task.metric(lead.by).label for lead in leads])}"


def _few(names: Sequence[str]) -> str:
    shown = [on_one_line(name) for name in names]
    if len(shown) <= NAMED + 1:
        return listed(shown)
    return f"{', '.join(shown[:NAMED])} and {len(shown) - NAMED} more"
