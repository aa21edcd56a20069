"""Blind assignments: who is shown what, and for how long it is theirs."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from harness.checking import next_check
from harness.dealing import deal
from harness.drawing import Unit, draw, has_room
from harness.errors import RatingRefused
from harness.identity import content_hash
from harness.ordering import order_of
from harness.rendering import Tree, markdown_tree
from harness.schemes import Control, Judgement, Span
from harness.study.raters import SECRET_BYTES, stored_time
from harness.units import outputs_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.campaign import Campaign
    from harness.study import StudyFile
    from harness.study.raters import Rater
    from harness.types import Json

LEASE = timedelta(minutes=30)
"""How long an output is kept for the rater who is looking at it."""

COLUMNS = "id, campaign, rater, unit, kind, places, token, state, lease_until, shown_at"
# A checkpoint may have answered anew, with other settings, since it was assigned.
OPEN_AND_LIVE = """
    campaign = ? AND rater = ? AND state IN ('open', 'undone') AND lease_until > ?
    AND unit IN (SELECT id FROM units WHERE live)
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
    flagged: bool = False
    """Whether they want the owner of the study to look at it."""


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
    render: str = "raw"
    """How references and outputs are drawn: `raw`, exactly as the model wrote them,
    `markdown` or `code`. Instructions and prompts are always drawn raw."""
    rendered: tuple[Tree | None, ...] = ()
    """The Markdown of the references, then of the outputs, None where one is shown as
    it was written; empty unless `render` is `markdown`."""
    answer: Answer | None = None
    """What this rater has said of it before, or had before taking it back."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A unit that is, or was, a rater's to judge."""

    id: int
    """Number in this study."""
    campaign: int
    """Number of the campaign."""
    rater: int
    """Number of the rater."""
    unit: int
    """Number of the unit."""
    kind: str
    """What it is for, as of units; `repeat` if the rater has judged it before."""
    places: tuple[int, ...]
    """Places within the unit, in the order of the page."""
    token: str
    """Stands for it outside of the study."""
    state: str
    """`open`, `rated`, `skipped`, or `undone`, which is open again."""
    lease_until: str
    """Until when nobody else gets its place, unless it is rated."""
    shown_at: str
    """When it was last shown."""
    outputs: tuple[str, ...] = ()
    """Ids of the outputs, in the order of the page; empty where none is a
    checkpoint's."""


def next_assignment(
    study: StudyFile, campaign: Campaign, rater: Rater, *, now: datetime | None = None
) -> Shown | None:
    """What the rater is to judge now; None if nothing is left for them.

    It stays the same until it is answered, skipped, or its lease has ended and
    another rater has taken its place. Each unit gets exactly
    `campaign.raters_per_output` different raters, also under concurrency.
    """
    time = now or datetime.now(UTC)
    with study.transaction():
        deal(study, campaign, time)
        mine = find_assignment(
            study,
            f"{OPEN_AND_LIVE} ORDER BY shown_at DESC, id DESC LIMIT 1",
            [campaign.id, rater.id, stored_time(time)],
        )
        if mine is None:
            unit = draw(study, campaign, rater, time)
            if unit is None:
                return None
            unit = next_check(study, campaign, rater, time) or unit
            mine = _assign(study, campaign, rater, unit)
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
    row = {**rows[0], "places": tuple(json.loads(rows[0]["places"]))}
    return Assignment(**row, outputs=tuple(outputs))


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
    """Whether the unit still lacks a rater, not counting this one."""
    if mine.kind not in {"normal", "anchor"}:
        return True
    return has_room(study, campaign, rater, mine.unit, now)


