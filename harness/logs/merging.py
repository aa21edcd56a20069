"""One log out of all that a training run left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.logs.model import EVAL_LOSS, KNOWN, TRAIN_LOSS, TrainingLog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.types import Json

ORDER = ("trainer_state", "tensorboard", "openai", "wandb", "csv", "jsonl")
"""Which form counts first of those that hold equally much."""


def merged(logs: Sequence[TrainingLog]) -> TrainingLog | None:
    """The log that holds most points of losses, with what only others have added.

    Its `source` says which of the curves that are looked at is from elsewhere.

    Returns:
        None if no log has a curve.
    """
    richest = sorted((log for log in logs if log.curves), key=_poverty)
    if not richest:
        return None
    first = richest[0]
    curves, settings = dict(first.curves), dict[str, "Json"]()
    source = first.source
    for other in richest[1:]:
        more = sorted(other.curves.keys() - curves.keys())
        curves |= {name: other.curves[name] for name in more}
        told = [name for name in more if name in KNOWN]
        if told:
            source += f"; {', '.join(told)} from {other.source}"
    for log in (*reversed(logs), *reversed(richest)):
        settings |= log.settings
    problems = dict.fromkeys(problem for log in logs for problem in log.problems)
    return TrainingLog(source, first.form, curves, settings, tuple(problems))


def _poverty(log: TrainingLog) -> tuple[int, int, int]:
    losses = [log.curves[n] for n in (TRAIN_LOSS, EVAL_LOSS) if n in log.curves]
    return (
        -sum(len(curve.steps) for curve in losses),
        -sum(len(curve.steps) for curve in log.curves.values()),
        ORDER.index(log.form) if log.form in ORDER else len(ORDER),
    )
