"""Sentences that all renderings of a diagnosis share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.diagnosis.causes import KNOWN
from harness.diagnosis.verdict import is_root
from harness.reporting.formats import MISSING, counted, on_one_line

if TYPE_CHECKING:
    from harness.diagnosis.model import Cause, Check, Diagnosis, Example, Status

NOTHING = "Nothing wrong was found."
RANKED = (
    "Confidence ranks the causes; it is no measured probability. Of each area only the "
    "strongest check counts for a cause; areas add up."
)
MARKS: dict[Status, str] = {
    "failure": "FAIL",
    "warning": "warn",
    "notice": "note",
    "fine": "ok",
}
LARGE = 1e9
"""Whole numbers up to which all digits are written."""
WORST_FIRST: tuple[Status, ...] = ("failure", "warning", "notice", "fine")


@dataclass(frozen=True, slots=True)
class Told:
    """A check as evidence for a cause."""

    check: Check
    """The check."""
    examples: tuple[Example, ...]
    """Those to show."""


def headline(diagnosis: Diagnosis) -> str:
    """The first sentence: the likeliest cause, or that nothing was found."""
    looked = counted(len(diagnosis.checks), "check")
    if not diagnosis.checks:
        return "Nothing could be checked: name a run's folder, data, a log or a study."
    if not diagnosis.causes:
        were = "was" if len(diagnosis.checks) == 1 else "were"
        return f"{NOTHING} {looked} {were} made{_missing(diagnosis)}."
    first = diagnosis.causes[0]
    doubt = ""
    if first.alternatives:
        named = [f"{KNOWN[one].means} ({one})" for one in first.alternatives]
        doubt = f", or {' or '.join(named)}: the evidence does not tell"
    return f"Likeliest cause: {means(first)} ({first.cause}){doubt}."


def _missing(diagnosis: Diagnosis) -> str:
    missing = len(diagnosis.not_checked)
    return f", {missing:,} could not be" if missing else ""


def means(cause: Cause) -> str:
    """What the cause is, in words."""
    return KNOWN[cause.cause].means


def evidence_of(diagnosis: Diagnosis, cause: Cause) -> list[Told]:
    """The checks that speak for a cause; rows that were shown before are left out."""
    place = diagnosis.causes.index(cause)
    before = {one.name for some in diagnosis.causes[:place] for one in some.evidence}
    return [
        Told(check, () if check.name in before else check.examples)
        for check in cause.evidence
    ]


def symptom(diagnosis: Diagnosis, cause: Cause) -> str:
    """That a cause named before this one would explain it; else nothing."""
    place = diagnosis.causes.index(cause)
    for root in diagnosis.causes[:place]:
        if is_root(root.cause, cause.cause, diagnosis.checks):
            return f"It may be a mere symptom of {root.cause}."
    return ""


def by_status(diagnosis: Diagnosis) -> list[Check]:
    """All checks, the worst first, else in the order they were made."""
    return sorted(diagnosis.checks, key=lambda one: WORST_FIRST.index(one.status))


def value(check: Check) -> str:
    """What was measured, with three digits."""
    if isinstance(check.value, str):
        return on_one_line(check.value)
    if check.value is None:
        return MISSING
    whole = float(check.value).is_integer() and abs(check.value) < LARGE
    return f"{check.value:,.0f}" if whole else f"{check.value:.3g}"
