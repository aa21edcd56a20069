"""The command that looks at training data before training: check-data."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import AsJson
from harness.terminal import progress_bars, tell

FAILED = 1
"""Exit code where a check is a failure."""


class FindingsFormat(StrEnum):
    """Forms of findings; those of `harness.diagnosis.data.writing`."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "md"


def check_data(  # noqa: PLR0913 - one argument an option
    file: Annotated[
        Path,
        typer.Argument(help="Training data: JSONL, JSON, CSV, TSV, Parquet or text."),
    ],
    *,
    held_out: Annotated[
        str | None,
        typer.Option(metavar="FILE|TASK", help="What the model will be tested on."),
    ] = None,
    tokenizer: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the model, or its tokenizer.json. [default: lengths are "
            "estimated from characters]"
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Most tokens of an example that training reads."),
    ] = None,
    columns: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="PROMPT ANSWER", help="Columns, where their names are not usual."
        ),
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        FindingsFormat, typer.Option(help="Form of the findings.")
    ] = FindingsFormat.TEXT,
    json: AsJson = False,
    clean: Annotated[
        Path | None,
        typer.Option(
            help="Write a standardised copy as JSONL, and what was changed to "
            "CLEAN.log.jsonl."
        ),
    ] = None,
    difficulty: Annotated[
        Path | None, typer.Option(help="Write how hard each example is, as JSONL.")
    ] = None,
    ordered: Annotated[
        Path | None, typer.Option(help="Write the examples, the easiest first.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Base model whose loss is a part of the difficulty; a folder is also "
            "the tokenizer."
        ),
    ] = None,
) -> None:
    """Look for what keeps a model from learning in its training data.

    Exits with 1 if a check is a failure, with 2 if the data cannot be read.

    Example: harness check-data train.jsonl --held-out test.jsonl --limit 1024
    """
    from harness.check_data import Wanted
    from harness.check_data import check_data as check
    from harness.diagnosis.data.writing import failed, render

    with progress_bars() as progress:
        checked = check(
            file,
            held_out,
            tokenizer=tokenizer,
            limit=limit,
            columns=columns,
            wanted=Wanted(clean, difficulty, ordered, model),
            progress=progress,
        )
    form = FindingsFormat.JSON if json else format
    typer.echo(render(str(file), checked.findings, form.value), nl=False)
    if checked.cleaned is not None:
        done = checked.cleaned
        tell(
            f"wrote {clean}: {done.rows:,} rows, {done.changed:,} of them changed, "
            f"{done.dropped:,} dropped; see {done.log}"
        )
    for out in (difficulty, ordered):
        if out is not None:
            tell(f"wrote {out}")
    if failed(checked.findings):
        raise typer.Exit(FAILED)
