"""Rating: answers that are stored once and never lost, undo and skip."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Literal

from harness.assignments import (
    Answer,
    Assignment,
    Shown,
    assignment_of,
    find_assignment,
    has_place,
    next_assignment,
    show,
    texts_of,
)
from harness.campaign import Campaign, find_campaign
from harness.checking import checks_left, has_checks
from harness.data import whole_text
from harness.dealing import deal
from harness.drawing import count_open_units, open_units
from harness.errors import InputError, RatingRefused
from harness.schemes import Judgement
from harness.study.raters import stored_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.study import StudyFile
    from harness.study.raters import Rater
    from harness.types import Json

__all__ = [
    "Answer",
    "Outcome",
    "Progress",
    "Shown",
    "answer",
    "next_assignment",
    "progress",
    "skip",
    "undo",
]

MOST_COMMENT_LETTERS = 10_000
TIMED_ANSWERS = 20
"""Newest answers that the time for one is estimated from."""

Outcome = Literal["stored", "again", "replaced"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rater is."""

    done: int
    """Answers of this rater, without those to examples."""
    left: int
    """What this rater could still rate, checks among it; others may rate some of it."""
    seconds: tuple[float, ...] = ()
    """Times of the newest answers, for an estimate."""

    @property
    def seconds_per_item(self) -> float | None:
        """Median time of the newest answers; None before the first."""
        return median(self.seconds) if self.seconds else None

    def __add__(self, other: Progress) -> Progress:
        return Progress(
            self.done + other.done,
            self.left + other.left,
            (self.seconds + other.seconds)[-TIMED_ANSWERS:],
        )


def answer(
    study: StudyFile,
    rater: Rater,
    token: str,
    given: Answer,
    *,
    now: datetime | None = None,
) -> Outcome:
    """Store an answer, all criteria or none.

    The same answer sent again is stored once. Another answer to the same assignment
    supersedes the earlier one, which stays in the study.

    Returns:
        `stored`, `again` if the study had this answer already, or `replaced`.

    Raises:
        RatingRefused: the token is nobody's or another rater's, or its lease ended
            and others have taken its place. Nothing was changed.
        InputError: the values are not those of the campaign's scheme.
    """
    time = now or datetime.now(UTC)
    with study.transaction():
        mine = assignment_of(study, rater, token)
        campaign = find_campaign(study, mine.campaign)
        judgements = campaign.scheme.judgements(given.values, texts_of(study, mine))
        comment = _checked_comment(given.comment)
        newest = _newest(study, mine)
        if mine.state == "rated":
            if _same(newest, [_row(mine, one) for one in judgements], comment, given):
                return "again"
        elif not has_place(study, campaign, rater, mine, time):
            raise RatingRefused(
                "This one was kept for you for half an hour and has been given to "
                "others since. Your answer was not stored; here is the next one."
            )
        about = {
            "comment": comment,
            "flagged": given.flagged is True,
            "seconds": _checked(given.seconds, mine, time),
        }
        rows = [{**_row(mine, judgement), **about} for judgement in judgements]
        _append(study, mine, "rated", rows, newest, time)
    return "replaced" if mine.state == "rated" else "stored"


def skip(
    study: StudyFile,
    rater: Rater,
    token: str,
    reason: str = "",
    *,
    now: datetime | None = None,
) -> None:
    """Put an assignment aside for good; its place goes to somebody else.

    Raises:
        RatingRefused: the token is nobody's or another rater's, or it has been
            answered. Nothing was changed.
        InputError: the reason is too long.
    """
    time = now or datetime.now(UTC)
    with study.transaction():
        mine = assignment_of(study, rater, token)
        if mine.state == "skipped":
            return
        if mine.state == "rated":
            raise RatingRefused(
                "You have rated this one already, perhaps in another window. "
                "Undo that first if you want to skip it."
            )
        scheme = find_campaign(study, mine.campaign).scheme
        comment = _checked_comment(reason)
        newest = _newest(study, mine)
        position = 0 if scheme.together == 1 else None
        # Whatever was taken back is superseded whole.
        about = [_about(row) for row in newest.values()] or [
            _about(_row(mine, Judgement(control.name, position)))
            for control in scheme.controls
        ]
        rows = [{**row, "comment": comment} for row in about]
        _append(study, mine, "skipped", rows, newest, time)


def undo(
    study: StudyFile, campaign: Campaign, rater: Rater, *, now: datetime | None = None
) -> Shown | None:
    """Take back the rater's newest answer or skip, and show it again.

    The ratings stay in the study, superseded by rows that say `undone`. None if
    there is nothing to take back.

    Raises:
        RatingRefused: a skipped one that others have rated meanwhile. Nothing was
            changed.
    """
    time = now or datetime.now(UTC)
    with study.transaction():
        number = last_answered(study, [campaign], rater)
        if number is None:
            return None
        mine = find_assignment(study, "id = ?", [number])
        if mine is None:
            return None
        if mine.state == "skipped" and not has_place(
            study, campaign, rater, mine, time
        ):
            raise RatingRefused(
                "You skipped the one before, and it has been given to others since. "
                "There is nothing to undo."
            )
        newest = _newest(study, mine)
        rows = [_about(row) for row in newest.values()]
        _append(study, mine, "undone", rows, newest, time)
        return show(study, campaign, mine, time)


