"""Which unit a rater is shown next.

All raters are in the same round of a wave. So at any time every rater has rated every
checkpoint about equally often (their severity cancels), the outputs that are rated
have all their raters (agreement can be measured early). Within a round each rater has
an order of their own; nobody gets one prompt twice in a row while there are others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.identity import content_hash
from harness.study.raters import stored_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from harness.campaign import Campaign
    from harness.study import StudyFile
    from harness.study.raters import Rater
    from harness.types import Json
    from harness.units import Kind

# Simulated raters take no places away from people, nor people from them.
TAKEN = """
    SELECT assignments.unit, count(*) AS raters
    FROM assignments
    JOIN raters ON raters.id = assignments.rater
    WHERE assignments.campaign = :campaign AND assignments.rater <> :rater
        AND assignments.kind IN ('normal', 'anchor')
        AND (raters.kind = 'simulated') = :simulated
        AND (assignments.state = 'rated' OR assignments.state <> 'skipped'
            AND assignments.lease_until > :now)
    GROUP BY assignments.unit
"""
OPEN_UNITS = f"""
    WITH taken AS ({TAKEN}), finished AS (
        SELECT unit FROM assignments
        WHERE campaign = :campaign AND rater = :rater AND unit IS NOT NULL
            AND state IN ('rated', 'skipped')
    ), seen_before AS (
        SELECT unit FROM assignments
        WHERE campaign = :campaign AND rater = :rater AND state = 'rated'
    )
    SELECT units.id, units.kind, units.item, units.wave, units.round,
        units.probability, units.copy_of IN seen_before AS seen_before
    FROM units
    LEFT JOIN taken ON taken.unit = units.id
    WHERE units.campaign = :campaign AND units.live
        AND units.kind IN ('normal', 'anchor')
        AND ifnull(taken.raters, 0) < :places
        AND units.id NOT IN finished
"""  # noqa: S608 - constants
CHECKPOINTS = """
    SELECT unit_outputs.unit, outputs.checkpoint FROM unit_outputs
    JOIN outputs ON outputs.id = unit_outputs.output
    JOIN units ON units.id = unit_outputs.unit
    WHERE units.campaign = ? AND units.wave = ? AND units.round = ?
"""
LAST_PROMPT = """
    SELECT units.item FROM assignments JOIN units ON units.id = assignments.unit
    WHERE assignments.campaign = ? AND assignments.rater = ?
    ORDER BY assignments.shown_at DESC, assignments.id DESC LIMIT 1
"""
MINE_BY_CHECKPOINT = """
    SELECT outputs.checkpoint, count(*) AS n FROM assignments
    JOIN assignment_outputs ON assignment_outputs.assignment = assignments.id
    JOIN outputs ON outputs.id = assignment_outputs.output
    WHERE assignments.campaign = ? AND assignments.rater = ?
        AND assignments.state <> 'skipped'
    GROUP BY outputs.checkpoint
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a rater could be shown."""

    id: int
    """Number of the unit."""
    kind: Kind
    """What it is for."""
    item: str | None
    """Id of the prompt; None where it is none of the task's."""
    wave: int
    """Wave in which it is judged, from 1."""
    round: int
    """Its place in the wave's square."""
    probability: float
    """Chance that it had of being drawn."""
    seen_before: bool = False
    """Whether this rater has judged what an anchor shows again."""


def open_units(
    study: StudyFile, campaign: Campaign, rater: Rater, now: datetime
) -> list[Unit]:
    """Units that lack raters and that this rater has not dealt with."""
    parameters = _parameters(campaign, rater, now)
    return [Unit(*row) for row in study.db.conn.execute(OPEN_UNITS, parameters)]


def count_open_units(
    study: StudyFile, campaign: Campaign, rater: Rater, now: datetime
) -> int:
    """How many units lack raters and have not been dealt with by this rater."""
    [number] = study.db.conn.execute(
        f"SELECT count(*) FROM ({OPEN_UNITS})",  # noqa: S608 - a constant
        _parameters(campaign, rater, now),
    ).fetchone()
    return int(number)


def draw(
    study: StudyFile, campaign: Campaign, rater: Rater, now: datetime
) -> Unit | None:
    """The unit that this rater is to see next; None if there is none left."""
    units = open_units(study, campaign, rater, now)
    if not units:
        return None
    before = study.db.conn.execute(LAST_PROMPT, [campaign.id, rater.id]).fetchone()
    # Nobody is to compare an output with the one before.
    others = [unit for unit in units if before is None or unit.item != before[0]]
    units = others or units
    first = min(map(_rank, units))
    nearest = [unit for unit in units if _rank(unit) == first]
    checkpoints: dict[int, list[str]] = {}
    for number, checkpoint in study.db.conn.execute(
        CHECKPOINTS, [campaign.id, nearest[0].wave, nearest[0].round]
    ):
        checkpoints.setdefault(number, []).append(checkpoint)
    mine = dict(
        study.db.conn.execute(MINE_BY_CHECKPOINT, [campaign.id, rater.id]).fetchall()
    )
    return choose(
        nearest,
        seed=campaign.plan.seed,
        rater=rater.name,
        seen={
            unit.id: sum(mine.get(name, 0) for name in checkpoints[unit.id])
            for unit in nearest
        },
    )


def choose(
    units: Sequence[Unit], *, seed: int, rater: str, seen: Mapping[int, int]
) -> Unit:
    """The next of a round's units: of the checkpoints that the rater saw least.

    Args:
        units: at least one.
        seed: the campaign's.
        rater: name of the rater, for an order of their own.
        seen: unit to how often the rater was shown its checkpoints.
    """
    return min(
        units,
        key=lambda unit: (
            seen[unit.id],
            content_hash(seed, rater, unit.item, unit.kind, unit.id),
        ),
    )


def _rank(unit: Unit) -> tuple[int, bool, int]:
    # Who rated it before tells more of a drift; others help out at the end.
    late = unit.kind == "anchor" and not unit.seen_before
    return unit.wave, late, unit.round


def _parameters(campaign: Campaign, rater: Rater, now: datetime) -> dict[str, Json]:
    return {
        "campaign": campaign.id,
        "rater": rater.id,
        "simulated": rater.kind == "simulated",
        "now": stored_time(now),
        "places": campaign.raters_per_output,
    }
