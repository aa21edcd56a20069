"""What the report's part on raters shows, as tables that every rendering draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.reporting.formats import MISSING, counted, listed, number, on_one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.quality import Hits
    from harness.reporting.model import TaskReport
    from harness.reporting.people import (
        BothWays,
        CampaignRaters,
        RaterSeverity,
        RaterWork,
        Recount,
        Recounted,
        RecountedChoices,
        Reliability,
    )
    from harness.types import Estimate

RATERS_SHOWN = 20
"""Raters named in a table."""
ALWAYS = ("rater", "answers", "agreement", "severity", "noise", "flags")
"""Columns that stay where nothing is in them."""


NO_FLAG = "none"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under headings; texts in it are not yet escaped."""

    title: str
    """What the table is of."""
    heads: Sequence[str]
    """Headings; the first is that of the rows' names."""
    rows: Sequence[Sequence[str | Estimate]]
    """Of as many cells each."""
    note: str = ""
    """What stands below it; may be empty."""


def work_tables(task: TaskReport, *, brief: bool = False) -> list[Table]:
    """How each rater worked, campaign by campaign.

    Args:
        task: whose raters.
        brief: flags in one word each and no intervals, for a narrow page.
    """
    return [_of_campaign(campaign, brief=brief) for campaign in task.campaigns]


def _of_campaign(campaign: CampaignRaters, *, brief: bool) -> Table:
    shown = sorted(campaign.raters, key=_most_telling)[:RATERS_SHOWN]
    rows = [_work(one, brief=brief) for one in shown]
    heads = [
        head
        for head in rows[0]
        if head in ALWAYS or any(row[head] not in ("", MISSING) for row in rows)
    ]
    named = campaign.campaign
    return Table(
        title=f"Raters of campaign {named}" if named else "Raters from elsewhere",
        heads=heads,
        rows=[[row[head] for head in heads] for row in rows],
        note=_more(len(campaign.raters) - len(shown)),
    )


def _most_telling(one: RaterWork) -> tuple[bool, bool, float]:
    """Careless raters come first, then others with a flag, then the most unlike."""
    said = one.quality
    return not said.careless, not said.warnings, -abs(one.severity or 0.0)


def _work(one: RaterWork, *, brief: bool) -> dict[str, str | Estimate]:
    said = one.quality
    flags = "careless" if said.careless else "severity" if said.warnings else NO_FLAG
    return {
        "rater": said.rater,
        "answers": f"{said.rated:,}",
        "seconds": number(said.seconds, 1),
        "agreement": number(said.agreement.value) if brief else said.agreement,
        "severity": number(one.severity, sign=True),
        "noise": number(one.noise),
        "gold right": _hits(said.gold),
        "same again": _percent(said.repeats.same, said.repeats.shown),
        "flags": flags if brief else "; ".join(said.warnings) or NO_FLAG,
    }


def _hits(of: Hits) -> str:
    return f"{of.hits} of {of.shown}" if of.shown else MISSING


def _percent(share: float | None, of: int) -> str:
    return MISSING if share is None else f"{100 * share:.0f} % of {of}"


def severity_table(task: TaskReport, one: Reliability) -> Table | None:
    """Severity and noise on one criterion of several; of one, see `work_tables`."""
    if not one.adjusted or len(task.criteria) == 1:
        return None
    shown = severest(one)
    return Table(
        title=f"Severity of raters on {one.criterion}",
        heads=("rater", "ratings", "severity", "noise"),
        rows=[
            (
                rater.rater,
                f"{rater.ratings:,}",
                number(rater.severity, sign=True),
                number(rater.noise),
            )
            for rater in shown
        ],
        note=_more(len(one.raters) - len(shown)),
    )


def severest(one: Reliability) -> list[RaterSeverity]:
    """The raters whose severity is known, the most unlike the others first."""
    known = [rater for rater in one.raters if rater.severity is not None]
    known.sort(key=lambda rater: -abs(rater.severity or 0.0))
    return known[:RATERS_SHOWN]


