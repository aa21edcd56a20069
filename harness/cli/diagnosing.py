"""The command that says why a fine-tune is not learning: diagnose."""

from __future__ import annotations

from enum import StrEnum
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import AsJson
from harness.errors import UsageError
from harness.terminal import open_study, progress_bars, write_text

if TYPE_CHECKING:
    from harness.diagnosis.model import Diagnosis
    from harness.reporting.model import Report


class DiagnosisFormat(StrEnum):
    """Forms of a diagnosis; those of `harness.diagnosis.writing.FORMATS`."""

    TEXT = "text"
    HTML = "html"
    MARKDOWN = "md"
    JSON = "json"


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
        DiagnosisFormat, typer.Option(help="Form of the diagnosis.")
    ] = DiagnosisFormat.TEXT,
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


def with_diagnosis(report: Report, diagnosis: Diagnosis, form: str) -> str:
    """A report followed by the diagnosis of its run.

    Raises:
        UsageError: the form has no room for one.
    """
    from harness.diagnosis.writing import render_diagnosis
    from harness.reporting import render

    if form == "html":
        from harness.diagnosis.writing.as_html import section
        from harness.reporting.as_html import html

        return html(report, section(diagnosis))
    if form == "json":
        from harness.diagnosis.writing.as_json import diagnosis_json
        from harness.reporting.as_json import as_json

        whole = {**as_json(report), "diagnosis": diagnosis_json(diagnosis)}
        return dumps(whole, ensure_ascii=False, indent=2, allow_nan=False, default=str)
    if form in {"text", "md"}:
        return f"{render(report, form)}\n{render_diagnosis(diagnosis, form)}"
    raise UsageError(f"--run-dir adds a diagnosis, which the form {form} cannot hold.")
