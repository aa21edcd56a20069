"""The command that writes a study's report: report."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import (
    ESTIMANDS,
    About,
    AboutPrompts,
    AsJson,
    Db,
    Format,
    HumanJudgment,
    Resampled,
    With,
)
from harness.errors import NotFound, UsageError
from harness.terminal import open_study, progress_bars, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.diagnosis.model import Diagnosis
    from harness.reporting.combined import Asked
    from harness.reporting.model import Report
    from harness.study import StudyFile

HOLD_A_DIAGNOSIS = frozenset((Format.TEXT, Format.HTML, Format.MARKDOWN, Format.JSON))
"""Forms of a report that have room for the diagnosis of its run."""


def report(  # noqa: PLR0913 - one argument an option
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[SUITE|TASK]", help="What to report; all tasks if none is named."
        ),
    ] = None,
    *,
    db: Db = None,
    format: Annotated[Format, typer.Option(help="Form of the report.")] = Format.TEXT,  # noqa: A002 - the option's name
    json: AsJson = False,
    human: Annotated[
        HumanJudgment,
        typer.Option(
            help="Ratings as given, as z-scores of each rater, or less each rater's "
            "severity."
        ),
    ] = HumanJudgment.RAW,
    out: Annotated[
        Path | None, typer.Option(help="File to write; otherwise it is printed.")
    ] = None,
    over: Annotated[
        Resampled,
        typer.Option(
            help="What intervals of agreement resample; both (items and checkpoints) "
            "needs eight checkpoints and takes longer."
        ),
    ] = Resampled.ITEMS,
    metric: With = None,
    estimand: AboutPrompts = About.LIKE_THESE,
    diagnosis: Annotated[
        bool,
        typer.Option(
            "--diagnosis", help="Add why it may not be learning, by the study."
        ),
    ] = False,
    run_dir: Annotated[
        Path | None,
        typer.Option(help="The same, also by the folder of the training run."),
    ] = None,
) -> None:
    """Say which checkpoint is better, and how far metrics agree with people.

    Example: harness report --db results/demo.db --format html --out report.html
    """
    study = open_study(db, name, must_exist=True)
    tasks = named_tasks(study, name)
    form = Format.JSON if json else format
    from harness.reporting.combined import Asked

    asked = Asked(ESTIMANDS[estimand], metric)
    print_report(
        study,
        tasks,
        form,
        out,
        human=human.value,
        over=over,
        asked=asked,
        diagnosed=diagnosis or run_dir is not None,
        run_dir=run_dir,
    )


def named_tasks(study: StudyFile, name: str | None) -> list[str] | None:
    """Names of the stored tasks that a suite's or task's name means; None: all.

    Raises:
        NotFound: no suite, task file or stored task has that name.
    """
    from harness.study.items import stored_tasks
    from harness.task import load_tasks

    stored = stored_tasks(study)
    if name is None or name in stored:
        return None if name is None else [name]
    try:
        return [task.name for task in load_tasks(name)]
    except NotFound:
        raise NotFound("task", name, stored) from None


def print_report(  # noqa: PLR0913 - as the report's options
    study: StudyFile,
    tasks: Sequence[str] | None,
    form: Format,
    out: Path | None = None,
    *,
    human: str = "raw",
    over: Resampled = Resampled.ITEMS,
    asked: Asked | None = None,
    diagnosed: bool = False,
    run_dir: Path | None = None,
) -> None:
    """Make a report, and print it or write it to a file.

    Raises:
        UsageError: a diagnosis is wanted, for which the form has no room.
    """
    from harness.report import report as make
    from harness.reporting import render

    if diagnosed and form not in HOLD_A_DIAGNOSIS:
        raise UsageError(f"The form {form.value} cannot hold a diagnosis.")

    with progress_bars() as progress:
        made = make(
            study,
            None if tasks is None else list(tasks),
            human=human,
            over="both" if over is Resampled.BOTH else "items",
            asked=asked,
            progress=progress,
        )
        if diagnosed:
            from harness.diagnose import diagnose

            task = tasks[0] if tasks and len(tasks) == 1 else None
            found = diagnose(run_dir, held_out=task, study=study, progress=progress)
            text = _with_diagnosis(made, found, form)
        else:
            text = render(made, form.value)
    if out is None:
        typer.echo(text)
        return
    write_text(out, text)


def _with_diagnosis(report: Report, diagnosis: Diagnosis, form: Format) -> str:
    """A report followed by a diagnosis."""
    from harness.diagnosis.writing import render_diagnosis
    from harness.reporting import render

    if form is Format.HTML:
        from harness.diagnosis.writing.as_html import section
        from harness.reporting.as_html import html

        return html(report, section(diagnosis))
    if form is Format.JSON:
        from harness.diagnosis.writing.as_json import diagnosis_json
        from harness.reporting.as_json import as_json

        whole = {**as_json(report), "diagnosis": diagnosis_json(diagnosis)}
        return dumps(whole, ensure_ascii=False, indent=2, allow_nan=False, default=str)
    written = render_diagnosis(diagnosis, form.value)
    return f"{render(report, form.value)}\n{written}"
