"""The training round: examples to begin with, and what is said of answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.feedback import Feedback, FeedbackLine
from harness.gold import Known, as_shown, is_right

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.campaign import Campaign
    from harness.schemes import Control
    from harness.study import StudyFile
    from harness.types import Json

EXAMPLE = """
    SELECT units.round, units.content, assignments.places
    FROM assignments JOIN units ON units.id = assignments.unit
    WHERE assignments.token = ? AND assignments.campaign = ?
        AND assignments.kind = 'example'
"""


def place_in_training(
    study: StudyFile, campaign: Campaign, token: str
) -> tuple[int, int] | None:
    """Which of how many examples an assignment is, from 1; None if it is none."""
    if not campaign.examples:
        return None
    rows = study.rows(EXAMPLE, [token, campaign.id])
    return (rows[0]["round"] + 1, len(campaign.examples)) if rows else None


def feedback_on(
    study: StudyFile, campaign: Campaign, token: str, given: Mapping[str, Json]
) -> Feedback | None:
    """What to say of an answer to an example; None if it was to something else.

    Args:
        study: where the assignment is.
        campaign: one whose assignment it may be.
        token: the assignment's.
        given: control name to answer, as the campaign's scheme has taken it.
    """
    if not campaign.examples:
        return None
    rows = study.rows(EXAMPLE, [token, campaign.id])
    if not rows:
        return None
    known = Known.from_json(json.loads(rows[0]["content"]))
    places = json.loads(rows[0]["places"])
    scheme = campaign.plan.scheme
    lines = []
    for control in campaign.scheme.controls:
        if control.name not in known.expected:
            continue
        expected = as_shown(scheme, known.expected[control.name], places)
        answer = given[control.name]
        lines.append(
            FeedbackLine(
                question=control.question,
                given=_in_words(scheme, control, [answer]),
                expected=_expected(scheme, control, expected),
                right=is_right(scheme, expected, answer),
            )
        )
    right = all(line.right for line in lines)
    return Feedback(right, tuple(lines), known.feedback)


def _expected(scheme: str, control: Control, expected: Sequence[Json]) -> str:
    if scheme == "ranking":
        return _in_words(scheme, control, [list(expected)])
    if scheme == "pairwise":
        return _in_words(scheme, control, expected)
    low, high = expected
    if low == high:
        return _in_words(scheme, control, [low])
    return f"{low:g} to {high:g}"


def _in_words(scheme: str, control: Control, answers: Sequence[Json]) -> str:
    """Answers as the page names them."""
    if scheme == "ranking":
        return ", ".join(str(rank) for rank in answers[0])
    if scheme == "pairwise":
        labels = {option.value: option.label for option in control.options}
        return " or ".join(labels[answer] for answer in answers)
    [answer] = answers
    label = {option.value: option.label for option in control.options}.get(answer)
    return f"{answer:g} ({label})" if label else f"{answer:g}"
