"""A campaign's answers in numbers that compare, whatever the scheme.

A number is given to a point: to an output, where each is rated by itself, or to an
ordered pair of outputs of a unit, where they are compared: 1 if the first is preferred,
0 if the second is, 0.5 if neither. Both orders of a pair are points, so that nothing
depends on which output happens to come first.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import permutations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.campaign import Campaign
    from harness.study import StudyFile
    from harness.types import Json

Point = tuple[int, ...]
"""Place of an output within its unit, or places of two."""

Question = tuple[int, str, Point]
"""Unit, criterion and point."""

COUNTED = frozenset(("normal", "anchor"))
"""Kinds whose raters are compared with one another."""

NEUTRAL = 0.5
ANSWERS = """
    SELECT current_ratings.*, assignments.places FROM current_ratings
    JOIN assignments ON assignments.id = current_ratings.assignment
    WHERE current_ratings.campaign = ? AND current_ratings.kind <> 'example'
    ORDER BY current_ratings.assignment, current_ratings.id
"""


@dataclass(slots=True)
class Answered:
    """What one rater said of one unit."""

    unit: int
    """Number of the unit."""
    kind: str
    """What it was shown for."""
    rater: str
    """Name of the rater."""
    rater_kind: str
    """`person`, `simulated` or `imported`; they are never compared."""
    places: tuple[int, ...]
    """Places within the unit, in the order of the page."""
    seconds: float | None = None
    """Time for it; None if unknown."""
    flagged: bool = False
    """Whether the rater wants the owner to look at it."""
    points: dict[str, dict[Point, float]] = field(default_factory=dict)
    """Criterion to point to number."""
    page: dict[str, Json] = field(default_factory=dict)
    """Criterion to the answer in terms of the page: a number, a choice or ranks."""


def answers_of(study: StudyFile, campaign: Campaign) -> list[Answered]:
    """What is rated in a campaign and counts now, in the order of its coming."""
    rows_of: dict[int, list[Mapping[str, Json]]] = {}
    for row in study.rows(ANSWERS, [campaign.id]):
        rows_of.setdefault(row["assignment"], []).append(row)
    return [_answered(rows) for rows in rows_of.values()]


def compares(campaign: Campaign) -> bool:
    """Whether outputs are compared rather than rated one by one."""
    return campaign.scheme.together > 1


def scale_of(campaign: Campaign) -> tuple[float, float]:
    """Lowest and highest number that an answer can be."""
    if compares(campaign):
        return 0.0, 1.0
    return (1.0, campaign.plan.points) if campaign.plan.scheme == "likert" else (0, 100)


def _answered(rows: list[Mapping[str, Json]]) -> Answered:
    first = rows[0]
    said = Answered(
        unit=first["unit"],
        kind=first["kind"],
        rater=first["rater_name"],
        rater_kind=first["rater_kind"],
        places=tuple(json.loads(first["places"])),
    )
    times = [row["seconds"] for row in rows if row["seconds"] is not None]
    said.seconds = max(times, default=None)
    said.flagged = any(row["flagged"] for row in rows)
    numbers: dict[str, dict[int, float]] = {}
    for row in rows:
        if row["choice"] is not None:
            said.page[row["criterion"]] = row["choice"]
            said.points[row["criterion"]] = _preferences(row["choice"], said.places)
        elif row["value"] is not None:
            numbers.setdefault(row["criterion"], {})[row["place"] or 0] = row["value"]
    for criterion, of in numbers.items():
        if len(said.places) == 1:
            said.page[criterion] = of[0]
            said.points[criterion] = {(0,): of[0]}
        else:
            said.page[criterion] = [of[place] for place in said.places]
            said.points[criterion] = {
                (one, two): _outcome(of[two] - of[one])
                for one, two in permutations(of, 2)
            }
    return said


def _preferences(choice: str, places: tuple[int, ...]) -> dict[Point, float]:
    left, right = places
    outcome = {"first": 1.0, "second": 0.0}.get(choice, NEUTRAL)
    return {(left, right): outcome, (right, left): 1.0 - outcome}


def _outcome(behind: float) -> float:
    """Preference for an output, given by how many ranks another one is behind it."""
    return NEUTRAL if behind == 0 else float(behind > 0)


def numbers_of(answers: Iterable[Answered]) -> Iterator[tuple[Question, float]]:
    """Each number of the answers that raters are compared by."""
    for one in answers:
        if one.kind in COUNTED:
            for criterion, points in one.points.items():
                for point, number in points.items():
                    yield (one.unit, criterion, point), number


def totals_of(answers: Iterable[Answered]) -> dict[Question, tuple[float, int]]:
    """Question to the sum of what all said, and how many they are."""
    totals: dict[Question, tuple[float, int]] = {}
    for question, number in numbers_of(answers):
        total, count = totals.get(question, (0.0, 0))
        totals[question] = (total + number, count + 1)
    return totals


def means_of_others(
    totals: Mapping[Question, tuple[float, int]], mine: Iterable[Answered]
) -> dict[Question, float]:
    """Question to the mean of what all said but this rater, who is among them."""
    means = {}
    for question, number in numbers_of(mine):
        total, count = totals[question]
        if count > 1:
            means[question] = (total - number) / (count - 1)
    return means
