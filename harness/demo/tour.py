"""The whole way once: fine-tune, evaluate every checkpoint, rate, report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.demo.finetune import fine_tune
from harness.progress import silent
from harness.run import run
from harness.study import StudyFile
from harness.task import load_tasks

if TYPE_CHECKING:
    from pathlib import Path

    from harness.progress import Progress
    from harness.task import Task

TASK = "modernize"


@dataclass(frozen=True, slots=True)
class Tour:
    """What the demonstration made."""

    study: StudyFile
    """The study with everything in it."""
    tasks: list[Task]
    """The tasks that it evaluated."""
    checkpoints: list[Path]
    """The folders of the fine-tune's checkpoints."""


def tour(
    folder: Path,
    *,
    steps: int = 240,
    simulated_raters: int = 0,
    progress: Progress = silent,
) -> Tour:
    """Fine-tune the shipped base and evaluate each checkpoint; reuses what is there.

    Args:
        folder: gets the study `demo.db` and the training run `demo`.
        steps: of the fine-tune.
        simulated_raters: how many simulated raters judge the outputs.
        progress: told what is being done.

    Raises:
        MissingPackage: the extra `demo` is not installed.
        HarnessError: the folder cannot be used.
    """
    study = StudyFile(folder / "demo.db")
    checkpoints = fine_tune(
        folder / "demo",
        steps=steps,
        progress=lambda done, total: progress("fine-tune", done, total),
    )
    tasks = load_tasks(TASK)
    run(study, tasks, [str(path) for path in checkpoints], progress=progress)
    if simulated_raters:
        from harness.demo.raters import simulate

        for task in tasks:
            simulate(study, task, simulated_raters, progress=progress)
    return Tour(study, tasks, checkpoints)
