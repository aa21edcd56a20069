"""The demonstration's fine-tune: the shipped base learns modern English."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.demo.model import BASE_FOLDER, load
from harness.demo.runs import once
from harness.demo.tasks import task_data
from harness.demo.training import Plan, quiet, train

if TYPE_CHECKING:
    from pathlib import Path

    from harness.demo.training import Progress, Rows

LEARNING_RATE, WARMUP = 3e-3, 0.1


def fine_tune(
    folder: Path,
    *,
    steps: int = 240,
    checkpoints: int = 5,
    seed: int = 0,
    rows: Rows | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Fine-tune the shipped base on King James to World English verses.

    Less than a minute on one core; the same seed gives the same weights. A finished
    run in the folder is used again if its settings and data are the same, and
    anything else that was made here is replaced.

    Args:
        folder: gets checkpoint-N (0 is the base itself), with the Trainer's state in
            each, and TensorBoard's event files in `runs`.
        steps: optimizer steps, 1 or more.
        checkpoints: how many to keep, 2 or more, denser at first.
        seed: of the order of the rows.
        rows: of source and target; by default all training pairs of the task.
        progress: told (steps done, steps in all) after each step.

    Returns:
        The folders of the checkpoints, in the order of training.

    Raises:
        MissingPackage: a package with a translation is not installed.
        UsageError: too few steps or checkpoints, or somebody else's checkpoints in
            the folder.
    """
    data = task_data("modernize")
    rows = data.training_pairs() if rows is None else rows
    plan = Plan(
        steps=steps,
        learning_rate=LEARNING_RATE,
        warmup_steps=round(steps * WARMUP),
        checkpoints=checkpoints,
        seed=seed,
    )

    def run() -> list[Path]:
        with quiet():
            model, tokenizer = load(BASE_FOLDER)
        pairs = (rows, data.validation_pairs())
        return train(model, tokenizer, plan, folder, data=pairs, progress=progress)

    weights = BASE_FOLDER / "model.safetensors"
    return once(folder, plan, rows, run, start=weights)
