"""Blind assignments: who is shown what, and for how long it is theirs."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from harness.drawing import TAKEN, Cell, draw
from harness.errors import RatingRefused
from harness.identity import content_hash
from harness.schemes import Control, Judgement
from harness.study.raters import SECRET_BYTES, stored_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.campaign import Campaign
    from harness.study import StudyFile
    from harness.study.raters import Rater
    from harness.types import Json

LEASE = timedelta(minutes=30)
"""How long an output is kept for the rater who is looking at it."""
RENDER = "raw"
"""Outputs are shown as plain text, exactly as the model wrote them."""

COLUMNS = "id, campaign, rater, token, state, lease_until, shown_at"
# A checkpoint may have answered anew, with other settings, since it was assigned.
OPEN_AND_CURRENT = """
    campaign = ? AND rater = ? AND state IN ('open', 'undone') AND lease_until > ?
    AND NOT EXISTS (
        SELECT 1 FROM assignment_outputs WHERE assignment = assignments.id
        AND NOT EXISTS (
            SELECT 1 FROM current_outputs
            WHERE current_outputs.id = assignment_outputs.output
        )
    )
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rater says of what they were shown."""

    values: Mapping[str, Json]
    """Criterion to the value of the chosen option."""
    comment: str = ""
    """Anything they want to add."""
    seconds: float | None = None
    """Time for which they looked at it; None if unknown."""


@dataclass(frozen=True, slots=True)
class Shown:
    """All that a rater gets to see. Nothing in it tells who wrote an output."""

    token: str
    """Stands for the assignment; means nothing to anybody else."""
    instructions: str
    """What the model was to do; may be empty."""
    prompt: str
    """What the model was given."""
    references: tuple[str, ...]
    """Right answers; empty unless the task shows them."""
    outputs: tuple[str, ...]
    """What is to be judged, in the order of the page."""
    controls: tuple[Control, ...]
    """The questions."""
    answer: Answer | None = None
    """What this rater had answered before taking it back."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """An output that is, or was, a rater's to judge."""

    id: int
    """Number in this study."""
    campaign: int
    """Number of the campaign."""
    rater: int
    """Number of the rater."""
    token: str
    """Stands for it outside of the study."""
    state: str
    """`open`, `rated`, `skipped`, or `undone`, which is open again."""
    lease_until: str
    """Until when nobody else gets its place, unless it is rated."""
    shown_at: str
    """When it was last shown."""
    outputs: tuple[str, ...] = ()
    """Ids of the outputs, in the order of the page."""


def next_assignment(
    study: StudyFile, campaign: Campaign, rater: Rater, *, now: datetime | None = None
) -> Shown | None:
    """What the rater is to judge now; None if nothing is left for them.

    It stays the same until it is answered, skipped, or its lease has ended and
    another rater has taken its place. Each output gets exactly
    `campaign.raters_per_output` different raters, also under concurrency.
    """
    time = now or datetime.now(UTC)
    with study.transaction():
        mine = find_assignment(
            study,
            f"{OPEN_AND_CURRENT} ORDER BY shown_at DESC, id DESC LIMIT 1",
            [campaign.id, rater.id, stored_time(time)],
        )
        if mine is None:
            cell = draw(study, campaign, rater, time)
            if cell is None:
                return None
            mine = _assign(study, campaign, rater, cell)
        return show(study, campaign, mine, time)


def find_assignment(
    study: StudyFile, where: str, parameters: list[Json]
) -> Assignment | None:
    """The assignment that an SQL condition, a constant, singles out."""
    rows = study.rows(
        f"SELECT {COLUMNS} FROM assignments WHERE {where}",  # noqa: S608
        parameters,
    )
    if not rows:
        return None
    outputs = study.column(
        "SELECT output FROM assignment_outputs WHERE assignment = ? ORDER BY position",
        [rows[0]["id"]],
    )
    return Assignment(**rows[0], outputs=tuple(outputs))


def assignment_of(study: StudyFile, rater: Rater, token: str) -> Assignment:
    """The rater's assignment with this token.

    Raises:
        RatingRefused: nobody's, or another rater's; the message is the same for both.
    """
    found = find_assignment(study, "token = ?", [token])
    if found is None or found.rater != rater.id:
        raise RatingRefused(
            "This page does not belong to you, or it is out of date. "
            "Your answer was not stored; here is the one that is yours."
        )
    return found


