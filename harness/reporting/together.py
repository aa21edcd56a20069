"""Ratings and scores together, as tables and sentences for every rendering."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.reporting.combined import BEST
from harness.reporting.formats import MISSING, counted, listed, number, on_one_line
from harness.reporting.rater_tables import Table
from harness.stats.crossed import LEAST_RATERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.reporting.combined import Combined
    from harness.reporting.model import TaskReport
    from harness.stats.sharpened import Estimate

ANSWER = {True: "better", False: "worse", None: "not clear"}
"""What a row comes to."""
TOGETHER = (
    "Ratings and scores together: the regression estimator with HC3 variance and t "
    "quantile, from one metric that is settled before any rating is seen; where it is "
    "worth too little, by a rule that looks at R² and n alone, the interval is that of "
    "the ratings. The best is clearly ahead if that holds against every other "
    "checkpoint, so that of equally good ones one is called best in at most 5 % of "
    "cases. Later checkpoints are called better or worse by p ≤ 0.05 after Holm's "
    "adjustment. Each interval holds for this number of ratings, looked at once."
)


def together_tables(task: TaskReport) -> list[Table]:
    """By criterion, both estimates side by side, and what the metric saved."""
    helper = label_of(task, task.combined[0]) if task.combined else ""
    return tables_of(task.combined, helper)


def tables_of(rows: Sequence[Combined], helper: str) -> list[Table]:
    """By criterion, both estimates side by side, and what the metric saved.

    Args:
        rows: of a task.
        helper: label of the metric; empty where there is none.
    """
    kinds = dict.fromkeys((one.kind, one.criterion) for one in rows)
    return [
        _table([one for one in rows if (one.kind, one.criterion) == kind], helper)
        for kind in kinds
    ]


def _table(rows: Sequence[Combined], helper: str) -> Table:
    first = rows[0]
    what = "win rate against" if first.kind == "preference" else "less"
    return Table(
        title=f"Ratings and scores together on {first.criterion}",
        heads=(
            *("checkpoint", what, "ratings alone"),
            *((f"with {helper}",) if helper else ()),
            *("worth", "rated", "answer"),
        ),
        rows=[_cells(one, helper=bool(helper)) for one in rows],
        note=_note(rows, helper),
    )


def _distinct(rows: Sequence[Combined]) -> list[Combined]:
    """The best over the next first, then what the later checkpoints gained."""
    return [
        one for question in (BEST, LATER) for one in rows if one.question == question
    ]


def _cells(one: Combined, *, helper: bool) -> list[str]:
    best = " (best)" if one.question == BEST else ""
    next_ = " (next)" if one.question == BEST else ""
    return [
        f"{one.checkpoint}{best}",
        f"{one.against}{next_}",
        _sized(one, one.alone),
        *([_sized(one, one.both)] if helper else []),
        worth(one),
        f"{one.both.n:,} of {one.prompts:,}",
        ANSWER[one.better],
    ]


def _sized(one: Combined, found: Estimate) -> str:
    if found.value is None:
        return MISSING
    sign = one.kind == "criterion"
    value = number(found.value, sign=sign)
    if found.low is None or found.high is None:
        return value
    return f"{value} [{number(found.low, sign=sign)}, {number(found.high, sign=sign)}]"


def worth(one: Combined) -> str:
    """`14 more`, or why the metric saved no rating."""
    if one.metric is None or one.both.value is None:
        return MISSING
    if one.saved:
        return f"{one.saved:,} more"
    if one.both.n == one.prompts:
        return "0: all are rated"
    if one.both.r2 is None:
        return "0"
    return f"0: R² {number(one.both.r2)}"


def _note(rows: Sequence[Combined], helper: str) -> str:
    first = rows[0]
    raters = [one.raters for one in rows]
    said = [f"95 % intervals about {first.both.estimand}"]
    if all(raters):
        said.append("and about other raters")
    elif first.kind == "criterion":
        said.append(f"and these raters (fewer than {LEAST_RATERS} of some pairs)")
    sentence = f"{' '.join(said)}. "
    if helper:
        sentence += (
            f"{on_one_line(helper)}: {first.rule}. Worth: prompts that would have to "
            "be rated besides for as narrow an interval without it."
        )
    else:
        sentence += f"Ratings stand alone: {first.rule}."
    return sentence


def label_of(task: TaskReport, one: Combined) -> str:
    """Name of the metric that goes with the ratings; empty where there is none."""
    return "" if one.metric is None else task.metric(one.metric).label


def saved_in_short(task: TaskReport) -> str:
    """What the metric was worth for the leads, in a sentence; empty without one.

    `Scores of bleu were worth 14 more rated prompts on meaning and none on fluency
    (R² 0.03).`
    """
    rows = [one for one in task.combined if one.question == BEST and one.metric]
    known = [one for one in rows if one.both.value is not None]
    if not known:
        return ""
    clauses = listed(list(_clauses(known)))
    return f"Scores of {on_one_line(label_of(task, known[0]))} were worth {clauses}."


def _clauses(rows: Sequence[Combined]) -> Iterator[str]:
    for one in rows:
        where = f"on {on_one_line(one.criterion)}"
        if one.saved:
            yield f"{counted(one.saved, 'more rated prompt')} {where}"
        elif one.both.n == one.prompts:
            yield f"none {where} (all prompts are rated)"
        elif one.both.r2 is None:
            yield f"none {where}"
        else:
            yield f"none {where} (R² {number(one.both.r2)})"
