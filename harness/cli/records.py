"""Commands on records: import, export, init and list."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import (
    AsJson,
    Db,
    OutputsForm,
    RatingTool,
    TableFormat,
    TaskName,
)
from harness.errors import UsageError
from harness.terminal import open_study, print_json, print_rows, tell

if TYPE_CHECKING:
    from harness.importing import Imported
    from harness.metrics import Metric
    from harness.quality import Hits, RaterQuality
    from harness.study import StudyFile
    from harness.types import Json

importing = typer.Typer(
    no_args_is_help=True, help="Take in outputs or ratings made elsewhere."
)
listing = typer.Typer(
    no_args_is_help=True, help="Show tasks, metrics, checkpoints or raters."
)


@importing.command("outputs")
def import_outputs(  # noqa: PLR0913 - one argument an option
    file: Annotated[
        Path, typer.Argument(help="JSONL, CSV, Parquet, or a JSON log; also .gz.")
    ],
    task: TaskName,
    *,
    lower_is_better: Annotated[
        list[str],
        typer.Option(help="An imported metric for which less is better."),
    ] = [],  # noqa: B006 - typer copies it
    form: Annotated[
        OutputsForm | None,
        typer.Option("--from", help="What made the file. [default: told by itself]"),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(help="Name of the system, if the file does not say it well."),
    ] = None,
    db: Db = None,
    json: AsJson = False,
) -> None:
    """Take in outputs with the scores they carry.

    A row has item, system, output and, where there is one, prompt, references, scores.
    Samples that lm-evaluation-harness logged and Inspect logs are read as they are.

    Example: harness import outputs outputs.jsonl --task news --lower-is-better ter
    """
    from harness.importing import read_outputs, store_read

    read = read_outputs(
        file,
        task,
        lower_is_better=lower_is_better,
        form=form,
        system=system,
    )
    # Refused outputs must not leave an empty study behind.
    study = open_study(db, task)
    _print_imported(store_read(study, read), study, json=json)


@importing.command("ratings")
def import_ratings(
    file: Annotated[Path, typer.Argument(help="JSONL, CSV or Parquet; also .gz.")],
    task: TaskName,
    *,
    db: Db = None,
    json: AsJson = False,
) -> None:
    """Take in ratings; a row has item, system, rater, criterion, value.

    Example: harness import ratings ratings.jsonl --task news
    """
    from harness.importing import import_ratings as take_in

    study = open_study(db, task, must_exist=True)
    _print_imported(take_in(study, file, task), study, json=json)


def export(
    folder: Annotated[Path, typer.Argument(help="Folder to write to.")],
    *,
    db: Db = None,
    format: Annotated[  # noqa: A002 - the option's name
        TableFormat, typer.Option(help="Form of the files.")
    ] = TableFormat.CSV,
    table: Annotated[
        list[str], typer.Option(help="A table or view; all if none is named.")
    ] = [],  # noqa: B006 - typer copies it
    tool: Annotated[
        RatingTool | None,
        typer.Option("--as", help="Instead, write all ratings for this tool."),
    ] = None,
) -> None:
    """Write every table and view to files, or all ratings for another tool.

    Example: harness export tables/ --db results/demo.db --table judgements
    """
    from harness.exporting import export as write
    from harness.exporting import export_ratings

    if tool is not None and table:
        raise UsageError(
            "--as exports all ratings, whatever the table; leave --table out."
        )
    study = open_study(db, None, must_exist=True)
    if tool is not None:
        for path in export_ratings(study, folder, tool.value):
            typer.echo(path)
        return
    for path in write(study, folder, kind=format.value, names=table):
        typer.echo(path)


def init(
    data: Annotated[Path, typer.Argument(help="JSONL, CSV or Parquet.")],
    *,
    out: Annotated[
        Path | None, typer.Option(help="Task file. [default: NAME.yaml beside DATA]")
    ] = None,
) -> None:
    """Write a task file for your own data.

    Example: harness init questions.jsonl
    """
    from harness.init import init as write
    from harness.task import load_items, load_task

    path = write(data, out)
    items = load_items(load_task(path))
    typer.echo(f"{path}: a task of {len(items)} items. Read it over, then:")
    typer.echo(f"  harness run {path} --checkpoint DIR/checkpoint-*")


@listing.command("tasks")
def list_tasks(*, db: Db = None, json: AsJson = False) -> None:
    """Bundled tasks and suites, and the tasks of a study."""
    from harness.task import bundled_tasks

    rows: list[dict[str, Json]] = [
        {"task": name, "where": str(path)} for name, path in bundled_tasks().items()
    ]
    if db is not None:
        from harness.study.items import stored_tasks

        study = open_study(db, None, must_exist=True)
        rows += [{"task": name, "where": str(db)} for name in stored_tasks(study)]
    print_rows(rows, as_json=json)


@listing.command("metrics")
def list_metrics(*, json: AsJson = False) -> None:
    """All metrics, with their direction."""
    from harness.metrics import metrics

    rows: list[dict[str, Json]] = [
        {
            "metric": name,
            "better": _better(metrics[name]),
            "what": (metrics[name].__doc__ or "").strip().splitlines()[0],
        }
        for name in metrics.names()
    ]
    print_rows(rows, as_json=json)


@listing.command("checkpoints")
def list_checkpoints(*, db: Db = None, json: AsJson = False) -> None:
    """The checkpoints of a study."""
    from harness.study.checkpoints import stored_checkpoints

    study = open_study(db, None, must_exist=True)
    rows: list[dict[str, Json]] = [
        {
            "series": one.series,
            "step": one.step,
            "checkpoint": one.name,
            "backend": one.backend,
            "fingerprint": _short(one.fingerprint),
            "where": one.location or "",
        }
        for one in stored_checkpoints(study)
    ]
    print_rows(rows, as_json=json)


@listing.command("raters")
def list_raters(*, db: Db = None, json: AsJson = False) -> None:
    """How well each rater of a study rates, and whether waves have drifted apart.

    Example: harness list raters --db results/demo.db
    """
    from harness.campaign import campaigns_of
    from harness.quality import drift, rater_quality
    from harness.study.items import stored_tasks

    study = open_study(db, None, must_exist=True)
    campaigns = [
        campaign
        for task in stored_tasks(study)
        for campaign in campaigns_of(study, task)
    ]
    raters = [
        (campaign.name, one)
        for campaign in campaigns
        for one in rater_quality(study, campaign)
    ]
    drifts = [one for campaign in campaigns for one in drift(study, campaign)]
    if json:
        print_json(
            {
                "raters": [{"campaign": name, **one.as_json()} for name, one in raters],
                "drift": [one.as_json() for one in drifts],
            }
        )
        return
    print_rows(
        [{"campaign": name, **_in_brief(one)} for name, one in raters], as_json=False
    )
    for name, rater in raters:
        if rater.warnings:
            typer.echo(f"Mind {rater.rater} in {name}: {'; '.join(rater.warnings)}")
    for one in drifts:
        if one.p is not None and one.difference.value is not None:
            tell(
                f"{one.campaign}, wave {one.wave}, {one.criterion}: "
                f"{one.difference.value:+.2f} on {one.difference.n} units judged "
                f"before, p {one.p:.3f}"
            )


def _in_brief(one: RaterQuality) -> dict[str, Json]:
    def number(value: float | None, form: str = ".2f") -> str:
        return "" if value is None else format(value, form)

    def hits(of: Hits) -> str:
        return f"{of.hits}/{of.shown}" if of.shown else ""

    return {
        "rater": one.rater,
        "rated": one.rated,
        "seconds": number(one.seconds, ".1f"),
        "agreement": number(one.agreement.value),
        "severity": number(one.severity.value, "+.2f"),
        "gold": hits(one.gold),
        "same again": number(one.repeats.same),
        "damage seen": hits(one.degraded),
    }


def _short(fingerprint: str) -> str:
    digits, _, mark = fingerprint.partition("-")
    return f"{digits[:12]} ({mark})" if mark else digits[:12]


def _print_imported(done: Imported, study: StudyFile, *, json: bool) -> None:
    if json:
        print_json(asdict(done))
        return
    from harness.reporting.formats import few

    raters = f", {done.raters} raters" if done.raters else ""
    tell(
        f"{done.rows} rows for task '{done.task}': {done.items} items, "
        f"{done.checkpoints} checkpoints{raters}; stored in {study.path}"
    )
    if done.left_out:
        tell(f"Mind: samples without an output, left out: {done.left_out}")
    if done.unread:
        tell(
            f"Mind: columns that are not read: {few(done.unread)}; scores of metrics "
            "are read from 'scores', as {\"bleu\": 0.5}"
        )
    if done.outdated:
        tell(
            f"Mind: imported scores that no longer count: {done.outdated}, as their "
            "items have other references now; import them again with these"
        )


def _better(metric: type[Metric]) -> str:
    if not metric.directed:
        return "neither"
    return "higher" if metric.higher_is_better else "lower"