def show(
    study: StudyFile, campaign: Campaign, mine: Assignment, now: datetime
) -> Shown:
    """What the page may know of an assignment; begins its lease anew."""
    shown = contents_of(study, campaign, mine)
    stimulus = {
        "render": shown.render,
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


def contents_of(study: StudyFile, campaign: Campaign, mine: Assignment) -> Shown:
    """What the page may know of an assignment, which stays as it is."""
    prompt, references, texts = _contents(study, mine)
    shown = Shown(
        token=mine.token,
        instructions=campaign.instructions,
        prompt=prompt,
        references=tuple(references) if campaign.plan.show_references else (),
        outputs=tuple(texts[place] for place in mine.places),
        controls=campaign.scheme.controls,
        render=campaign.plan.render,
    )
    rendered: tuple[Tree | None, ...] = ()
    if shown.render == "markdown":
        rendered = tuple(map(markdown_tree, shown.references + shown.outputs))
    return replace(shown, rendered=rendered, answer=last_answer(study, campaign, mine))


def texts_of(study: StudyFile, mine: Assignment) -> list[str]:
    """The shown outputs, in the order of the page."""
    _, _, texts = _contents(study, mine)
    return [texts[place] for place in mine.places]


def prompt_of(study: StudyFile, mine: Assignment) -> str:
    """What the model was given."""
    return _contents(study, mine)[0]


def _contents(study: StudyFile, mine: Assignment) -> tuple[str, list[str], list[str]]:
    """Prompt, references, and the unit's texts in the order of their places."""
    [content] = study.column("SELECT content FROM units WHERE id = ?", [mine.unit])
    if content is not None:
        own = json.loads(content)
        return own["prompt"], own["references"], own["outputs"]
    rows = study.rows(
        "SELECT items.prompt, items.refs, outputs.text FROM unit_outputs "
        "JOIN outputs ON outputs.id = unit_outputs.output "
        "JOIN items ON items.id = outputs.item WHERE unit = ? ORDER BY place",
        [mine.unit],
    )
    texts = [row["text"] for row in rows]
    return rows[0]["prompt"], json.loads(rows[0]["refs"]), texts


def last_answer(
    study: StudyFile, campaign: Campaign, mine: Assignment
) -> Answer | None:
    """What the rater said of it last, also if they took it back; None if nothing."""
    rows = study.rows(
        "SELECT said.* FROM ratings AS newest "
        "JOIN ratings AS said ON said.state = 'rated' AND said.id = "
        "iif(newest.state = 'undone', newest.supersedes, newest.id) "
        "WHERE newest.assignment = ? AND NOT EXISTS "
        "(SELECT 1 FROM ratings AS newer WHERE newer.supersedes = newest.id)",
        [mine.id],
    )
    if not rows:
        return None
    values = campaign.scheme.values(judgement_of(row, mine) for row in rows)
    return Answer(values, rows[0]["comment"] or "", flagged=bool(rows[0]["flagged"]))


def judgement_of(row: Mapping[str, Json], mine: Assignment) -> Judgement:
    """What a stored rating says, by the order of the page that it was given on."""
    place, spans = row["place"], row["spans"]
    return Judgement(
        row["criterion"],
        position=mine.places.index(place) if place in mine.places else None,
        value=row["value"],
        choice=row["choice"],
        spans=None
        if spans is None
        else tuple(Span(**one) for one in json.loads(spans)),
    )


def _assign(
    study: StudyFile, campaign: Campaign, rater: Rater, unit: Unit
) -> Assignment:
    """The rater's assignment of this unit: a new one, or the one they let lapse."""
    lapsed = find_assignment(
        study,
        "campaign = ? AND rater = ? AND unit = ? AND kind = ?",
        [campaign.id, rater.id, unit.id, unit.kind],
    )
    if lapsed is not None:
        return lapsed
    token = secrets.token_urlsafe(SECRET_BYTES)
    places = order_of(study, campaign, rater, unit)
    outputs = outputs_of(study, unit.id)
    with study.transaction() as db:
        [number] = db.execute(
            "INSERT INTO assignments (campaign, wave, rater, unit, kind, places, "
            "token, probability) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            [
                *(campaign.id, unit.wave, rater.id, unit.id, unit.kind),
                *(json.dumps(places), token, unit.probability),
            ],
        ).fetchone()
        if outputs:
            db.conn.executemany(
                "INSERT INTO assignment_outputs (assignment, position, output) "
                "VALUES (?, ?, ?)",
                [(number, at, outputs[place]) for at, place in enumerate(places)],
            )
    return Assignment(
        id=number,
        campaign=campaign.id,
        rater=rater.id,
        unit=unit.id,
        kind=unit.kind,
        places=places,
        token=token,
        state="open",
        lease_until="",
        shown_at="",
        outputs=tuple(outputs[place] for place in places) if outputs else (),
    )
