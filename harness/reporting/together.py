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

MOST_TOLD = 3
"""Criteria of which a sentence says what the metric was worth."""
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
    columns = {
        "": [_pair(one) for one in rows],
        "ratings alone": [_sized(one, one.alone) for one in rows],
        f"with {helper}": [_sized(one, one.both) for one in rows],
        "worth": [worth(one) for one in rows],
        "rated": [_rated(one) for one in rows],
        "answer": [_answer(one) for one in rows],
    }
    if not helper:
        del columns[f"with {helper}"], columns["worth"]
    if len(set(columns["rated"])) == 1:
        # It stands in the note.
        del columns["rated"]
    return Table(
        title=f"Ratings and scores together on {rows[0].criterion}",
        heads=tuple(columns),
        # Of two checkpoints, the best over the next may be the later over the first.
        rows=list(dict.fromkeys(zip(*columns.values(), strict=True))),
        note=_note(rows, helper),
    )


def _answer(one: Combined) -> str:
    """`better`, `worse`, or `not clear`, with p where the interval alone would tell."""
    low, high = one.both.low, one.both.high
    told = low is not None and high is not None and not low <= one.null <= high
    if one.better is None and told and one.p is not None:
        return f"{ANSWER[None]} (p {number(one.p)})"
    return ANSWER[one.better]


def _pair(one: Combined) -> str:
    sign = "over" if one.kind == "preference" else "−"
    return f"{one.checkpoint} {sign} {one.against}"


def _rated(one: Combined) -> str:
    return f"{one.both.n:,} of {one.prompts:,}"


def _sized(one: Combined, found: Estimate) -> str:
    if found.value is None:
        return MISSING
    value = number(found.value, sign=one.kind == "criterion")
    if found.low is None or found.high is None:
        return value
    return f"{value} [{number(found.low)}, {number(found.high)}]"


def worth(one: Combined) -> str:
    """`14 more`, or why the metric saved no rating."""
    if one.metric is None or one.both.value is None:
        return MISSING
    if one.saved:
        return f"{one.saved:,} more"
    return f"0: {_why_none(one)}"


def _why_none(one: Combined) -> str:
    """Why a metric saved nothing, in two words or three."""
    if one.both.n == one.prompts:
        return "all are rated"
    if one.both.method in {"exact", "score"} or one.both.r2 is None:
        return "too few"
    if one.both.method == "regression":
        return "no narrower"
    return f"R² {number(one.both.r2)}"


def _note(rows: Sequence[Combined], helper: str) -> str:
    first = rows[0]
    what = "Win rates, ties as half wins" if first.kind == "preference" else "Points"
    of = "the best over the next best, then each later checkpoint over the first"
    said = [f"{what}: {of}" if first.question == BEST else what]
    said.append(f"95 % intervals about {first.both.estimand} and {_whom(rows)}")
    said += dict.fromkeys(one.drawn.capitalize() for one in rows if one.drawn)
    if len({_rated(one) for one in rows}) == 1:
        said.append(f"{_rated(first)} prompts rated")
    lacking = next((one.both.why for one in rows if one.both.value is None), "")
    if lacking:
        said.append(f"A dash: {lacking.removesuffix('.')}")
    if helper:
        said.append(
            f"{on_one_line(helper)} is {first.rule}; worth: prompts that would have to "
            "be rated besides for as narrow an interval without it"
        )
    else:
        said.append(f"Ratings stand alone: {first.rule}")
    return f"{'. '.join(said)}."


def _whom(rows: Sequence[Combined]) -> str:
    """Which raters intervals are about."""
    if all(one.raters for one in rows):
        return "raters: others like these"
    if any(one.raters for one in rows):
        return "raters: others like these, but for rows of few or like judgments"
    return f"these raters (fewer than {LEAST_RATERS}, or few judgments)"


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
    clauses = list(_clauses(known))
    rest = len(clauses) - MOST_TOLD
    others = f"; {counted(rest, 'more criterion', 'more criteria')} below"
    helper = on_one_line(label_of(task, known[0]))
    told = listed(clauses[:MOST_TOLD]) + (others if rest > 0 else "")
    return f"Scores of {helper} were worth {told}."


def _clauses(rows: Sequence[Combined]) -> Iterator[str]:
    none = "no more rated prompt"
    for one in rows:
        where = f"on {on_one_line(one.criterion)}"
        if one.saved:
            yield f"{counted(one.saved, 'more rated prompt')} {where}"
        else:
            yield f"{none} {where} ({_why_none(one)})"
        none = "none"
