"""All checks of training data, in one pass over it and a look back at some rows."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.data.balance import Balance
from harness.diagnosis.data.chat import Chats
from harness.diagnosis.data.conflicts import Conflicts
from harness.diagnosis.data.drawing import Drawn
from harness.diagnosis.data.drift import Drift
from harness.diagnosis.data.duplicates import Duplicates
from harness.diagnosis.data.family import Seen
from harness.diagnosis.data.formats import Formats
from harness.diagnosis.data.held_out import held_out_samples
from harness.diagnosis.data.leakage import Leakage, Nearest
from harness.diagnosis.data.length import Length, counter
from harness.diagnosis.data.mismatches import Mismatches
from harness.diagnosis.data.prepared import Prepared
from harness.diagnosis.data.quantity import Quantity
from harness.diagnosis.data.rows import Raw, read, sniff
from harness.diagnosis.data.shapes import sample
from harness.diagnosis.data.templates import Templates
from harness.diagnosis.data.text import Texts
from harness.diagnosis.model import Findings
from harness.errors import InputError
from harness.progress import silent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from harness.diagnosis.data.family import Family
    from harness.diagnosis.data.rows import Sniffed, Source
    from harness.diagnosis.data.shapes import Columns, Sample
    from harness.progress import Progress
    from harness.types import Item, Json

BATCH = 4096
"""Rows that are looked at together."""
DRAWN = 20_000
"""Different rows that checks of a sample rest on."""
SEED = 0


def check_data(
    source: str | Path | Sequence[Mapping[str, Json]],
    held_out: str | Path | Sequence[Mapping[str, Json]] | Sequence[Item] | None = None,
    *,
    tokenizer: str | Path | None = None,
    limit: int | None = None,
    columns: Columns | None = None,
    progress: Progress = silent,
) -> Findings:
    """Look at training data before, or without, training on it.

    Args:
        source: a file (JSONL, JSON, CSV, TSV, Parquet, text; also `.gz`), or rows.
        held_out: what the model is to be tested on: a file, a task, rows or items.
        tokenizer: folder of the model, or its `tokenizer.json`; None: lengths are
            estimated from characters.
        limit: most tokens of an example that training reads; None: not known.
        columns: names of the columns with prompt and answer, where they are not usual.
        progress: told of rows read.

    Returns:
        Every check with its numbers, and what could not be checked. The same data
        gives the same findings.

    Raises:
        InputError: a file that cannot be read, or that has no row that can.
        CheckpointError: there is no such tokenizer.
        NotFound: no such task.
        MissingPackage: the tokenizer needs a package that is not installed.
    """
    place = Path(source).expanduser() if isinstance(source, str) else source
    sniffed = sniff(place)
    length = Length(counter(tokenizer), limit)
    held: list[Sample] = []
    if held_out is not None:
        first = next((raw.values for raw in read(place, sniffed) if raw.values), {})
        held = held_out_samples(held_out, columns, first)
    formats = Formats(sniffed)
    families = [*_families(sniffed, held), length]
    drawn = Drawn(DRAWN)
    rows = 0
    for done, batch in _batches(place, sniffed, columns):
        formats.see(batch)
        readable = [one for one in batch if one.shape != "unknown"]
        rows += len(readable)
        drawn.see(readable)
        for family in families:
            if readable:
                family.see(readable)
        progress("rows read", done, done)
    if not rows:
        raise InputError(f"no row can be read as an example; {formats.first_problem}")
    wanted = {line for family in families for line in family.wanted()}
    known = _again(place, sniffed, columns, wanted)
    seen = Seen(sniffed, rows, drawn.rows, known, held)
    found = [family.findings(seen) for family in (formats, *families)]
    return Findings(
        tuple(check for one in found for check in one.checks),
        tuple(missing for one in found for missing in one.not_checked),
    )


def _families(sniffed: Sniffed, held_out: Sequence[Sample]) -> list[Family]:
    random = np.random.default_rng(SEED)
    duplicates = Duplicates(random)
    return [
        duplicates,
        Templates(),
        Quantity(duplicates),
        Conflicts(),
        Mismatches(random),
        Drift(random),
        Leakage(held_out),
        Balance(),
        Texts(sniffed),
        Chats(sniffed),
        Prepared(sniffed),
    ]


def similarities(
    source: str | Path | Sequence[Mapping[str, Json]],
    prompts: Sequence[str],
    *,
    columns: Columns | None = None,
) -> list[float]:
    """How similar each prompt is to the nearest one in training, 0 to 100.

    `by_bucket` then tells how scores depend on it.

    Args:
        source: training data, as `check_data` takes them.
        prompts: held-out prompts, as training rows would have them.
        columns: as `check_data` takes them.

    Raises:
        InputError: the data cannot be read.
    """
    place = Path(source).expanduser() if isinstance(source, str) else source
    rows = [{"prompt": prompt, "completion": ""} for prompt in prompts]
    nearest = Nearest([sample(Raw(n, row)) for n, row in enumerate(rows)])
    for _, batch in _batches(place, sniff(place), columns):
        nearest.see([one for one in batch if one.shape != "unknown"])
    return [float(value) for value in nearest.similarity]


def _batches(
    source: Source, sniffed: Sniffed, columns: Columns | None
) -> Iterator[tuple[int, list[Sample]]]:
    """Rows read so far, and the last of them as examples."""
    rows = read(source, sniffed)
    done = 0
    while batch := [sample(raw, columns) for raw in islice(rows, BATCH)]:
        done += len(batch)
        yield done, batch


def _again(
    source: Source, sniffed: Sniffed, columns: Columns | None, lines: Collection[int]
) -> dict[int, Sample]:
    """The examples in some lines."""
    if not lines:
        return {}
    last = max(lines)
    found: dict[int, Sample] = {}
    for raw in read(source, sniffed, lines):
        if raw.line in lines:
            found[raw.line] = sample(raw, columns)
        if raw.line >= last:
            break
    return found
