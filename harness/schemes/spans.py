"""Error spans: errors are marked in each output, then it gets a score.

Error span annotation (ESA) of Kocmi et al. 2024, "Error Span Annotation: A Balanced
Approach for Human Evaluation of Machine Translation".
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

from harness.errors import InputError
from harness.schemes.base import (
    Control,
    Judgement,
    Option,
    Scheme,
    Span,
    schemes,
    whole_number,
)
from harness.schemes.slider import points, slider

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.taskfile import Criterion, RatingPlan
    from harness.types import Json

ERRORS = "errors"
"""Name of the control that marks are made with; no criterion may have it."""
SEVERITIES = (Option("minor", "Minor error", "1"), Option("major", "Major error", "2"))
MOST_SPANS = 200


@schemes.register("spans")
@dataclass(frozen=True)
class Spans(Scheme):
    """Marks of minor and major errors, also of what is missing; then sliders."""

    criteria: tuple[Criterion, ...]
    """What is judged after marking, in the order in which it is asked."""

    @classmethod
    def of(cls, plan: RatingPlan) -> Self:
        """The scheme with the criteria of a task's rating plan."""
        return cls(tuple(plan.criteria))

    @property
    def controls(self) -> tuple[Control, ...]:
        """The marks, then one slider for each criterion."""
        marks = Control(
            name=ERRORS,
            kind="spans",
            question="Mark every error",
            definition="Select the words that are wrong. Mark [missing] if something "
            "is left out. Leave a text without errors as it is.",
            options=SEVERITIES,
            required=False,
        )
        return (marks, *(slider(criterion) for criterion in self.criteria))

    def judgements(
        self, values: Mapping[str, Json], texts: Sequence[str]
    ) -> list[Judgement]:
        """A row of marks, and one for each criterion; see `Scheme.judgements`."""
        (_, marks), *rest = self.given(values)
        spans = _spans([] if marks is None else marks, len(texts[0]))
        return [
            Judgement(ERRORS, position=0, spans=spans),
            *(points(control, value) for control, value in rest),
        ]

    def values(self, judgements: Iterable[Judgement]) -> dict[str, Json]:
        """The marks as the page has them, and criterion to rating."""
        found: dict[str, Json] = {}
        for judgement in judgements:
            if judgement.spans is not None:
                found[ERRORS] = [asdict(span) for span in judgement.spans]
            elif judgement.value is not None:
                found[judgement.criterion] = int(judgement.value)
        return found


def _spans(marks: Json, length: int) -> tuple[Span, ...]:
    """Marks as the page sent them, in the order of the text and without doubles.

    Raises:
        InputError: they are no marks in a text of that length.
    """
    if not isinstance(marks, list) or len(marks) > MOST_SPANS:
        raise InputError(f"'{ERRORS}' must be a list of at most {MOST_SPANS} marks.")
    found = {_span(mark, length) for mark in marks}
    return tuple(
        sorted(
            found,
            key=lambda span: (
                span.start is None,
                span.start or 0,
                span.end or 0,
                span.severity,
            ),
        )
    )


def _span(mark: Json, length: int) -> Span:
    severities = [option.value for option in SEVERITIES]
    if not isinstance(mark, dict) or mark.get("severity") not in severities:
        raise InputError(
            f"A mark must say {' or '.join(map(str, severities))}, not {mark!r:.60}."
        )
    start, end = mark.get("start"), mark.get("end")
    if start is None and end is None:
        return Span(mark["severity"])
    start = whole_number("start of a mark", start, 0, length)
    return Span(
        mark["severity"], start, whole_number("end of a mark", end, start + 1, length)
    )
