"""Which output a rater is shown next.

The chosen prompts and the checkpoints of a wave form a square that is worked off in
rounds. A round has each prompt once and each checkpoint equally often, like a Latin
square, and all raters are in the same round. So at any time every rater has rated
every checkpoint about equally often (their severity cancels), the outputs that are
rated have all their raters (agreement can be measured early), and nobody judges two
answers to one prompt in a row. Within a round each rater has an order of their own.
"""

from __future__ import annotations

import json
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

# Simulated raters take no places away from people, nor people from them.
TAKEN = """
    SELECT assignment_outputs.output, count(*) AS raters
    FROM assignments
    JOIN assignment_outputs ON assignment_outputs.assignment = assignments.id
    JOIN raters ON raters.id = assignments.rater
    WHERE assignments.campaign = :campaign AND assignments.rater <> :rater
        AND (raters.kind = 'simulated') = :simulated
        AND (assignments.state = 'rated' OR assignments.state <> 'skipped'
            AND assignments.lease_until > :now)
    GROUP BY assignment_outputs.output
"""
OPEN_CELLS = f"""
    WITH taken AS ({TAKEN}), finished AS (
        SELECT assignment_outputs.output FROM assignments
        JOIN assignment_outputs ON assignment_outputs.assignment = assignments.id
        WHERE assignments.campaign = :campaign AND assignments.rater = :rater
            AND assignments.state IN ('rated', 'skipped')
    )
    SELECT current_outputs.id AS output, current_outputs.item,
        current_outputs.checkpoint, ifnull(waves.wave, 0) AS wave
    FROM current_outputs
    LEFT JOIN waves ON waves.campaign = :campaign
        AND waves.checkpoint = current_outputs.checkpoint
    LEFT JOIN taken ON taken.output = current_outputs.id
    WHERE current_outputs.task = :task AND current_outputs.sample = 0
        AND current_outputs.item IN (SELECT value FROM json_each(:items))
        AND ifnull(taken.raters, 0) < :places
        AND current_outputs.id NOT IN finished
"""  # noqa: S608 - constants
MINE_BY_CHECKPOINT = """
    SELECT outputs.checkpoint, count(*) AS n FROM assignments
    JOIN assignment_outputs ON assignment_outputs.assignment = assignments.id
    JOIN outputs ON outputs.id = assignment_outputs.output
    WHERE assignments.campaign = ? AND assignments.rater = ?
        AND assignments.state <> 'skipped'
    GROUP BY outputs.checkpoint
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """An output that a rater could be shown."""

    output: str
    """Id of the output."""
    item: str
    """Id of the item that it answers."""
    checkpoint: str
    """Id of the checkpoint that wrote it."""
    wave: int
    """Wave in which the checkpoint joined the campaign, from 1; 0 before it has."""


def open_cells(
    study: StudyFile, campaign: Campaign, rater: Rater, now: datetime
) -> list[Cell]:
    """Outputs that lack raters and that this rater has not dealt with."""
    parameters = _parameters(campaign, rater, now)
    return [Cell(*row) for row in study.db.conn.execute(OPEN_CELLS, parameters)]


def count_open_cells(
    study: StudyFile, campaign: Campaign, rater: Rater, now: datetime
) -> int:
    """How many outputs lack raters and have not been dealt with by this rater."""
    [number] = study.db.conn.execute(
        f"SELECT count(*) FROM ({OPEN_CELLS})",  # noqa: S608 - a constant
        _parameters(campaign, rater, now),
    ).fetchone()
    return int(number)


def draw(
    study: StudyFile, campaign: Campaign, rater: Rater, now: datetime
) -> Cell | None:
    """The output that this rater is to see next; None if there is none left."""
    cells = open_cells(study, campaign, rater, now)
    if any(cell.wave == 0 for cell in cells):
        _start_wave(study, campaign, {c.checkpoint for c in cells if c.wave == 0}, now)
        cells = open_cells(study, campaign, rater, now)
    if not cells:
        return None
    wave = min(cell.wave for cell in cells)
    checkpoints = study.column(
        "SELECT checkpoint FROM waves WHERE campaign = ? AND wave = ?",
        [campaign.id, wave],
    )
    mine = dict(
        study.db.conn.execute(MINE_BY_CHECKPOINT, [campaign.id, rater.id]).fetchall()
    )
    return choose(
        [cell for cell in cells if cell.wave == wave],
        campaign=campaign,
        checkpoints=checkpoints,
        rater=rater.name,
        seen=mine,
    )


def choose(
    cells: Sequence[Cell],
    *,
    campaign: Campaign,
    checkpoints: Sequence[str],
    rater: str,
    seen: Mapping[str, int],
) -> Cell:
    """The next of the cells of one wave, by the rules in this module's first lines.

    Args:
        cells: at least one.
        campaign: decides the order of the prompts, and the seed.
        checkpoints: all of the wave, whether or not they have cells left.
        rater: name of the rater, for an order of their own.
        seen: checkpoint to the number of its outputs that the rater was shown.
    """
    seed = campaign.plan.seed
    prompts = {item: place for place, item in enumerate(campaign.items)}
    shuffled = sorted(checkpoints, key=lambda name: content_hash(seed, name))
    columns = {checkpoint: place for place, checkpoint in enumerate(shuffled)}

    def rank(cell: Cell) -> tuple[int, int]:
        round_ = (prompts[cell.item] + columns[cell.checkpoint]) % len(columns)
        return round_, seen.get(cell.checkpoint, 0)

    first = min(map(rank, cells))
    return min(
        (cell for cell in cells if rank(cell) == first),
        key=lambda cell: content_hash(seed, rater, cell.item),
    )


def _start_wave(
    study: StudyFile, campaign: Campaign, checkpoints: set[str], now: datetime
) -> None:
    """Let checkpoints join: in the last wave if nobody has begun it, else in a new."""
    [last] = study.column(
        "SELECT ifnull(max(wave), 1) FROM waves WHERE campaign = ?", [campaign.id]
    )
    begun = study.column(
        "SELECT 1 FROM assignments WHERE campaign = ? AND wave = ? LIMIT 1",
        [campaign.id, last],
    )
    study.insert(
        "waves",
        [
            {
                "campaign": campaign.id,
                "checkpoint": checkpoint,
                "wave": last + bool(begun),
                "joined": stored_time(now),
            }
            for checkpoint in sorted(checkpoints)
        ],
    )


def _parameters(campaign: Campaign, rater: Rater, now: datetime) -> dict[str, Json]:
    return {
        "campaign": campaign.id,
        "rater": rater.id,
        "simulated": rater.kind == "simulated",
        "now": stored_time(now),
        "items": json.dumps(campaign.items),
        "task": campaign.task,
        "places": campaign.raters_per_output,
    }