def last_answered(
    study: StudyFile, campaigns: Sequence[Campaign], rater: Rater
) -> int | None:
    """Number of the assignment that the rater answered or skipped last."""
    found = study.column(
        "SELECT ratings.assignment FROM ratings "
        "JOIN assignments ON assignments.id = ratings.assignment "
        "WHERE assignments.rater = ? AND assignments.state IN ('rated', 'skipped') "
        "AND assignments.campaign IN (SELECT value FROM json_each(?)) "
        "ORDER BY ratings.id DESC LIMIT 1",
        [rater.id, json.dumps([campaign.id for campaign in campaigns])],
    )
    return int(found[0]) if found else None


def progress(
    study: StudyFile, campaign: Campaign, rater: Rater, *, now: datetime | None = None
) -> Progress:
    """How far the rater is in the campaign."""
    [done] = study.column(
        "SELECT count(*) FROM assignments WHERE campaign = ? AND rater = ? "
        "AND state = 'rated' AND kind <> 'example'",
        [campaign.id, rater.id],
    )
    seconds = study.column(
        "SELECT (SELECT max(seconds) FROM ratings WHERE assignment = assignments.id) "
        "FROM assignments WHERE campaign = ? AND rater = ? AND state = 'rated' "
        "AND kind <> 'example' ORDER BY shown_at DESC LIMIT ?",
        [campaign.id, rater.id, TIMED_ANSWERS],
    )
    time = now or datetime.now(UTC)
    deal(study, campaign, time)
    if has_checks(campaign):
        units = open_units(study, campaign, rater, time)
        left = len(units) + checks_left(study, campaign, rater, units)
    else:
        left = count_open_units(study, campaign, rater, time)
    known = tuple(value for value in reversed(seconds) if value is not None)
    return Progress(done, left, known)


_Key = tuple[str, int]


def _key(row: Mapping[str, Json]) -> _Key:
    # Ratings of one output have no place where an older version stored them.
    return row["criterion"], row["place"] or 0


def _newest(study: StudyFile, mine: Assignment) -> dict[_Key, dict[str, Json]]:
    """Criterion and place to the rating that nothing supersedes."""
    rows = study.rows(
        "SELECT * FROM ratings WHERE assignment = ? AND NOT EXISTS "
        "(SELECT 1 FROM ratings AS newer WHERE newer.supersedes = ratings.id)",
        [mine.id],
    )
    return {_key(row): row for row in rows}


def _same(
    newest: Mapping[_Key, Mapping[str, Json]],
    rows: Sequence[Mapping[str, Json]],
    comment: str | None,
    given: Answer,
) -> bool:
    said = ("value", "choice", "spans")
    return {key: [row[name] for name in said] for key, row in newest.items()} == {
        _key(row): [row[name] for name in said] for row in rows
    } and {(row["comment"], bool(row["flagged"])) for row in newest.values()} == {
        (comment, given.flagged is True)
    }


def _row(mine: Assignment, judgement: Judgement) -> dict[str, Json]:
    position, spans = judgement.position, judgement.spans
    return {
        "output": mine.outputs[position]
        if position is not None and mine.outputs
        else None,
        "place": None if position is None else mine.places[position],
        "criterion": judgement.criterion,
        "value": judgement.value,
        "choice": judgement.choice,
        "spans": None
        if spans is None
        else json.dumps([asdict(span) for span in spans]),
    }


def _about(row: Mapping[str, Json]) -> dict[str, Json]:
    """What a rating is of."""
    return {name: row[name] for name in ("output", "place", "criterion")}


def _append(
    study: StudyFile,
    mine: Assignment,
    state: str,
    rows: list[dict[str, Json]],
    newest: Mapping[_Key, Mapping[str, Json]],
    now: datetime,
) -> None:
    with study.transaction() as db:
        db.conn.executemany(
            "INSERT INTO ratings (assignment, output, place, criterion, state, value, "
            "choice, spans, comment, flagged, seconds, supersedes, created) VALUES "
            "(:assignment, :output, :place, :criterion, :state, :value, :choice, "
            ":spans, :comment, :flagged, :seconds, :supersedes, :created)",
            [
                {
                    "assignment": mine.id,
                    "state": state,
                    "value": None,
                    "choice": None,
                    "spans": None,
                    "comment": None,
                    "flagged": False,
                    "seconds": None,
                    **row,
                    "supersedes": newest.get(_key(row), {}).get("id"),
                    "created": stored_time(now),
                }
                for row in rows
            ],
        )


def _checked_comment(comment: Json) -> str | None:
    if not isinstance(comment, str):
        raise InputError("A comment must be text.")
    # A page may cut an emoji in two, which no file can hold.
    comment = whole_text(comment.strip())
    if len(comment) > MOST_COMMENT_LETTERS:
        raise InputError(
            f"The comment has {len(comment)} letters; {MOST_COMMENT_LETTERS} are the "
            "most that can be stored."
        )
    return comment or None


def _checked(seconds: Json, mine: Assignment, now: datetime) -> float | None:
    """Seconds as the page measured them, if they can be true."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    # A whole number may be too great for a float.
    if not 0 <= seconds < math.inf:
        return None
    since = (now - datetime.fromisoformat(mine.shown_at)).total_seconds()
    return float(min(seconds, max(since, 0.0)))
