"""A diagnosis as Markdown; names, rows and outputs stay text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.diagnosis.writing.wording import (
    MARKS,
    RANKED,
    by_status,
    evidence_of,
    headline,
    means,
    symptom,
    value,
)
from harness.reporting.as_markdown import plain, tabled
from harness.reporting.formats import on_one_line, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.diagnosis.model import Cause, Diagnosis

LETTERS = 500
"""Letters shown of an example."""
HEADS = ("", "check", "value", "threshold", "what was found", "source")


def markdown(diagnosis: Diagnosis) -> str:
    """The diagnosis as GitHub-flavoured Markdown."""
    return "\n".join(_lines(diagnosis)) + "\n"


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    yield from ("# Diagnosis", "", plain(headline(diagnosis)), "")
    for number, cause in enumerate(diagnosis.causes, start=1):
        yield from _cause(diagnosis, cause, number)
    if diagnosis.causes:
        yield from (RANKED, "")
    if diagnosis.checks:
        rows = [
            (
                MARKS[one.status],
                plain(one.name),
                plain(value(one)),
                plain(one.threshold),
                plain(on_one_line(one.says)),
                plain(one.source),
            )
            for one in by_status(diagnosis)
        ]
        yield from ("## Checks", "", *tabled(HEADS, rows), "")
    if diagnosis.not_checked:
        yield from ("## Not checked", "")
        for missing in diagnosis.not_checked:
            yield f"- {plain(missing.name)}: {_brief(missing.reason)}"


def _cause(diagnosis: Diagnosis, cause: Cause, number: int) -> Iterator[str]:
    yield from (f"## {number}. `{cause.cause}` ({cause.confidence:.0%})", "")
    sentence = means(cause)
    yield from (f"{sentence[0].upper()}{sentence[1:]}. {symptom(diagnosis, cause)}", "")
    for told in evidence_of(diagnosis, cause):
        yield f"- {told.check.area}: {_brief(told.check.says)}"
        for example in told.examples:
            yield f"  - {_brief(example.where)}: {_brief(example.text)}"
    yield from ("", f"Not it if: {cause.refute}", "", f"**Next:** {cause.next}", "")


def _brief(untrusted: str) -> str:
    return plain(shortened(on_one_line(untrusted), LETTERS))
