"""Going back: a rater's earlier answers, and one of them opened again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.assignments import (
    Assignment,
    Shown,
    assignment_of,
    find_assignment,
    last_answer,
    prompt_of,
    show,
)
from harness.campaign import Campaign, find_campaign
from harness.errors import RatingRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.study import StudyFile
    from harness.study.raters import Rater
    from harness.types import Json

MOST_EARLIER = 20
"""Answers that are listed, newest first."""
PROMPT_LETTERS = 120

# Examples have been explained, and what lies on the desk now must be judged afresh,
# also if it was judged before. The id grows with every answer, the clock may not.
REVISABLE = """
    SELECT assignments.id, max(ratings.id) AS newest, max(ratings.created) AS at
    FROM assignments JOIN ratings ON ratings.assignment = assignments.id
    WHERE assignments.state = 'rated' AND kind <> 'example' AND rater = ?
    AND campaign IN (SELECT value FROM json_each(?))
    AND unit IN (SELECT id FROM units WHERE live)
    AND NOT EXISTS (
        SELECT 1 FROM assignments AS now
        WHERE now.rater = assignments.rater AND now.unit = assignments.unit
        AND now.state IN ('open', 'undone')
    )
    GROUP BY assignments.id
"""


@dataclass(frozen=True, slots=True)
class Earlier:
    """An answer that can be changed. It does not tell what it was asked for."""

    token: str
    """Stands for the assignment."""
    prompt: str
    """The beginning of the prompt, on one line."""
    said: tuple[str, ...]
    """The answer to each question, in words and in the order of the page."""
    at: str
    """When it was stored, in UTC."""


def earlier(
    study: StudyFile, campaigns: Sequence[Campaign], rater: Rater
) -> tuple[Earlier, ...]:
    """The rater's last answers, newest first, as far as they can be changed."""
    found = study.mapping(
        f"SELECT id, at FROM ({REVISABLE}) "  # noqa: S608 - a constant
        "ORDER BY newest DESC LIMIT ?",
        [*_of(campaigns, rater), MOST_EARLIER],
    )
    known = {campaign.id: campaign for campaign in campaigns}
    listed = []
    for number, at in found.items():
        mine = find_assignment(study, "id = ?", [number])
        if mine is not None:
            listed.append(_earlier(study, known[mine.campaign], mine, at))
    return tuple(listed)


def reopen(
    study: StudyFile,
    campaigns: Sequence[Campaign],
    rater: Rater,
    token: str,
    *,
    now: datetime | None = None,
) -> Shown:
    """An earlier answer with what it was given to; it counts until it is replaced.

    Raises:
        RatingRefused: the token is nobody's or another rater's, or that of no answer
            that can be changed. Nothing was changed.
    """
    with study.transaction():
        mine = assignment_of(study, rater, token)
        revisable = study.column(
            f"SELECT id FROM ({REVISABLE}) WHERE id = ?",  # noqa: S608 - a constant
            [*_of(campaigns, rater), mine.id],
        )
        if not revisable:
            raise RatingRefused("This answer can no longer be changed.")
        campaign = find_campaign(study, mine.campaign)
        return show(study, campaign, mine, now or datetime.now(UTC))


def _of(campaigns: Sequence[Campaign], rater: Rater) -> list[Json]:
    return [rater.id, json.dumps([campaign.id for campaign in campaigns])]


def _earlier(
    study: StudyFile, campaign: Campaign, mine: Assignment, at: str
) -> Earlier:
    prompt, answer = prompt_of(study, mine), last_answer(study, campaign, mine)
    beginning = " ".join(prompt[: 4 * PROMPT_LETTERS].split())
    if len(beginning) > PROMPT_LETTERS:
        beginning = beginning[:PROMPT_LETTERS] + "…"
    values = answer.values if answer else {}
    return Earlier(
        token=mine.token,
        prompt=beginning,
        said=tuple(
            control.in_words(values[control.name])
            for control in campaign.scheme.controls
            if control.name in values
        ),
        at=at,
    )
