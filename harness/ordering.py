"""In which order a unit's outputs stand on the page: sides are counterbalanced."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.identity import content_hash

if TYPE_CHECKING:
    from harness.campaign import Campaign
    from harness.drawing import Unit
    from harness.study import StudyFile
    from harness.study.raters import Rater

CHECKPOINTS = """
    SELECT checkpoint FROM unit_outputs WHERE unit = ? ORDER BY place
"""
FIRST_SHOWN = "SELECT places FROM assignments WHERE rater = ? AND unit = ? LIMIT 1"
MINE_BY_POSITION = """
    SELECT outputs.checkpoint, assignment_outputs.position, count(*)
    FROM assignments
    JOIN assignment_outputs ON assignment_outputs.assignment = assignments.id
    JOIN outputs ON outputs.id = assignment_outputs.output
    WHERE assignments.campaign = ? AND assignments.rater = ?
    GROUP BY outputs.checkpoint, assignment_outputs.position
"""


def order_of(
    study: StudyFile, campaign: Campaign, rater: Rater, unit: Unit
) -> tuple[int, ...]:
    """Places within the unit, in the order in which this rater sees them.

    Of the rotations of the unit's outputs, a rater gets the one that evens out best
    where they saw each checkpoint so far; then the one that the unit's other raters
    saw least; then one by the seed. So no checkpoint gains from standing left. A repeat
    is shown the other way round.
    """
    if unit.kind == "repeat":
        first = study.column(FIRST_SHOWN, [rater.id, unit.id])
        return tuple(reversed(json.loads(first[0])))
    checkpoints = study.column(CHECKPOINTS, [unit.id])
    size = len(checkpoints) or _texts(study, unit)
    rotations = [
        tuple((first + step) % size for step in range(size)) for first in range(size)
    ]
    if size == 1:
        return rotations[0]
    mine = {
        (checkpoint, position): count
        for checkpoint, position, count in study.db.conn.execute(
            MINE_BY_POSITION, [campaign.id, rater.id]
        )
    }
    others = study.column("SELECT places FROM assignments WHERE unit = ?", [unit.id])

    def cost(order: tuple[int, ...]) -> tuple[int, int, str]:
        seen = sum(
            mine.get((checkpoints[place], position), 0)
            for position, place in enumerate(order)
            if checkpoints
        )
        used = others.count(str(list(order)))
        return seen, used, content_hash(campaign.plan.seed, rater.name, unit.id, order)

    return min(rotations, key=cost)


def _texts(study: StudyFile, unit: Unit) -> int:
    """How many texts the unit has that are no checkpoint's."""
    [count] = study.column(
        "SELECT json_array_length(content, '$.outputs') FROM units WHERE id = ?",
        [unit.id],
    )
    return int(count)
