"""What raters remarked: comments, skips and flags, with what they were shown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.overview import labels_of
from harness.schemes.pairwise import CHOICES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.campaign import Campaign
    from harness.study import StudyFile
    from harness.types import Json

EXCERPT = 800
"""Letters of each text that a list shows; one remark alone is shown whole."""

REMARKS = """
    SELECT assignments.id, assignments.campaign, assignments.unit, assignments.kind,
        assignments.places, ratings.state, raters.name AS rater,
        max(ratings.id) AS newest, max(ratings.created) AS created,
        max(ratings.comment) AS comment, max(ratings.flagged) AS flagged
    FROM ratings
    JOIN assignments ON assignments.id = ratings.assignment
    JOIN raters ON raters.id = assignments.rater
    WHERE assignments.campaign IN (SELECT value FROM json_each(:campaigns))
        AND ratings.state <> 'undone'
        AND (:assignment IS NULL OR assignments.id = :assignment)
        AND NOT EXISTS (SELECT 1 FROM ratings AS newer
            WHERE newer.supersedes = ratings.id)
    GROUP BY assignments.id
    HAVING max(ratings.id) < :before AND (
        max(ratings.flagged) OR NOT :flagged_only AND (
            max(ratings.comment) IS NOT NULL OR ratings.state = 'skipped'))
    ORDER BY newest DESC LIMIT :most
"""
SAID = """
    SELECT criterion, place, value, choice, spans FROM ratings
    WHERE assignment = ? AND state = 'rated' AND NOT EXISTS (
        SELECT 1 FROM ratings AS newer WHERE newer.supersedes = ratings.id)
    ORDER BY id
"""
IN_WORDS = {option.value: option.label for option in CHOICES}
LAST = 2**62


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A text, or its beginning."""

    text: str
    """What there is of it."""
    hidden: int = 0
    """Letters that were left out at the end."""
    checkpoint: str = ""
    """Who wrote it; empty if no checkpoint did."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One answer or skip that its rater said something about."""

    assignment: int
    """Number of what the rater was shown."""
    newest: int
    """Number of its newest rating; earlier remarks have lower ones."""
    campaign: str
    """Name of the campaign."""
    rater: str
    """Name of the rater."""
    created: str
    """When it was said: UTC, ISO 8601."""
    kind: str
    """What it was shown for: `normal`, `repeat`, `gold`, ..."""
    skipped: bool
    """Whether the rater put it aside; the comment is the reason."""
    flagged: bool
    """Whether the rater asked the owner to look at it."""
    comment: str
    """What the rater wrote; may be empty."""
    answers: tuple[str, ...]
    """What the rater answered, a line for each question."""
    prompt: Excerpt
    """What the model was given."""
    outputs: tuple[Excerpt, ...]
    """What was to be judged, in the order of the rater's page."""


def remarks(
    study: StudyFile,
    campaigns: Sequence[Campaign],
    *,
    flagged_only: bool = False,
    before: int | None = None,
    most: int = 50,
) -> list[Remark]:
    """Comments, skips and flags, newest first, with the beginnings of long texts.

    Args:
        study: where they are stored.
        campaigns: whose they are.
        flagged_only: leave out what nobody flagged.
        before: only those whose `newest` is lower; None: from the newest on.
        most: how many at most.
    """
    rows = _rows(
        study,
        campaigns,
        flagged_only=flagged_only,
        before=LAST if before is None else before,
        assignment=None,
        most=most,
    )
    return [_remark(study, campaigns, row, EXCERPT) for row in rows]


def whole_remark(
    study: StudyFile, campaigns: Sequence[Campaign], assignment: int
) -> Remark | None:
    """One remark with its texts whole; None if there is none to this assignment."""
    rows = _rows(
        study,
        campaigns,
        flagged_only=False,
        before=LAST,
        assignment=assignment,
        most=1,
    )
    return _remark(study, campaigns, rows[0], None) if rows else None


def _rows(
    study: StudyFile, campaigns: Sequence[Campaign], **parameters: Json
) -> list[dict[str, Json]]:
    numbers = json.dumps([campaign.id for campaign in campaigns])
    cursor = study.db.conn.execute(REMARKS, {"campaigns": numbers, **parameters})
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _remark(
    study: StudyFile,
    campaigns: Sequence[Campaign],
    row: Mapping[str, Json],
    most: int | None,
) -> Remark:
    [campaign] = [one for one in campaigns if one.id == row["campaign"]]
    places = json.loads(row["places"])
    prompt, outputs = _shown(study, campaign, row["unit"], most)
    return Remark(
        assignment=row["id"],
        newest=row["newest"],
        campaign=campaign.name,
        rater=row["rater"],
        created=row["created"],
        kind=row["kind"],
        skipped=row["state"] == "skipped",
        flagged=bool(row["flagged"]),
        comment=row["comment"] or "",
        answers=tuple(_answers(study, row["id"], places)),
        prompt=prompt,
        outputs=tuple(outputs[place] for place in places),
    )


def _shown(
    study: StudyFile, campaign: Campaign, unit: int, most: int | None
) -> tuple[Excerpt, list[Excerpt]]:
    """Prompt and outputs of a unit, in the order of its places."""
    [content] = study.column("SELECT content FROM units WHERE id = ?", [unit])
    if content is not None:
        own = json.loads(content)
        texts = [_excerpt(text, most) for text in own["outputs"]]
        return _excerpt(own["prompt"], most), texts
    labels = labels_of(study, campaign.task)
    rows = study.rows(
        "SELECT items.prompt, outputs.text, outputs.checkpoint FROM unit_outputs "
        "JOIN outputs ON outputs.id = unit_outputs.output "
        "JOIN items ON items.id = outputs.item WHERE unit = ? ORDER BY place",
        [unit],
    )
    outputs = [
        _excerpt(row["text"], most, labels.get(row["checkpoint"], "")) for row in rows
    ]
    return _excerpt(rows[0]["prompt"], most), outputs


def _excerpt(text: str, most: int | None, checkpoint: str = "") -> Excerpt:
    if most is None or len(text) <= most:
        return Excerpt(text, checkpoint=checkpoint)
    return Excerpt(text[:most], len(text) - most, checkpoint)


def _answers(study: StudyFile, assignment: int, places: Sequence[int]) -> list[str]:
    lines = []
    for row in study.rows(SAID, [assignment]):
        chosen = IN_WORDS.get(row["choice"], "")
        said = chosen if row["value"] is None else f"{row['value']:g}"
        if row["spans"] is not None:
            said = f"{len(json.loads(row['spans']))} marked"
        of = ""
        if len(places) > 1 and row["place"] is not None:
            of = f" (output {'ABCDE'[places.index(row['place'])]})"
        lines.append(f"{row['criterion']}{of}: {said}")
    return lines
