"""A standardised copy of training data, and a log of what was changed.

What changes: bytes that are not UTF-8, or were misread before; Unicode to NFC; control
characters and signs without width, which go; line ends, other spaces, and blanks before
a line end. Rows that cannot be read, have an empty prompt or answer, or repeat an
earlier row go. How texts begin and end stays, since separators and the space before
completions live there. Cleaning a clean file changes nothing.
"""

from __future__ import annotations

import json
import re
import unicodedata
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from harness.data import whole_text
from harness.diagnosis.data.rows import read, sniff
from harness.diagnosis.data.shapes import sample
from harness.diagnosis.data.text import CONTROL, HIDDEN, MOJIBAKE
from harness.errors import UsageError
from harness.progress import silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.diagnosis.data.rows import Raw
    from harness.diagnosis.data.shapes import Columns, Sample
    from harness.progress import Progress
    from harness.types import Json

LINE_END = re.compile(r"\r\n?|[\u2028\u2029\x85]")
SPACE = re.compile(r"[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
BLANKS = re.compile(r"(?<![ \t])[ \t]+(?=\n)")
"""From where blanks begin: a million of them would else be tried from each one."""
TOLD = 10_000
"""Rows after which progress is told."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What cleaning came to."""

    rows: int
    """In the copy."""
    changed: int
    """Of these, rows that are not as they were."""
    dropped: int
    """Rows that are not in it."""
    log: Path
    """JSONL: `line`, `row` (in the copy, null if dropped) and `changes`."""


def clean(
    source: Path,
    out: Path,
    columns: Columns | None = None,
    progress: Progress = silent,
) -> Cleaned:
    """Write a standardised copy as JSONL, and beside it OUT.log.jsonl.

    Args:
        source: training data in any form that is checked.
        out: the copy; never the source.
        columns: names of the columns with prompt and answer, where they are not usual.
        progress: told of rows read.

    Raises:
        InputError: the source cannot be read.
        UsageError: the copy is the source, or cannot be written.
    """
    sniffed = sniff(source)
    log = out.with_name(f"{out.name}.log.jsonl")
    seen: set[int] = set()
    number = changed = dropped = 0
    with ExitStack() as files:
        copy, notes = (files.enter_context(written(f, source)) for f in (out, log))
        for done, raw in enumerate(read(source, sniffed), start=1):
            values, changes = _standard(raw)
            one = sample(raw if values is None else _with(raw, values), columns)
            reason = _superfluous(one, seen)
            if reason:
                dropped += 1
                _line(notes, {"line": raw.line, "row": None, "changes": [reason]})
                continue
            seen.add(one.key)
            number += 1
            _line(copy, values)
            if changes:
                changed += 1
                _line(notes, {"line": raw.line, "row": number, "changes": changes})
            if done % TOLD == 0:
                progress("clean rows", done, done)
    return Cleaned(number, changed, dropped, log)


def refuse_inputs(out: Path, *inputs: Path) -> None:
    """Raise `UsageError` if the file to write is one of those that are read."""
    if any(out.exists() and one.exists() and out.samefile(one) for one in inputs):
        raise UsageError(f"{out} is the input itself; name another file to write.")


@contextmanager
def written(out: Path, *inputs: Path) -> Iterator[IO[str]]:
    """A text file that replaces `out` once all is written.

    Raises:
        UsageError: it is one of the inputs, or cannot be written.
    """
    refuse_inputs(out, *inputs)
    part = out.with_name(f".{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        part.replace(out)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _line(file: IO[str], values: Json) -> None:
    file.write(json.dumps(values, ensure_ascii=False, default=str) + "\n")


def _with(raw: Raw, values: Mapping[str, Json]) -> Raw:
    return type(raw)(raw.line, values, raw.problem)


def _superfluous(one: Sample, seen: set[int]) -> str:
    """Why the row is left out; empty where it is not."""
    if one.shape == "unknown":
        return f"dropped: {one.problem}"
    if not one.plain_answer:
        return "dropped: the answer is empty"
    if not one.plain_prompt and one.shape != "text":
        return "dropped: the prompt is empty"
    return "dropped: it repeats an earlier row" if one.key in seen else ""


def _standard(raw: Raw) -> tuple[Mapping[str, Json] | None, Sequence[str]]:
    """The row's values in standard form, and what was changed."""
    if raw.values is None:
        return None, ()
    changes: dict[str, None] = {}
    if raw.problem.startswith("not UTF"):
        changes["encoding"] = None
    return {key: _value(value, changes) for key, value in raw.values.items()}, list(
        changes
    )


def _value(value: Json, changes: dict[str, None]) -> Json:
    if isinstance(value, str):
        return _text(value, changes)
    if isinstance(value, dict):
        return {key: _value(inner, changes) for key, inner in value.items()}
    if isinstance(value, list):
        return [_value(inner, changes) for inner in value]
    return value


def _text(text: str, changes: dict[str, None]) -> str:
    # Each step can bring up what another one mends, as a misread control character.
    for _ in range(len(text) + 1):
        before = text
        for name, step in STEPS:
            after = step(text)
            if after != text:
                changes[name] = None
                text = after
        if text == before:
            break
    return text


def _reread(text: str) -> str:
    """UTF-8 that was read as Latin-1 or cp1252, read as what it is."""
    if text.isascii() or not MOJIBAKE.search(text):
        return text
    for wrong in ("cp1252", "latin-1"):
        try:
            return text.encode(wrong).decode()
        except UnicodeError:
            continue
    return text


STEPS = (
    ("halves of surrogate pairs", whole_text),
    ("misread encoding", _reread),
    ("Unicode form", lambda text: unicodedata.normalize("NFC", text)),
    ("line ends", lambda text: LINE_END.sub("\n", text)),
    ("control characters", lambda text: CONTROL.sub("", text)),
    ("hidden signs", lambda text: HIDDEN.sub("", text)),
    ("white space", lambda text: BLANKS.sub("", SPACE.sub(" ", text))),
)
"""In this order; each leaves alone what it has mended."""
