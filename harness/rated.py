"""What people rated in a campaign, unit by unit, for export to other tools."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from harness.campaign import find_campaign

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.schemes import Control
    from harness.study import StudyFile
    from harness.types import Json

ABOUT_UNIT = """
    SELECT ifnull(outputs.text, '') AS text, checkpoints.name AS checkpoint,
        items.key, items.prompt, items.refs
    FROM outputs
    JOIN items ON items.id = outputs.item
    JOIN checkpoints ON checkpoints.id = outputs.checkpoint
"""
CHOICES = ("first", "second", "tie", "both_bad")


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that was asked of a unit."""

    name: str
    """Unique in the campaign; of a ranking, the criterion with the output's number."""
    title: str
    """The question as raters read it."""
    form: Literal["rating", "number", "choice", "spans"]
    """A small whole number, any number, one of `values`, or marks in the text."""
    output: int = 1
    """Which output it is about, from 1; the first where it is about all."""
    values: tuple[int | str, ...] = ()
    """Possible answers; of a number, the lowest and the highest."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What one rater said of a unit."""

    rater: str
    """Name of the rater."""
    answers: Mapping[str, Json]
    """Question to answer. Of a choice, `first` is the unit's first output, wherever it
    stood on the page; marks are maps of severity, start and end."""
    comment: str
    """What they added; may be empty."""
    flagged: bool
    """Whether they want the owner to look at it."""
    seconds: float | None
    """Time that they took; None if unknown."""


@dataclass(frozen=True, slots=True)
class RatedUnit:
    """An output, a pair or a set that somebody has rated."""

    id: str
    """Unique in the study."""
    kind: str
    """What it was for: `normal`, `anchor`, `gold`, `repeat` and so on."""
    item: str
    """Key of the prompt; empty where it is none of the task's."""
    prompt: str
    """What the model was given."""
    references: tuple[str, ...]
    """Right answers."""
    outputs: tuple[str, ...]
    """The texts."""
    checkpoints: tuple[str, ...]
    """Who wrote them; empty where no checkpoint did."""
    replies: list[Reply] = field(default_factory=list)
    """What raters said, oldest first."""


@dataclass(frozen=True, slots=True)
class RatedCampaign:
    """All that was rated in a campaign."""

    name: str
    """Name of the campaign."""
    instructions: str
    """What the model was to do; may be empty."""
    questions: tuple[Question, ...]
    """What was asked."""
    units: tuple[RatedUnit, ...]
    """What was rated, by number."""
    most_outputs: int
    """Texts of the largest unit."""


def rated_campaigns(study: StudyFile) -> list[RatedCampaign]:
    """Every campaign with ratings that count or did count, imported ones, too.

    Answers that were replaced, taken back or skipped are left out.

    Raises:
        StudyError: a campaign was made by another version of Tandem.
    """
    found: list[RatedCampaign] = []
    for number, name, scheme in study.db.conn.execute(
        # Files are named after them, and all imported ones have the same name.
        "SELECT id, iif(scheme = 'imported', task || '-imported-' || id, name), scheme "
        "FROM campaigns ORDER BY id"
    ).fetchall():
        units = _units(study, number)
        if not units:
            continue
        most = max(len(unit.outputs) for unit in units)
        if scheme == "imported":
            names = {
                name for unit in units for one in unit.replies for name in one.answers
            }
            asked = tuple(Question(name, name, "number") for name in sorted(names))
            found.append(RatedCampaign(name, "", asked, tuple(units), most))
        else:
            campaign = find_campaign(study, number)
            asked = tuple(
                question
                for control in campaign.scheme.controls
                for question in _questions(control, most)
            )
            found.append(
                RatedCampaign(name, campaign.instructions, asked, tuple(units), most)
            )
    return found


def _questions(control: Control, outputs: int) -> list[Question]:
    name, title = control.name, control.question
    values = tuple(option.value for option in control.options)
    if control.kind == "slider":
        return [Question(name, title, "number", values=(0, 100))]
    if control.kind == "spans":
        return [Question(name, title, "spans", values=values)]
    if control.kind == "ranking":
        ranks = tuple(range(1, outputs + 1))
        return [
            Question(_ranked(name, place), title, "rating", place + 1, ranks)
            for place in range(outputs)
        ]
    form: Literal["choice", "rating"] = "choice" if values == CHOICES else "rating"
    return [Question(name, title, form, values=values)]


def _ranked(criterion: str, place: int) -> str:
    return f"{criterion}_{place + 1}"


def _units(study: StudyFile, campaign: int) -> list[RatedUnit]:
    by_assignment: dict[int, list[dict[str, Json]]] = {}
    for row in study.each(
        "SELECT current_ratings.*, assignments.places, campaigns.scheme "
        "FROM current_ratings "
        "JOIN assignments ON assignments.id = current_ratings.assignment "
        "JOIN campaigns ON campaigns.id = current_ratings.campaign "
        "WHERE current_ratings.campaign = ? ORDER BY current_ratings.id",
        [campaign],
    ):
        by_assignment.setdefault(row["assignment"], []).append(row)
    found: dict[str, RatedUnit] = {}
    for rows in by_assignment.values():
        first = rows[0]
        key = f"{first['unit'] or first['output']}"
        # The same rater's second answer is a thing of its own elsewhere.
        key += "-repeat" * (first["kind"] == "repeat")
        if key not in found:
            found[key] = _unit(study, key, first)
        found[key].replies.append(_reply(rows))
    return list(found.values())


def _unit(study: StudyFile, key: str, row: Mapping[str, Json]) -> RatedUnit:
    [content] = study.column(
        "SELECT content FROM units WHERE id = ?", [row["unit"]]
    ) or [None]
    if content is not None:
        own = json.loads(content)
        texts = own["prompt"], tuple(own["references"]), tuple(own["outputs"])
        return RatedUnit(key, row["kind"], "", *texts, ())
    if row["unit"] is None:
        shown = study.rows(f"{ABOUT_UNIT} WHERE outputs.id = ?", [row["output"]])
    else:
        shown = study.rows(
            f"{ABOUT_UNIT} JOIN unit_outputs ON output = outputs.id "
            "WHERE unit = ? ORDER BY place",
            [row["unit"]],
        )
    return RatedUnit(
        id=key,
        kind=row["kind"],
        item=shown[0]["key"],
        prompt=shown[0]["prompt"],
        references=tuple(json.loads(shown[0]["refs"])),
        outputs=tuple(one["text"] for one in shown),
        checkpoints=tuple(one["checkpoint"] for one in shown),
    )


def _reply(rows: Sequence[Mapping[str, Json]]) -> Reply:
    first = rows[0]
    simulated = " (simulated)" * (first["rater_kind"] == "simulated")
    return Reply(
        rater=first["rater_name"] + simulated,
        answers=dict(map(_answer, rows)),
        comment=first["comment"] or "",
        flagged=bool(first["flagged"]),
        seconds=first["seconds"],
    )


def _answer(row: Mapping[str, Json]) -> tuple[str, Json]:
    name = row["criterion"]
    if row["spans"] is not None:
        return name, json.loads(row["spans"])
    if row["choice"] is not None:
        order = json.loads(row["places"])
        sides = {CHOICES[at]: CHOICES[place] for at, place in enumerate(order)}
        return name, sides.get(row["choice"], row["choice"])
    value = row["value"]
    number = int(value) if value == int(value) else value
    ranking = row["scheme"] == "ranking"
    return _ranked(name, row["place"]) if ranking else name, number
