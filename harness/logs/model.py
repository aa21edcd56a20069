"""What every reader of a training log returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.types import Json

TRAIN_LOSS, EVAL_LOSS = "train_loss", "eval_loss"
LEARNING_RATE, GRAD_NORM, EPOCH = "learning_rate", "grad_norm", "epoch"
TRAIN_ACCURACY, EVAL_ACCURACY = "train_accuracy", "eval_accuracy"
KNOWN = (
    *(TRAIN_LOSS, EVAL_LOSS, LEARNING_RATE, GRAD_NORM, EPOCH),
    *(TRAIN_ACCURACY, EVAL_ACCURACY),
)
"""Names that a curve has here, whatever the log called it; others keep their own."""

Steps = np.ndarray[Any, np.dtype[np.int64]]
Values = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One quantity over the steps of training."""

    name: str
    """One of `KNOWN`, else the log's own name."""
    steps: Steps
    """Optimizer steps, ascending, each once: of a step logged again the later."""
    values: Values
    """As logged, shape of `steps`; NaN and infinities are kept, they are findings."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingLog:
    """What one training run logged."""

    source: str
    """The file or files it was read from."""
    form: str
    """`trainer_state`, `tensorboard`, `openai`, `csv`, `jsonl` or `wandb`."""
    curves: Mapping[str, Curve]
    """By name."""
    settings: Mapping[str, Json] = field(default_factory=dict)
    """Settings that the log itself holds, named as the log names them."""
    problems: tuple[str, ...] = ()
    """What could not be read, where, and why."""