def _more(raters: int) -> str:
    return f"{counted(raters, 'more rater')}: see the JSON report." if raters else ""


def means_table(task: TaskReport, one: Reliability) -> Table | None:
    """Raw, z and adjusted means of each checkpoint side by side.

    None where one rater's ratings alone leave nothing to set side by side.
    """
    if not one.adjusted and len(one.raters) == 1:
        return None
    kinds = [("mean rating", one.raw), ("z-score", one.z)]
    if one.adjusted:
        kinds.append(("adjusted for severity", one.adjusted))
    return Table(
        title=f"Means on {one.criterion}, three ways",
        heads=("checkpoint", *(name for name, _ in kinds)),
        rows=[
            (label, *(means.get(label, MISSING) for _, means in kinds))
            for label in (checkpoint.label for checkpoint in task.checkpoints)
            if label in one.raw
        ],
    )


def of_recount(task: TaskReport) -> str:
    """Whom the tables of `recount_tables` leave out, and what that turns.

    Empty where nobody is left out.
    """
    found = task.recount
    if found is None:
        return ""
    given = []
    if found.ratings:
        given.append(counted(found.ratings, "rating"))
    if found.comparisons:
        given.append(counted(found.comparisons, "comparison"))
    said = (
        f"With and without {_named(found.raters)}, whose work looks careless "
        f"({listed(given)}). Everywhere else all count."
    )
    turned = _turned(found)
    return f"{said} Without, {turned}." if turned else said


def recount_tables(task: TaskReport) -> list[Table]:
    """Each criterion with and without the raters whose work looks careless."""
    if task.recount is None:
        return []
    return [
        *(_recounted(task, one) for one in task.recount.criteria),
        *map(_recounted_choices, task.recount.preferences),
    ]


def _recounted(task: TaskReport, one: Recounted) -> Table:
    first, last = (label or MISSING for label in one.best)
    return Table(
        title=f"{one.criterion} with and without the careless",
        heads=(one.criterion, "all raters", "without the careless"),
        rows=[
            *(_both(label, found) for label, found in one.means.items()),
            ("best", first, last),
            _both("Krippendorff's alpha", one.alpha),
            *(
                _both(f"{task.metric(sig).label}, tau within items", found)
                for sig, found in one.kendall.items()
            ),
        ],
    )


def _recounted_choices(one: RecountedChoices) -> Table:
    first, last = (label or MISSING for label in one.best)
    return Table(
        title=f"Choices on {one.criterion} with and without the careless",
        heads=(one.criterion, "all raters", "without the careless"),
        rows=[
            *(_both(f"{k}, win rate", found) for k, found in one.win_rates.items()),
            *(_both(f"{k}, strength", found) for k, found in one.strengths.items()),
            ("best", first, last),
            _both("Krippendorff's alpha", one.alpha),
        ],
    )


def _both(name: str, found: BothWays) -> tuple[str | Estimate, ...]:
    return name, found.all, found.without


def turned_by_careless(task: TaskReport) -> str:
    """What to do where another checkpoint comes first without the careless raters.

    `look at the answers of Odd, which look careless and without which new rather than
    old comes first on meaning`; empty where none does.
    """
    found = task.recount
    turned = _turned(found) if found else ""
    if found is None or not turned:
        return ""
    return (
        f"look at the answers of {_named(found.raters)}, which look careless and "
        f"without which {turned}"
    )


def _turned(found: Recount) -> str:
    both: list[Recounted | RecountedChoices] = [*found.criteria, *found.preferences]
    clauses = [
        f"{on_one_line(str(one.best[1]))} rather than {on_one_line(str(one.best[0]))} "
        f"comes first on {on_one_line(one.criterion)}"
        for one in both
        if one.turned
    ]
    return listed(clauses) if clauses else ""


def _named(raters: Sequence[str]) -> str:
    few = 3
    shown = [on_one_line(name) for name in raters[:few]]
    if len(raters) > few:
        shown.append(f"{counted(len(raters) - few, 'other rater')}")
    return listed(shown)
