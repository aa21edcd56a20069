"""Who takes part in a study, and by which links and sessions they can."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.study.raters import stored_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.campaign import Campaign
    from harness.study import StudyFile

ROSTER = """
    SELECT raters.id, raters.name, raters.kind,
        (SELECT count(*) FROM invites WHERE rater = raters.id) AS links,
        (SELECT count(*) FROM sessions WHERE rater = raters.id AND expires > ?)
            AS sessions,
        ifnull(sum(state = 'rated'), 0) AS rated,
        ifnull(sum(state = 'skipped'), 0) AS skipped,
        max(shown_at) AS last_seen
    FROM raters
    LEFT JOIN assignments ON assignments.rater = raters.id
        AND campaign IN (SELECT value FROM json_each(?))
    WHERE raters.kind <> 'imported'
    GROUP BY raters.id ORDER BY raters.id
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One rater, as far as it can be told without judging their work."""

    id: int
    """Number in this study."""
    name: str
    """Unique in this study."""
    kind: str
    """`person` or `simulated`."""
    links: int
    """Invites that let them in."""
    sessions: int
    """Browsers in which they are signed in."""
    rated: int
    """Units rated, checks included."""
    skipped: int
    """Units put aside."""
    last_seen: str | None
    """When they were last shown anything: UTC, ISO 8601; None if never."""


def roster(
    study: StudyFile, campaigns: Sequence[Campaign], *, now: datetime | None = None
) -> list[Entry]:
    """Everybody who was invited or has rated, in the order in which they joined."""
    time = stored_time(now or datetime.now(UTC))
    numbers = json.dumps([campaign.id for campaign in campaigns])
    return [Entry(**row) for row in study.rows(ROSTER, [time, numbers])]
