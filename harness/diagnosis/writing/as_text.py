"""A diagnosis for a terminal, at most 100 columns wide."""

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
from harness.reporting.formats import on_one_line, printed, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from harness.diagnosis.model import Cause, Check, Diagnosis

WIDTH = 100
LETTERS = 200
"""Letters shown of an example."""


def text(diagnosis: Diagnosis) -> str:
    """The diagnosis as plain text; rows cannot send the terminal commands."""
    return printed(_parts(diagnosis), width=WIDTH)


def _parts(diagnosis: Diagnosis) -> Iterator[RenderableType]:
    yield f"{headline(diagnosis)}\n"
    for number, cause in enumerate(diagnosis.causes, start=1):
        yield from _cause(diagnosis, cause, number)
    if diagnosis.causes:
        yield f"{RANKED}\n"
    if diagnosis.checks:
        yield "Checks"
        yield _checks(diagnosis)
        yield ""
    if diagnosis.not_checked:
        yield "Not checked"
        for missing in diagnosis.not_checked:
            yield _indented(f"{on_one_line(missing.name)}: {_brief(missing.reason)}")


def _cause(diagnosis: Diagnosis, cause: Cause, number: int) -> Iterator[RenderableType]:
    yield f"{number}. {cause.cause} ({cause.confidence:.0%}): {means(cause)}"
    for told in evidence_of(diagnosis, cause):
        yield _indented(f"{told.check.area}: {_brief(told.check.says)}")
        for example in told.examples:
            shown = f"{on_one_line(example.where)}: {_brief(example.text)}"
            yield _indented(shown, by=5)
    if said := symptom(diagnosis, cause):
        yield _indented(said)
    yield _indented(f"Not it if: {cause.refute}")
    yield _indented(f"Next: {cause.next}")
    yield ""


def _checks(diagnosis: Diagnosis) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    for fold in ("mark", "name", "value", "says"):
        table.add_column(fold, overflow="fold", no_wrap=fold in {"mark", "value"})
    for check in by_status(diagnosis):
        table.add_row(*map(Text, _row(check)))
    return table


def _row(check: Check) -> tuple[str, str, str, str]:
    said = on_one_line(check.says)
    return MARKS[check.status], on_one_line(check.name), value(check), said


def _indented(line: str, by: int = 3) -> RenderableType:
    from rich.padding import Padding
    from rich.text import Text

    return Padding(Text(line), (0, 0, 0, by))


def _brief(untrusted: str) -> str:
    return shortened(on_one_line(untrusted), LETTERS)
