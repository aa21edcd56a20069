"""What raters answered to each unit, whatever the order of their pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.campaign import Campaign
    from harness.study import StudyFile

ANSWERS = """
    SELECT current_ratings.unit, ifnull(current_ratings.place, 0) AS place,
        current_ratings.criterion, current_ratings.rater, current_ratings.value,
        CASE WHEN json_extract(assignments.places, '$[0]') = 0
            THEN current_ratings.choice
            ELSE CASE current_ratings.choice WHEN 'first' THEN 'second'
                WHEN 'second' THEN 'first' ELSE current_ratings.choice END
        END AS choice
    FROM current_ratings
    JOIN assignments ON assignments.id = current_ratings.assignment
    JOIN units ON units.id = current_ratings.unit AND units.live
    WHERE current_ratings.campaign = ?
        AND ifnull(?, current_ratings.unit) = current_ratings.unit
        AND current_ratings.kind = 'normal'
        AND (current_ratings.value IS NOT NULL OR current_ratings.choice IS NOT NULL)
    ORDER BY current_ratings.id
"""


@dataclass(frozen=True, slots=True)
class Given:
    """One rater's answer to one question."""

    unit: int
    """Number of the unit."""
    place: int
    """Place within the unit of the output that it judges; 0 where it judges all."""
    criterion: str
    """Name of the criterion."""
    rater: int
    """Number of the rater."""
    value: float | None
    """The number given; None where the scheme has no numbers."""
    choice: str | None
    """`first` (the unit's place 0), `second`, `tie` or `both_bad`; None where nothing
    is compared."""


def answers_to_units(
    study: StudyFile, campaign: Campaign, unit: int | None = None
) -> list[Given]:
    """All answers of a campaign that count, in the order they were given.

    `unit` leaves only those to one unit.
    """
    return [Given(**row) for row in study.each(ANSWERS, [campaign.id, unit])]
