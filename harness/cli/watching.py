"""The command that waits for checkpoints: watch."""

from __future__ import annotations

import signal
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.options import (
    Db,
    Executor,
    ExecutorName,
    RayAddress,
    Suite,
    TensorBoardFolder,
    Track,
    Workers,
)
from harness.errors import CheckpointError, UsageError
from harness.terminal import open_study, print_line, progress_bars, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.run import Run
    from harness.types import Estimate
    from harness.values import Value


def watch(  # noqa: PLR0913 - one argument an option
    suite: Suite,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="Folder that training writes checkpoints to."
        ),
    ],
    *,
    glob: Annotated[
        str,
        typer.Option(help="Checkpoints in DIR; '*/checkpoint-*' for several runs."),
    ] = "checkpoint-*",
    base: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Model that training begins with, evaluated first as step 0. "
            "[default: what an adapter or config.json names]",
        ),
    ] = None,
    every: Annotated[
        int, typer.Option(help="Least number of steps between two evaluations.")
    ] = 1,
    keep_best: Annotated[
        str | None,
        typer.Option(
            metavar="METRIC|CRITERION",
            help="DELETE folders of evaluated checkpoints that are not the best by it, "
            "nor the last.",
        ),
    ] = None,
    ready_marker: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="File in a checkpoint that is written last, and alone says it is "
            "whole.",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="File in DIR that alone says training is over. [default: what the "
            "trainer writes]",
        ),
    ] = None,
    settle: Annotated[
        float, typer.Option(help="Seconds without a change before one is read.")
    ] = 5.0,
    db: Db = None,
    tensorboard: TensorBoardFolder = None,
    track: Track = [],  # noqa: B006 - typer copies it
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
    executor: ExecutorName = Executor.LOCAL,
    ray_address: RayAddress = None,
    workers: Workers = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print each checkpoint as a line of JSON.")
    ] = False,
) -> None:
    """Evaluate every checkpoint of a training as it appears, until it is over.

    Step 0 comes first. Ctrl-C ends it; the same command goes on from there.

    Example: harness watch modernize out/ --base models/base --device cuda:1
    """
    from harness.arrivals import Signs
    from harness.backends import Loading
    from harness.executors import executor_named
    from harness.integrations.tracking import trackers_named, write_to_trackers
    from harness.task import load_tasks
    from harness.values import values_of
    from harness.watch import Wish, plan
    from harness.watch import watch as begin

    _end_on_terminate()
    loading = Loading(dtype, device, batch_size, trust_remote_code, allow_pickle)
    tasks, trackers = load_tasks(suite), trackers_named(track, tensorboard)
    names = [task.name for task in tasks]
    signs = Signs(settle=settle, ready=ready_marker, until=until)
    wish = Wish(folder, glob, base, every, keep_best, signs)
    where = executor_named(executor, ray_address, workers)
    planned = plan(tasks, wish, loading)
    # What is refused must not leave an empty study behind.
    study = open_study(db, suite)
    telling = partial(write_to_trackers, study, names, trackers, {})
    all_told = True
    with where, progress_bars() as progress:
        watching = begin(study, planned, executor=where, progress=progress, remark=tell)
        # Closed before the executor is, which lanes that are under way still use.
        with closing(watching.runs()) as runs:
            for done in runs:
                [checkpoint] = done.checkpoints
                _print_done(done, values_of(study, names, checkpoint), as_json=json)
                all_told = _tried(telling)
    if not all_told:
        for line in telling():
            tell(line)
    if watching.failures:
        number = len(watching.failures)
        were = "1 checkpoint was" if number == 1 else f"{number} checkpoints were"
        raise CheckpointError(f"{were} not evaluated; what is above says why.")


def _tried(telling: Callable[[], Sequence[str]]) -> bool:
    """Whether all trackers were told; one out of reach must not end the watch."""
    try:
        lines = telling()
    except UsageError as error:
        tell(str(error))
        return False
    for line in lines:
        tell(line)
    return True


def _end_on_terminate() -> None:
    """SIGTERM, as schedulers send it, ends the watch like Ctrl-C."""

    def interrupt(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def _print_done(done: Run, values: Sequence[Value], *, as_json: bool) -> None:
    [checkpoint] = done.checkpoints
    generated = sum(one.generated + one.likelihoods for one in done.generations)
    if as_json:
        print_line(
            {
                "series": checkpoint.series,
                "checkpoint": checkpoint.name,
                "step": checkpoint.step,
                "generated": sum(one.generated for one in done.generations),
                "reused": sum(one.reused for one in done.generations),
                "scores": done.scores,
                "values": {one.key: one.estimate.as_json() for one in values},
            }
        )
        return
    what = f"{checkpoint.series}/{checkpoint.name}"
    if not generated and not done.scores:
        tell(f"{what}: was evaluated already")
        return
    several = len({one.task for one in values}) > 1
    said = (
        f"{f'{one.task} ' if several else ''}{one.metric} {_number(one.estimate)}"
        for one in values
    )
    typer.echo(f"{what}: {', '.join(said)}")


def _number(found: Estimate) -> str:
    if found.value is None:
        return "–"
    if found.low is None or found.high is None:
        return f"{found.value:.4g}"
    return f"{found.value:.4g} [{found.low:.4g}, {found.high:.4g}]"
