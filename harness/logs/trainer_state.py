"""`trainer_state.json`, the log that transformers' Trainer leaves in checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import InputError
from harness.logs.gathering import Points, number_of, step_of
from harness.logs.model import TRAIN_LOSS, TrainingLog
from harness.logs.names import MEAN
from harness.logs.text import plain_values, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.types import Json

NAME = "trainer_state.json"
FORM = "trainer_state"
OF_LAST = "train_runtime"
"""Key of the Trainer's last entry, whose `train_loss` is the mean over the run."""


def read_trainer_state(path: Path, aliases: Mapping[str, str]) -> TrainingLog:
    """The curves in `log_history`, and the state's plain values as settings.

    Raises:
        InputError: it cannot be read, or has no `log_history`.
    """
    state = read_json(path)
    if not isinstance(state, dict) or not isinstance(state.get("log_history"), list):
        raise InputError("it has no list 'log_history'", file=path)
    return state_log(state, path, aliases)


def state_log(
    state: Mapping[str, Json], path: Path, aliases: Mapping[str, str]
) -> TrainingLog:
    """The log of a state that was read."""
    points = Points()
    without = 0
    for entry in state["log_history"]:
        step = step_of(entry.get("step")) if isinstance(entry, dict) else None
        if step is None:
            without += 1
            continue
        for name, logged in entry.items():
            value = number_of(logged)
            if value is not None and name != "step":
                mean = OF_LAST in entry and name == TRAIN_LOSS
                points.add(MEAN if mean else name, step, value)
    problems = (f"{path.name}: {without} entries without a step",) if without else ()
    settings = plain_values(dict(state))
    return TrainingLog(str(path), FORM, points.curves(aliases), settings, problems)
