"""Adjudication: the owner's verdict where raters disagree most.

Verdicts are kept apart from the ratings, in a table of their own to which rows are
only ever added. Who wrote what is hidden until the verdict is stored.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.data import whole_text
from harness.errors import InputError
from harness.given import Given, answers_to_units
from harness.identity import content_hash
from harness.overview import labels_of
from harness.rate import MOST_COMMENT_LETTERS
from harness.schemes import Judgement
from harness.study.file import now as stamp
from harness.units import outputs_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.campaign import Campaign
    from harness.schemes import Control
    from harness.study import StudyFile
    from harness.types import Json

OTHER_SIDE = {"first": "second", "second": "first"}
NEWEST = """
    SELECT * FROM adjudications WHERE unit = ? AND NOT EXISTS (
        SELECT 1 FROM adjudications AS newer
        WHERE newer.supersedes = adjudications.id
    ) ORDER BY id
"""
COMMENTS = """
    SELECT DISTINCT current_ratings.assignment, current_ratings.comment
    FROM current_ratings
    WHERE unit = ? AND kind = 'normal' AND comment IS NOT NULL
    ORDER BY current_ratings.assignment
"""


@dataclass(frozen=True, slots=True)
class Dispute:
    """A unit that its raters judge differently."""

    unit: int
    """Number of the unit."""
    disagreement: float
    """Above 0, at most 1: the spread of the ratings over the whole scale, or the share
    of choices that differ from the most frequent one; of the worst question."""
    raters: int
    """How many raters judged it, 2 or more."""
    decided: bool
    """Whether there is a verdict."""


@dataclass(frozen=True, slots=True)
class Case:
    """A dispute as the owner sees it before the verdict: blind, like a rater."""

    unit: int
    """Number of the unit."""
    prompt: str
    """What the model was given."""
    references: tuple[str, ...]
    """Right answers; the owner may see them also where raters do not."""
    outputs: tuple[str, ...]
    """What is judged, in an order that tells nothing of who wrote it."""
    controls: tuple[Control, ...]
    """The questions; spans are not marked again."""
    answers: tuple[Mapping[str, Json], ...]
    """Each rater's answers by criterion, by the order of `outputs`."""
    comments: tuple[str, ...]
    """What raters wrote about it."""
    verdict: Mapping[str, Json]
    """What was decided before; empty if nothing was."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the owner decided, with who wrote what."""

    unit: int
    """Number of the unit."""
    prompt: str
    """What the model was given."""
    checkpoints: tuple[str, ...]
    """Who wrote the outputs, in the order in which the owner saw them."""
    outputs: tuple[str, ...]
    """The outputs, in the same order."""
    values: Mapping[str, Json]
    """Criterion to what was decided, by the same order."""
    comment: str
    """Why; may be empty."""
    created: str
    """When: UTC, ISO 8601."""


def disputes(study: StudyFile, campaign: Campaign) -> list[Dispute]:
    """The units on which raters disagree, worst first, those without verdict ahead."""
    decided = set(study.column("SELECT DISTINCT unit FROM adjudications"))
    sizes = study.mapping(
        "SELECT unit, count(*) FROM unit_outputs JOIN units ON units.id = unit "
        "WHERE campaign = ? GROUP BY unit",
        [campaign.id],
    )
    by_unit: dict[int, list[Given]] = {}
    for given in answers_to_units(study, campaign):
        by_unit.setdefault(given.unit, []).append(given)
    found = [
        Dispute(
            unit,
            _disagreement(answers, _width(campaign, sizes[unit])),
            len({one.rater for one in answers}),
            unit in decided,
        )
        for unit, answers in by_unit.items()
    ]
    return sorted(
        (one for one in found if one.disagreement > 0),
        key=lambda one: (one.decided, -one.disagreement, one.unit),
    )


def _width(campaign: Campaign, outputs: int) -> float:
    """Difference between the highest and the lowest answer that a scheme offers."""
    widths = {"likert": campaign.plan.points - 1, "ranking": outputs - 1}
    return widths.get(campaign.plan.scheme, 100)


def _disagreement(answers: Iterable[Given], width: float) -> float:
    questions: dict[tuple[str, int], list[Given]] = {}
    for one in answers:
        questions.setdefault((one.criterion, one.place), []).append(one)
    return max(_spread(given, width) for given in questions.values())


def _spread(given: Sequence[Given], width: float) -> float:
    choices = Counter(one.choice for one in given if one.choice is not None)
    if choices:
        return 1 - max(choices.values()) / choices.total()
    values = [one.value for one in given if one.value is not None]
    return (max(values) - min(values)) / width


def case_of(study: StudyFile, campaign: Campaign, unit: int) -> Case:
    """A dispute as the owner is to judge it.

    Raises:
        InputError: the campaign has no such unit that counts.
    """
    prompt, references, texts = _contents(study, campaign, unit)
    order = _order(unit, len(texts))
    by_rater: dict[int, list[Given]] = {}
    for given in answers_to_units(study, campaign, unit):
        by_rater.setdefault(given.rater, []).append(given)
    # The order of numbers would tell who is who after a few cases.
    raters = sorted(by_rater, key=lambda rater: content_hash(unit, rater))
    return Case(
        unit=unit,
        prompt=prompt,
        references=tuple(references),
        outputs=tuple(texts[place] for place in order),
        controls=_controls(campaign),
        answers=tuple(_values(campaign, by_rater[rater], order) for rater in raters),
        comments=tuple(row["comment"] for row in study.rows(COMMENTS, [unit])),
        verdict=_decided(study, campaign, unit, order),
    )


