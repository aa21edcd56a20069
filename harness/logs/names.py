"""The many names under which training loops log the same quantity."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.logs.model import (
    EPOCH,
    EVAL_ACCURACY,
    EVAL_LOSS,
    GRAD_NORM,
    KNOWN,
    LEARNING_RATE,
    TRAIN_ACCURACY,
    TRAIN_LOSS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STEP = "step"
MEAN = "mean_train_loss"
OF_TRAINER = {"train/train_loss": MEAN}
"""What the Trainer's trackers call the mean over the whole run, beside `train/loss`."""
HELD_OUT = ("eval", "valid", "val", "validation", "dev", "test")
ALIASES = {
    TRAIN_LOSS: (
        *("loss", "train_loss", "training_loss", "tr_loss", "loss_train"),
        *("train_loss_step", "loss_step", "train_loss_epoch", "train_epoch_loss"),
        *("epoch_loss", "train_train_loss"),
    ),
    EVAL_LOSS: (
        *(f"{name}_loss" for name in HELD_OUT),
        *(f"loss_{name}" for name in HELD_OUT),
        *("held_out_loss", "eval_epoch_loss", "val_loss_epoch", "eval_eval_loss"),
    ),
    LEARNING_RATE: (
        *("learning_rate", "lr", "train_learning_rate", "train_lr"),
        *("lr_adamw", "lr_adam", "lr_sgd"),
    ),
    GRAD_NORM: (
        *("grad_norm", "train_grad_norm", "gradient_norm", "train_gradient_norm"),
        *("grad_2_0_norm_total",),
    ),
    EPOCH: ("epoch", "train_epoch", "epochs"),
    TRAIN_ACCURACY: (
        *("train_accuracy", "accuracy", "training_accuracy", "train_acc", "acc"),
        *("train_mean_token_accuracy", "mean_token_accuracy"),
        *("training_token_accuracy", "token_accuracy"),
    ),
    EVAL_ACCURACY: (
        *(f"{name}_accuracy" for name in HELD_OUT),
        *(f"{name}_acc" for name in HELD_OUT),
        *(f"{name}_mean_token_accuracy" for name in HELD_OUT),
        *(f"{name}_token_accuracy" for name in HELD_OUT),
    ),
    STEP: (
        *("step", "global_step", "trainer_global_step", "train_global_step"),
        *("steps", "step_number", "current_steps", "iteration", "iterations"),
        *("iter", "it", "update", "updates", "num_updates", "train_step"),
    ),
}
"""Our name to those in logs, in small letters with `_` between words; of several in
one log the first counts."""


def our_names(theirs: Iterable[str], aliases: Mapping[str, str]) -> dict[str, str]:
    """Each name in a log to its name here; what nobody knows keeps its own.

    Args:
        theirs: all names in the log.
        aliases: what the user says, the log's name to ours; wins over the table.

    Raises:
        UsageError: an alias names what a curve is not called here.
    """
    for alias, name in aliases.items():
        if name not in (*KNOWN, STEP):
            raise UsageError(
                f"'{alias}' cannot be read as '{name}'; "
                f"a log holds: {', '.join((*KNOWN, STEP))}."
            )
    every = list(dict.fromkeys(theirs))
    chosen = {name: aliases[name] for name in every if name in aliases}
    plain: dict[str, str] = {}
    for name in every:
        plain.setdefault(_plain(name), name)
    for ours, candidates in ALIASES.items():
        if ours in chosen.values():
            continue
        for candidate in candidates:
            found = plain.get(candidate)
            if found is not None and found not in chosen:
                chosen[found] = ours
                break
    taken = set(chosen.values())
    # A curve by its own name must not pass for one that another name has given.
    kept = {name: f"logged_{name}" if name in taken else name for name in every}
    means = {name: mean for name, mean in OF_TRAINER.items() if name in kept}
    return kept | means | chosen


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")
