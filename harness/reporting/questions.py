"""What raters were asked, as the campaigns of a task put it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.reporting.model import CriterionInfo
from harness.schemes.slider import HIGHEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.study import StudyFile
    from harness.types import Json


def of_newest_question(
    study: StudyFile, task: str, rows: Sequence[Mapping[str, Json]]
) -> list[Mapping[str, Json]]:
    """The ratings by the question that was asked last, for each criterion.

    A mean over answers to different questions, or on different scales, would say
    nothing. Campaigns that ask the same way belong together.
    """
    asked: dict[int, dict[str, Json]] = {}
    for number, protocol in study.mapping(
        "SELECT id, protocol FROM campaigns WHERE task = ?", [task]
    ).items():
        plan = json.loads(protocol)
        plan = plan.get("plan", plan)
        asked[number] = {
            one["name"]: [one, scale_of(plan)] for one in plan.get("criteria", ())
        }
    newest: dict[str, int] = {}
    for row in rows:
        name = row["criterion"]
        newest[name] = max(newest.get(name, 0), row["campaign"])

    def question(campaign: int, criterion: str) -> Json:
        return asked.get(campaign, {}).get(criterion)

    return [
        row
        for row in rows
        if question(row["campaign"], row["criterion"])
        == question(newest[row["criterion"]], row["criterion"])
    ]


def criteria_of(
    study: StudyFile, task: str, given: Iterable[str], *, comparing: bool = False
) -> tuple[CriterionInfo, ...]:
    """Those that were rated, as the latest campaign puts them and in its order.

    `comparing` looks at campaigns that compare outputs instead of at the others.
    """
    asked: dict[str, CriterionInfo] = {}
    for protocol in study.column(
        "SELECT protocol FROM campaigns WHERE task = ? "
        "AND (scheme IN ('pairwise', 'ranking')) = ? ORDER BY id",
        [task, comparing],
    ):
        asked |= _asked(json.loads(protocol))
    rated = dict.fromkeys(given)
    names = [name for name in asked if name in rated]
    names += [name for name in rated if name not in asked]
    return tuple(asked.get(name, CriterionInfo(name)) for name in names)


def _asked(protocol: Json) -> dict[str, CriterionInfo]:
    plan = protocol.get("plan", protocol)
    low, high = scale_of(plan)
    return {
        criterion["name"]: CriterionInfo(
            name=criterion["name"],
            question=_question(criterion),
            definition=criterion.get("definition", ""),
            low=low,
            high=high,
        )
        for criterion in plan.get("criteria", ())
    }


def scale_of(plan: Json) -> tuple[float | None, float | None]:
    """Lowest and highest rating of a plan; None where that is unknown."""
    if plan.get("scheme") in {"slider", "spans"}:
        return 0.0, float(HIGHEST)
    if plan.get("scheme") in {"pairwise", "ranking"}:
        return None, None
    points = plan.get("points")
    return (1.0, float(points)) if points else (None, None)


def _question(criterion: Json) -> str:
    """What was asked; empty where only a name is known, as of imported ratings."""
    question = str(criterion.get("question") or "")
    return "" if question == criterion["name"] else question