def has_place(
    study: StudyFile, campaign: Campaign, rater: Rater, mine: Assignment, now: datetime
) -> bool:
    """Whether the outputs still lack a rater, not counting this one."""
    taken = {
        "campaign": campaign.id,
        "rater": rater.id,
        "simulated": rater.kind == "simulated",
        "now": stored_time(now),
        "outputs": json.dumps(mine.outputs),
        "places": campaign.raters_per_output,
    }
    full = study.db.conn.execute(
        f"SELECT 1 FROM ({TAKEN}) AS taken "  # noqa: S608 - a constant
        "WHERE taken.output IN (SELECT value FROM json_each(:outputs)) "
        "AND taken.raters >= :places LIMIT 1",
        taken,
    )
    return full.fetchone() is None


def show(
    study: StudyFile, campaign: Campaign, mine: Assignment, now: datetime
) -> Shown:
    """What the page may know of an assignment; begins its lease anew."""
    shown = _shown(study, campaign, mine)
    stimulus = {
        "render": RENDER,
        "references_shown": campaign.plan.show_references,
        "prompt": content_hash(shown.prompt),
        "outputs": [content_hash(text) for text in shown.outputs],
        "references": content_hash(*shown.references) if shown.references else None,
    }
    with study.transaction() as db:
        db.execute(
            "UPDATE assignments SET lease_until = ?, shown_at = ?, stimulus = ? "
            "WHERE id = ?",
            [
                stored_time(now + LEASE),
                stored_time(now),
                json.dumps(stimulus, sort_keys=True),
                mine.id,
            ],
        )
    return shown


def _shown(study: StudyFile, campaign: Campaign, mine: Assignment) -> Shown:
    rows = study.rows(
        "SELECT items.prompt, items.refs, outputs.text FROM assignment_outputs "
        "JOIN outputs ON outputs.id = assignment_outputs.output "
        "JOIN items ON items.id = outputs.item "
        "WHERE assignment = ? ORDER BY position",
        [mine.id],
    )
    references = json.loads(rows[0]["refs"]) if campaign.plan.show_references else ()
    shown = Shown(
        token=mine.token,
        instructions=campaign.instructions,
        prompt=rows[0]["prompt"],
        references=tuple(references),
        outputs=tuple(row["text"] for row in rows),
        controls=campaign.scheme.controls,
    )
    return replace(shown, answer=_taken_back(study, campaign, mine))


def _taken_back(
    study: StudyFile, campaign: Campaign, mine: Assignment
) -> Answer | None:
    """The answer that the newest `undone` rows supersede."""
    rows = study.rows(
        "SELECT old.criterion, old.value, old.choice, old.comment FROM ratings "
        "JOIN ratings AS old ON old.id = ratings.supersedes AND old.state = 'rated' "
        "WHERE ratings.assignment = ? AND ratings.state = 'undone' AND NOT EXISTS "
        "(SELECT 1 FROM ratings AS newer WHERE newer.supersedes = ratings.id)",
        [mine.id],
    )
    if not rows:
        return None
    values = campaign.scheme.values(
        Judgement(row["criterion"], value=row["value"], choice=row["choice"])
        for row in rows
    )
    return Answer(values, rows[0]["comment"] or "")


def _assign(
    study: StudyFile, campaign: Campaign, rater: Rater, cell: Cell
) -> Assignment:
    """The rater's assignment of this output: a new one, or the one they let lapse."""
    lapsed = find_assignment(
        study,
        "campaign = ? AND rater = ? AND id IN "
        "(SELECT assignment FROM assignment_outputs WHERE output = ?)",
        [campaign.id, rater.id, cell.output],
    )
    if lapsed is not None:
        return lapsed
    token = secrets.token_urlsafe(SECRET_BYTES)
    with study.transaction() as db:
        row = db.execute(
            "INSERT INTO assignments (campaign, wave, rater, token, probability) "
            "VALUES (?, ?, ?, ?, ?) RETURNING id",
            [campaign.id, cell.wave, rater.id, token, campaign.probability],
        ).fetchone()
        db.execute(
            "INSERT INTO assignment_outputs (assignment, position, output) "
            "VALUES (?, 0, ?)",
            [row[0], cell.output],
        )
    return Assignment(
        id=row[0],
        campaign=campaign.id,
        rater=rater.id,
        token=token,
        state="open",
        lease_until="",
        shown_at="",
        outputs=(cell.output,),
    )
