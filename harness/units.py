"""Units: what raters judge in one go, as the study holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.campaign import Campaign
    from harness.study import StudyFile

Kind = Literal["normal", "anchor", "gold", "degraded", "example"]
"""What a unit is for: `normal` ones count; an `anchor` shows an earlier wave's again;
`gold` has a known answer; a `degraded` one is a damaged copy; an `example` trains."""


ShownAs = Kind | Literal["repeat"]
"""What an assignment is for: its unit's kind, or `repeat` of what the rater judged."""


@dataclass(frozen=True, slots=True)
class NewUnit:
    """What is to be judged, before it has a number."""

    wave: int
    """Wave in which it is judged, from 1."""
    kind: Kind
    """What it is for."""
    item: str | None
    """Id of the prompt; None where it is none of the task's."""
    round: int
    """Its place in the wave's square; see `harness.dealing`."""
    probability: float
    """Chance that it had of being drawn, above 0, at most 1."""
    outputs: tuple[str, ...] = ()
    """Ids of the outputs, in the order of their places; empty if it has content."""
    copy_of: int | None = None
    """Number of the unit that it shows again, whole or damaged."""
    content: str | None = None
    """JSON of what is shown where that is no output of a checkpoint."""


def store_units(study: StudyFile, campaign: Campaign, units: Iterable[NewUnit]) -> None:
    """Add units to a campaign."""
    with study.transaction() as db:
        for unit in units:
            [number] = db.execute(
                "INSERT INTO units (campaign, wave, kind, item, round, probability, "
                "copy_of, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                [
                    *(campaign.id, unit.wave, unit.kind, unit.item, unit.round),
                    *(unit.probability, unit.copy_of, unit.content),
                ],
            ).fetchone()
            db.conn.executemany(
                "INSERT INTO unit_outputs (unit, place, output, checkpoint) "
                "SELECT ?, ?, id, checkpoint FROM outputs WHERE id = ?",
                [(number, place, output) for place, output in enumerate(unit.outputs)],
            )


def outputs_of(study: StudyFile, unit: int) -> tuple[str, ...]:
    """Ids of a unit's outputs, in the order of their places."""
    return tuple(
        study.column(
            "SELECT output FROM unit_outputs WHERE unit = ? ORDER BY place", [unit]
        )
    )


def remove_units(study: StudyFile, units: Sequence[int]) -> None:
    """Take units back that nobody has been shown."""
    with study.transaction() as db:
        for table, column in (("unit_outputs", "unit"), ("units", "id")):
            db.conn.executemany(
                f"DELETE FROM {table} WHERE {column} = ?",  # noqa: S608 - constants
                # Copies come after what they are of.
                [(unit,) for unit in sorted(units, reverse=True)],
            )