def decide(
    study: StudyFile,
    campaign: Campaign,
    unit: int,
    values: Mapping[str, Json],
    comment: str = "",
) -> Verdict:
    """Store a verdict, which replaces an earlier one; what it was about.

    Args:
        study: where it is stored.
        campaign: whose unit it is.
        unit: number of the unit.
        values: criterion to answer, by the order of the case's outputs.
        comment: why; may be empty.

    Raises:
        InputError: an answer is missing or malformed, the comment is too long, or the
            campaign has no such unit that counts.
    """
    comment = whole_text(comment.strip())
    if len(comment) > MOST_COMMENT_LETTERS:
        raise InputError(
            f"The comment has {len(comment)} letters; {MOST_COMMENT_LETTERS} are the "
            "most that can be stored."
        )
    with study.transaction():
        _, _, texts = _contents(study, campaign, unit)
        order, outputs = _order(unit, len(texts)), outputs_of(study, unit)
        shown = [texts[place] for place in order]
        before = {
            (row["criterion"], row["place"]): row["id"]
            for row in study.rows(NEWEST, [unit])
        }
        rows = []
        for judged in campaign.scheme.judgements(values, shown):
            if judged.spans is not None:
                continue
            place = None if judged.position is None else order[judged.position]
            rows.append(
                {
                    "unit": unit,
                    "place": place,
                    "output": None if place is None else outputs[place],
                    "criterion": judged.criterion,
                    "value": judged.value,
                    "choice": _turned(judged.choice, order),
                    "comment": comment or None,
                    "supersedes": before.get((judged.criterion, place)),
                    "created": stamp(),
                }
            )
        study.insert("adjudications", rows)
        return _verdict(study, campaign, unit)


def verdicts(study: StudyFile, campaign: Campaign) -> list[Verdict]:
    """What the owner decided in a campaign, newest first."""
    units = study.column(
        "SELECT unit FROM adjudications JOIN units ON units.id = unit "
        "WHERE campaign = ? GROUP BY unit ORDER BY max(adjudications.id) DESC",
        [campaign.id],
    )
    return [_verdict(study, campaign, unit) for unit in units]


def _verdict(study: StudyFile, campaign: Campaign, unit: int) -> Verdict:
    rows = study.rows(NEWEST, [unit])
    labels = labels_of(study, campaign.task)
    found = study.rows(
        "SELECT items.prompt, outputs.text, outputs.checkpoint FROM unit_outputs "
        "JOIN outputs ON outputs.id = unit_outputs.output "
        "JOIN items ON items.id = outputs.item WHERE unit = ? ORDER BY place",
        [unit],
    )
    order = _order(unit, len(found))
    return Verdict(
        unit=unit,
        prompt=found[0]["prompt"],
        checkpoints=tuple(labels.get(found[at]["checkpoint"], "?") for at in order),
        outputs=tuple(found[at]["text"] for at in order),
        values=_decided(study, campaign, unit, order),
        comment=rows[-1]["comment"] or "",
        created=rows[-1]["created"],
    )


def _contents(
    study: StudyFile, campaign: Campaign, unit: int
) -> tuple[str, list[str], list[str]]:
    """Prompt, references and outputs by their places."""
    rows = study.rows(
        "SELECT items.prompt, items.refs, outputs.text FROM unit_outputs "
        "JOIN units ON units.id = unit AND units.kind = 'normal' "
        "JOIN outputs ON outputs.id = unit_outputs.output "
        "JOIN items ON items.id = outputs.item "
        "WHERE unit = ? AND units.campaign = ? ORDER BY place",
        [unit, campaign.id],
    )
    if not rows:
        raise InputError("There is no such case any more. Load the page again.")
    texts = [row["text"] for row in rows]
    return rows[0]["prompt"], json.loads(rows[0]["refs"]), texts


def _order(unit: int, outputs: int) -> list[int]:
    """Places in the order in which the owner sees them, the same every time."""
    return sorted(range(outputs), key=lambda place: content_hash("case", unit, place))


def _controls(campaign: Campaign) -> tuple[Control, ...]:
    return tuple(c for c in campaign.scheme.controls if c.kind != "spans")


def _turned(choice: str | None, order: Sequence[int]) -> str | None:
    """A choice between sides as one between places, or the other way round."""
    if choice is None or order[0] == 0:
        return choice
    return OTHER_SIDE.get(choice, choice)


def _values(
    campaign: Campaign, given: Iterable[Given], order: Sequence[int]
) -> dict[str, Json]:
    return campaign.scheme.values(
        Judgement(
            one.criterion,
            position=order.index(one.place),
            value=one.value,
            choice=_turned(one.choice, order),
        )
        for one in given
    )


def _decided(
    study: StudyFile, campaign: Campaign, unit: int, order: Sequence[int]
) -> dict[str, Json]:
    given = [
        Given(
            unit=unit,
            place=row["place"] or 0,
            criterion=row["criterion"],
            rater=0,
            value=row["value"],
            choice=row["choice"],
        )
        for row in study.rows(NEWEST, [unit])
    ]
    return _values(campaign, given, order)
