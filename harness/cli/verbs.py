"""Commands that work on a study: run, score, rate, compare, demo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import (
    ESTIMANDS,
    About,
    AboutPrompts,
    AsJson,
    Db,
    Executor,
    ExecutorName,
    Format,
    RayAddress,
    Suite,
    TensorBoardFolder,
    Track,
    With,
    Workers,
)
from harness.cli.reporting import print_report
from harness.terminal import (
    RESULTS,
    open_study,
    print_json,
    progress_bars,
    study_path,
    tell,
)

if TYPE_CHECKING:
    from harness.backends import Usage


def run(  # noqa: PLR0913 - one argument an option
    suite: Suite,
    checkpoint: Annotated[
        list[str],
        typer.Option(
            "--checkpoint",
            "-c",
            help="[SERIES=]PATH of a checkpoint folder, a glob as "
            "'out/checkpoint-*', a hosted model as openai:MODEL@URL, all of a hosted "
            "fine-tune as openai-job:ID, or FILE.py:NAME of a backend of yours; may "
            "be given several times.",
        ),
    ],
    *,
    db: Db = None,
    rehash: Annotated[
        bool, typer.Option(help="Read checkpoints again that look unchanged.")
    ] = False,
    dtype: Annotated[
        str, typer.Option(help="auto, float32, bfloat16 or float16.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = (
        "auto"
    ),
    batch_size: Annotated[
        int | None, typer.Option(help="Texts at a time. [default: what suits]")
    ] = None,
    trust_remote_code: Annotated[
        bool, typer.Option(help="Run Python code in checkpoint folders.")
    ] = False,
    allow_pickle: Annotated[
        bool, typer.Option(help="Read pickled weights where there are no others.")
    ] = False,
    tensorboard: TensorBoardFolder = None,
    track: Track = [],  # noqa: B006 - typer copies it
    executor: ExecutorName = Executor.LOCAL,
    ray_address: RayAddress = None,
    workers: Workers = None,
    json: AsJson = False,
) -> None:
    """Generate and score every checkpoint; the same command resumes.

    Example: harness run modernize --checkpoint 'out/checkpoint-*'
    """
    from harness.backends import Loading
    from harness.executors import executor_named
    from harness.integrations.tracking import trackers_named, write_to_trackers
    from harness.run import carry_out, plan
    from harness.study.checkpoints import known_hashes
    from harness.task import load_tasks

    loading = Loading(dtype, device, batch_size, trust_remote_code, allow_pickle)
    tasks, trackers = load_tasks(suite), trackers_named(track, tensorboard)
    names = [task.name for task in tasks]
    where = executor_named(executor, ray_address, workers)
    # What is refused must not leave an empty study behind.
    new = not study_path(db, suite).is_file()
    hashes = {} if new or rehash else known_hashes(open_study(db, suite))
    with where, progress_bars() as progress:
        planned = plan(
            tasks, checkpoint, hashes=hashes, loading=loading, progress=progress
        )
        study = open_study(db, suite)
        done = carry_out(study, planned, progress, where)
    generated = sum(one.generated for one in done.generations)
    reused = sum(one.reused for one in done.generations)
    tell(
        f"{generated} outputs generated, {reused} were there already; "
        f"{done.scores} scores added to {study.path}"
    )
    _tell_usage(done.usage, "servers")
    _tell_usage(done.judging, "judges")
    for remark in done.remarks:
        tell(f"Mind: {remark}")
    for line in write_to_trackers(study, names, trackers):
        tell(line)
    print_report(study, names, Format.JSON if json else Format.TEXT)


def score(
    suite: Suite,
    *,
    db: Db = None,
    tensorboard: TensorBoardFolder = None,
    track: Track = [],  # noqa: B006 - typer copies it
    json: AsJson = False,
) -> None:
    """Score outputs that the study holds already; loads no checkpoint.

    With a tracker it tells that also what people have rated since.

    Example: harness score my_task.yaml --db results/mine.db
    """
    from harness.integrations.tracking import trackers_named, write_to_trackers
    from harness.rescore import score_stored
    from harness.task import load_tasks

    tasks, trackers = load_tasks(suite), trackers_named(track, tensorboard)
    names = [task.name for task in tasks]
    study = open_study(db, suite, must_exist=True)
    with progress_bars() as progress:
        done = score_stored(study, tasks, progress=progress, remark=tell)
    tell(f"{done.scores} scores added to {study.path}")
    _tell_usage(done.usage, "judges")
    for line in write_to_trackers(study, names, trackers):
        tell(line)
    print_report(study, names, Format.JSON if json else Format.TEXT)


def rate(  # noqa: PLR0913 - one argument an option
    suite: Suite,
    *,
    db: Db = None,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen at. 0.0.0.0 lets other machines in, and needs a "
            "password, from HARNESS_PASSWORD or a prompt."
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 7860,
    rater: Annotated[
        list[str],
        typer.Option(
            "--rater", help="Who gets a link to rate; may be given several times."
        ),
    ] = ["rater"],  # noqa: B006 - typer copies it
    public_url: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Address at which raters reach a proxy or tunnel to this page, as "
            "https://example.org/study; links begin with it.",
        ),
    ] = "",
    root_path: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Path under which the page lies, as /study. [default: that of "
            "--public-url]",
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option(help="Open the first rater's link here.")
    ] = True,
) -> None:
    """Serve the page where people rate outputs, blind, until Ctrl-C.

    Prints a private link for each rater, and one for you: a page with progress and
    results. Links stay valid, and the same command goes on where it was.

    Example: harness rate modernize --rater ann --rater ben
    """
    from harness.task import load_tasks
    from ui.serve import serve

    tasks = load_tasks(suite)
    study = open_study(db, suite, must_exist=True)
    serve(
        study.path,
        tasks,
        raters=rater,
        host=host,
        port=port,
        public_url=public_url,
        root_path=root_path,
        open_browser=browser,
        tell=typer.echo,
    )


def compare(  # noqa: PLR0913 - one argument an option
    first: Annotated[str, typer.Argument(help="Name of a checkpoint, or SERIES/NAME.")],
    second: Annotated[str, typer.Argument(help="The one to compare with it.")],
    *,
    task: Annotated[str | None, typer.Option(help="Only this task.")] = None,
    metric: With = None,
    estimand: AboutPrompts = About.LIKE_THESE,
    db: Db = None,
    json: AsJson = False,
) -> None:
    """Compare two checkpoints on the same items: second minus first.

    Example: harness compare checkpoint-0 checkpoint-240 --db results/demo.db
    """
    from harness.compare import compare as make
    from harness.reporting.combined import Asked
    from harness.reporting.comparison import comparison_json, comparison_text

    study = open_study(db, task, must_exist=True)
    asked = Asked(ESTIMANDS[estimand], metric)
    with progress_bars() as progress:
        found = make(study, first, second, task=task, asked=asked, progress=progress)
    if json:
        print_json(comparison_json(found))
    else:
        typer.echo(comparison_text(found), nl=False)


def demo(
    *,
    folder: Annotated[
        Path, typer.Option(help="Folder for the study and the training run.")
    ] = RESULTS,
    simulate_raters: Annotated[
        int, typer.Option(min=0, max=50, help="Simulated raters, marked as such.")
    ] = 0,
    serve: Annotated[
        bool, typer.Option(help="Serve the rating page at the end, at a terminal.")
    ] = True,
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 7860,
) -> None:
    """Fine-tune a small model, evaluate its checkpoints, report, and rate.

    Example: harness demo --simulate-raters 3
    """
    from harness.demo.tour import tour

    with progress_bars() as progress:
        made = tour(folder, simulated_raters=simulate_raters, progress=progress)
    print_report(made.study, None, Format.HTML, folder / "demo.html")
    print_report(made.study, None, Format.TEXT)
    if serve and sys.stdout.isatty():
        from ui.serve import serve as serve_page

        serve_page(made.study.path, made.tasks, port=port, tell=typer.echo)
        return
    tell(f"To rate its outputs: harness rate modernize --db {made.study.path}")


def _tell_usage(usage: Usage, whom: str) -> None:
    if usage.requests:
        cost = "" if usage.cost is None else f", cost {usage.cost:,.4f}"
        tell(
            f"{usage.requests:,} requests to {whom}: {usage.prompt_tokens:,} tokens "
            f"read, {usage.new_tokens:,} written{cost}"
        )
    for remark in usage.remarks:
        tell(f"Mind: {remark}")
