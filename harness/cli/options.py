"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.stats.sharpened import Estimand


class Format(StrEnum):
    """Forms of a report."""

    TEXT = "text"
    HTML = "html"
    MARKDOWN = "md"
    JSON = "json"
    CSV = "csv"
    HEDS = "heds"


class PageFormat(StrEnum):
    """Forms of a diagnosis and of samples."""

    TEXT = "text"
    HTML = "html"
    MARKDOWN = "md"
    JSON = "json"


class HumanJudgment(StrEnum):
    """What counts as people's judgment; those of `harness.reporting.targets`."""

    RAW = "raw"
    Z = "z"
    ADJUSTED = "adjusted"


class Resampled(StrEnum):
    """What intervals of agreement resample."""

    ITEMS = "items"
    BOTH = "both"


class About(StrEnum):
    """What intervals of ratings are about."""

    THESE = "these"
    LIKE_THESE = "like-these"


class Executor(StrEnum):
    """Where models run; those of `harness.executors`."""

    LOCAL = "local"
    RAY = "ray"


class RatingTool(StrEnum):
    """Tools that ratings are exported for."""

    LABEL_STUDIO = "label-studio"
    ARGILLA = "argilla"


class TableFormat(StrEnum):
    """Forms of an exported table."""

    CSV = "csv"
    JSONL = "jsonl"


class OutputsForm(StrEnum):
    """Forms of a file of outputs; those of `harness.importing.Form`."""

    FLAT = "flat"
    LM_EVAL = "lm-eval"
    INSPECT = "inspect"


ESTIMANDS: dict[About, Estimand] = {
    About.THESE: "exactly these prompts",
    About.LIKE_THESE: "prompts like these",
}
ExecutorName = Annotated[
    Executor,
    typer.Option("--executor", help="Run models here, or over a Ray cluster."),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray-address",
        metavar="HOST:PORT",
        help="Ray cluster, or auto. [default: RAY_ADDRESS, else one is started]",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        help="Processes on the Ray cluster. [default: one a GPU, else one a machine]",
    ),
]
With = Annotated[
    str | None,
    typer.Option(
        "--with",
        help="Metric that may sharpen ratings, or none. [default: the first]",
    ),
]
AboutPrompts = Annotated[
    About,
    typer.Option("--estimand", help="Prompts that intervals of ratings are about."),
]
Suite = Annotated[
    str, typer.Argument(help="Task or suite file, or the name of a bundled one.")
]
Db = Annotated[
    Path | None,
    typer.Option("--db", help="Study file. [default: results/SUITE.db]"),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON (short for --format json).")
]
TaskName = Annotated[str, typer.Option("--task", help="Name of the task.")]
TensorBoardFolder = Annotated[
    Path | None,
    typer.Option(
        "--tensorboard",
        metavar="DIR",
        help="Write values with intervals, and samples, for TensorBoard.",
    ),
]
Track = Annotated[
    list[str],
    typer.Option(
        "--track",
        metavar="TRACKER:PLACE",
        help="Write the same to wandb:PROJECT, mlflow:EXPERIMENT[@URI], "
        "trackio:PROJECT or tensorboard:DIR; may be given several times.",
    ),
]
