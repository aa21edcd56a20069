"""Check data: what is wrong with training data, before anything is trained on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.diagnosis.data import check_data as check
from harness.errors import UsageError
from harness.progress import silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.diagnosis.data.cleaning import Cleaned
    from harness.diagnosis.data.shapes import Columns
    from harness.diagnosis.model import Findings
    from harness.progress import Progress
    from harness.types import Item


@dataclass(frozen=True, slots=True)
class Wanted:
    """Files that are written from the data; None: not wanted."""

    clean: Path | None = None
    """A standardised copy; what was changed stands in `CLEAN.log.jsonl`."""
    difficulty: Path | None = None
    """How hard each example is."""
    ordered: Path | None = None
    """A copy that begins with the easiest."""
    model: str | None = None
    """Base model whose loss counts as difficulty, as `harness run` names checkpoints;
    if it is a folder, also the tokenizer where no other is named."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, and what was written."""

    findings: Findings
    cleaned: Cleaned | None
    """None where no copy was wanted."""


def check_data(  # noqa: PLR0913 - as the command's options
    source: Path,
    held_out: str | Path | Sequence[Item] | None = None,
    *,
    tokenizer: str | Path | None = None,
    limit: int | None = None,
    columns: Columns | None = None,
    wanted: Wanted | None = None,
    progress: Progress = silent,
) -> Checked:
    """Check a file of training data, and write what is wanted from it.

    Arguments and errors are those of `harness.diagnosis.data.check_data`.

    Raises:
        UsageError: a file to write is the source or named twice, or cannot be written.
    """
    wanted = wanted or Wanted()
    _check_outs(source, wanted)
    if tokenizer is None and wanted.model and Path(wanted.model).is_dir():
        tokenizer = wanted.model
    findings = check(
        source,
        held_out,
        tokenizer=tokenizer,
        limit=limit,
        columns=columns,
        progress=progress,
    )
    cleaned = None
    if wanted.clean is not None:
        from harness.diagnosis.data.cleaning import clean

        cleaned = clean(source, wanted.clean, columns, progress)
    if wanted.difficulty is not None or wanted.ordered is not None:
        from harness.diagnosis.data.difficulty import difficulties

        hard = difficulties(
            source,
            tokenizer=tokenizer,
            model=wanted.model,
            columns=columns,
            progress=progress,
        )
        if wanted.difficulty is not None:
            hard.write(wanted.difficulty)
        if wanted.ordered is not None:
            hard.write_ordered(wanted.ordered)
    return Checked(findings, cleaned)


def _check_outs(source: Path, wanted: Wanted) -> None:
    """Refuse at once what would be refused after minutes of reading."""
    from harness.diagnosis.data.cleaning import refuse_inputs

    named = (wanted.clean, wanted.difficulty, wanted.ordered)
    outs = [out for out in named if out is not None]
    for place, out in enumerate(outs):
        refuse_inputs(out, source)
        if out in outs[:place]:
            raise UsageError(f"{out} is named for two files to write; name another.")
