"""Voice commands, learned from scratch in under a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.demo.model import SCRATCH, new_model, new_tokenizer
from harness.demo.runs import once
from harness.demo.tasks import task_data
from harness.demo.training import Plan, train

if TYPE_CHECKING:
    from pathlib import Path

    from harness.demo.training import Progress, Rows

LEARNING_RATE, WARMUP = 4e-3, 0.1
BATCH_SIZE = 64
"""Rows, about 1,500 tokens."""


def train_voice_commands(
    folder: Path,
    *,
    steps: int = 600,
    checkpoints: int = 6,
    seed: int = 0,
    rows: Rows | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Train a model of 0.41 million parameters on the task voice_commands.

    Arguments, result and errors are those of `harness.demo.finetune.fine_tune`; the
    seed decides on the first weights too.
    """
    data = task_data("voice_commands")
    rows = data.training_pairs() if rows is None else rows
    plan = Plan(
        steps=steps,
        learning_rate=LEARNING_RATE,
        warmup_steps=round(steps * WARMUP),
        batch_size=BATCH_SIZE,
        checkpoints=checkpoints,
        seed=seed,
    )

    def run() -> list[Path]:
        texts = [row[side] for row in rows for side in ("source", "target")]
        tokenizer = new_tokenizer(texts, SCRATCH.vocabulary)
        model = new_model(SCRATCH, tokenizer, seed=seed)
        pairs = (rows, data.validation_pairs())
        return train(model, tokenizer, plan, folder, data=pairs, progress=progress)

    return once(folder, plan, rows, run)
