"""The command that says why a fine-tune is not learning: diagnose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import AsJson, PageFormat
from harness.terminal import open_study, progress_bars, write_text


def diagnose(  # noqa: PLR0913 - one argument an option
    run_dir: Annotated[
        Path | None,
        typer.Argument(
            help="Folder of the training run; its log, settings and data are found."
        ),
    ] = None,
    *,
    data: Annotated[Path | None, typer.Option(help="Training data.")] = None,
    held_out: Annotated[
        str | None,
        typer.Option(metavar="FILE|TASK", help="Held-out data, or a task's name."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The trainer's settings, or their folder.")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="Training log, or a folder of logs.")
    ] = None,
    db: Annotated[
        Path | None,
        typer.Option("--db", help="Study with outputs and ratings of the run."),
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        PageFormat, typer.Option(help="Form of the diagnosis.")
    ] = PageFormat.TEXT,
    json: AsJson = False,
    out: Annotated[
        Path | None, typer.Option(help="File to write; otherwise it is printed.")
    ] = None,
) -> None:
    """Say why a fine-tune may not be learning, from all there is of it.

    Everything is optional; what could not be checked is listed with the reason.

    Example: harness diagnose out/ --data train.jsonl --db results/mine.db
    """
    from harness.diagnose import diagnose as make
    from harness.diagnosis.writing import render_diagnosis

    study = None if db is None else open_study(db, must_exist=True)
    with progress_bars() as progress:
        found = make(
            run_dir,
            data=data,
            held_out=held_out,
            config=config,
            log=log,
            study=study,
            progress=progress,
        )
    written = render_diagnosis(found, "json" if json else format.value)
    if out is None:
        typer.echo(written, nl=False)
    else:
        write_text(out, written)
