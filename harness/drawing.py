"""Which unit a rater is shown next.

All raters are in the same round of a wave. So at any time every rater has rated every
checkpoint about equally often (their severity cancels), the outputs that are rated
have all their raters (agreement can be measured early). Within a round each rater has
an order of their own; nobody gets one prompt twice in a row while there are others.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from harness.identity import content_hash
from harness.study.raters import stored_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from harness.campaign import Campaign
    from harness.study import StudyFile
    from harness.study.raters import Rater
    from harness.types import Json
    from harness.units import ShownAs

# Simulated raters take no places away from people, nor people from them.
RATED = "CASE WHEN :simulated THEN units.programs ELSE units.people END"
HELD = """
    SELECT assignments.unit, count(*) AS raters FROM assignments
    JOIN raters ON raters.id = assignments.rater
    WHERE assignments.campaign = :campaign AND assignments.rater <> :rater
        AND assignments.state IN ('open', 'undone') AND assignments.lease_until > :now
        AND assignments.kind IN ('normal', 'anchor')
        AND (raters.kind = 'simulated') = :simulated
    GROUP BY assignments.unit
"""
OPEN_UNITS = f"""
    WITH closed AS (
        SELECT unit FROM assignments
        WHERE campaign = :campaign AND rater = :rater AND unit IS NOT NULL
            AND state IN ('rated', 'skipped')
        UNION ALL
        SELECT held.unit FROM ({HELD}) AS held JOIN units ON units.id = held.unit
        WHERE {RATED} + held.raters >= :places
    ), seen_before AS (
        SELECT unit FROM assignments
        WHERE campaign = :campaign AND rater = :rater AND unit IS NOT NULL
            AND state = 'rated'
    -- Who rated it before tells more of a drift; others help out at the end.
    ), open AS NOT MATERIALIZED (
        SELECT id, kind, item, wave, round, probability,
            kind = 'anchor' AND copy_of NOT IN seen_before AS late
        FROM units
        WHERE campaign = :campaign AND live AND kind IN ('normal', 'anchor')
            AND {RATED} < :places AND id NOT IN closed
    )
"""  # noqa: S608 - constants
COLUMNS = "open.id, open.kind, open.item, open.wave, open.round, open.probability"
# Each half is read in the order of an index, no further than to the first.
FIRST_ROUND = f"""
    {OPEN_UNITS} SELECT * FROM (
        SELECT wave, late, round FROM open
        WHERE kind = 'normal' AND item IS NOT :but ORDER BY wave, round LIMIT 1
    ) UNION ALL SELECT * FROM (
        SELECT wave, late, round FROM open
        WHERE kind = 'anchor' AND item IS NOT :but ORDER BY wave, late, round LIMIT 1
    ) ORDER BY wave, late, round LIMIT 1
"""  # noqa: S608 - constants
HAS_ROOM = f"""
    SELECT 1 FROM units WHERE id = :unit AND :places > {RATED} + ifnull((
        SELECT raters FROM ({HELD}) WHERE unit = :unit), 0)
"""  # noqa: S608 - constants
LAST_PROMPT = """
    SELECT units.item FROM assignments JOIN units ON units.id = assignments.unit
    WHERE assignments.campaign = ? AND assignments.rater = ?
    ORDER BY assignments.shown_at DESC, assignments.id DESC LIMIT 1
"""
OF_ROUND = f"""
    {OPEN_UNITS}, mine AS (
        SELECT checkpoint, count(*) AS n FROM assignments
        JOIN unit_outputs ON unit_outputs.unit = assignments.unit
        WHERE campaign = :campaign AND rater = :rater AND state <> 'skipped'
        GROUP BY checkpoint
    )
    SELECT sum(ifnull(mine.n, 0)), {COLUMNS} FROM open
    JOIN unit_outputs ON unit_outputs.unit = open.id
    LEFT JOIN mine ON mine.checkpoint = unit_outputs.checkpoint
    WHERE open.wave = :wave AND open.late = :late AND open.round = :round
        AND open.item IS NOT :but
    GROUP BY open.id
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Unit:
    """What a rater could be shown."""

    id: int
    """Number of the unit."""
    kind: ShownAs
    """What it is shown for."""
    item: str | None
    """Id of the prompt; None where it is none of the task's."""
    wave: int
    """Wave in which it is judged, from 1."""
    round: int
    """Its place in the wave's square."""
    probability: float
    """Chance that it had of being drawn."""


def count_open_units(
    study: StudyFile, campaign: Campaign, rater: Rater, now: datetime
) -> int:
    """How many units lack raters and have not been dealt with by this rater."""
    [number] = study.db.conn.execute(
        f"{OPEN_UNITS} SELECT count(*) FROM open",  # noqa: S608 - a constant
        places_for(campaign, rater, now),
    ).fetchone()
    return int(number)


def draw(
    study: StudyFile, campaign: Campaign, rater: Rater, now: datetime
) -> Unit | None:
    """The unit that this rater is to see next; None if there is none left."""
    about = places_for(campaign, rater, now)
    before = study.db.conn.execute(LAST_PROMPT, [campaign.id, rater.id]).fetchone()
    # Nobody is to compare an output with the one before.
    for but in (before[0], None) if before else (None,):
        first = study.db.conn.execute(FIRST_ROUND, about | {"but": but}).fetchone()
        if first is not None:
            wave, late, number = first
            here = {"wave": wave, "late": late, "round": number, "but": but}
            found = study.db.conn.execute(OF_ROUND, about | here).fetchall()
            return _choose(found, campaign.plan.seed, rater)
    return None


def _choose(found: Sequence[tuple[Any, ...]], seed: int, rater: Rater) -> Unit:
    """The next of a round's units: of the checkpoints that the rater saw least.

    Anchors come at random among them, so that they are spread over the round.

    Args:
        found: for each how often the rater saw its checkpoints, and the unit.
        seed: the campaign's.
        rater: for an order of their own.
    """
    own = content_hash(seed, rater.name)

    def place(row: tuple[Any, ...], *also: int) -> bytes:
        # A rater's order is asked for at each answer: no more than one plain hash.
        return sha256(f"{own} {row[1]} {also}".encode()).digest()

    kind = min(found, key=lambda row: place(row, len(found)))[2]
    *_, unit = min((row[0], place(row), row[1:]) for row in found if row[2] == kind)
    return Unit(*unit)


def has_room(
    study: StudyFile, campaign: Campaign, rater: Rater, unit: int, now: datetime
) -> bool:
    """Whether a unit lacks a rater who could be this one, who has not rated it."""
    about = places_for(campaign, rater, now) | {"unit": unit}
    return study.db.conn.execute(HAS_ROOM, about).fetchone() is not None


def places_for(campaign: Campaign, rater: Rater, now: datetime) -> dict[str, Json]:
    """The parameters of every query about the places that a rater could take."""
    return {
        "campaign": campaign.id,
        "rater": rater.id,
        "simulated": rater.kind == "simulated",
        "now": stored_time(now),
        "places": campaign.raters_per_output,
    }
