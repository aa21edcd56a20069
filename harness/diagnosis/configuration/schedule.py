"""Batches, steps, epochs and lengths."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from harness.diagnosis.configuration.limits import (
    BATCH,
    EPOCHS,
    FEW_STEPS,
    LENGTH,
    MANY_EPOCHS,
    SMALL_BATCH,
    STEPS,
    VERY_MANY_EPOCHS,
)

if TYPE_CHECKING:
    from harness.diagnosis.configuration.model import DataFacts, Settings
    from harness.diagnosis.model import Check, Status

NO_BATCH = "the batch size is not known; --config FILE gives it"


def effective_batch_size(settings: Settings, _: DataFacts) -> Check | str:
    """Examples that one step of the optimizer learns from."""
    size = batch_of(settings)
    if size is None:
        return NO_BATCH
    parts = " x ".join(
        f"{value:g} {word}"
        for name, word in (
            ("batch_size", "on a device"),
            ("accumulation", "accumulated"),
            ("devices", "devices"),
        )
        if (value := settings.number(name)) is not None
    )
    status: Status = "warning" if size < SMALL_BATCH else "fine"
    return BATCH.check(status, size, f"A step learns from {size:g} examples: {parts}.")


def optimizer_steps(settings: Settings, facts: DataFacts) -> Check | str:
    """How often the weights are changed in all."""
    steps = steps_of(settings, facts)
    if steps is None:
        return "the number of steps is not known; --config and --data give it"
    status: Status = "warning" if steps < FEW_STEPS else "fine"
    return STEPS.check(status, steps, f"Training takes {steps:,.0f} optimizer steps.")


def epochs(settings: Settings, facts: DataFacts) -> Check | str:
    """How often each example is learned from."""
    passes = _epochs_of(settings, facts)
    if passes is None:
        return "the number of epochs is not known; --config and --data give it"
    status: Status = "fine" if passes <= MANY_EPOCHS else "notice"
    if passes > VERY_MANY_EPOCHS:
        status = "warning"
    return EPOCHS.check(
        status, passes, f"Each example is learned from {passes:.3g} times."
    )


def sequence_length(settings: Settings, facts: DataFacts) -> Check | str:
    """Whether the limit in tokens reaches for the longest example.

    How much is lost, and what that speaks for, is the data's check `truncation`.
    """
    limit = settings.max_length
    if limit is None:
        return "the limit in tokens is not known; --config FILE gives it"
    says = f"Examples are kept up to {limit:,} tokens ({settings.source('max_length')})"
    if facts.longest is None:
        return LENGTH.check("fine", limit, f"{says}; how long they are is not known.")
    status: Status = "warning" if facts.longest > limit else "fine"
    return LENGTH.check(status, limit, f"{says}; the longest has {facts.longest:,}.")


def batch_of(settings: Settings) -> float | None:
    """Examples of an optimizer step; None where they are not known."""
    size = settings.number("batch_size")
    if size is None:
        return None
    return (
        size
        * (settings.number("accumulation") or 1)
        * (settings.number("devices") or 1)
    )


def steps_of(settings: Settings, facts: DataFacts) -> float | None:
    """Optimizer steps in all; None where they are not known."""
    steps = settings.number("max_steps")
    if steps is not None:
        return steps
    batch, passes = batch_of(settings), settings.number("epochs")
    if not batch or passes is None or not facts.rows:
        return None
    return ceil(facts.rows / batch) * passes


def _epochs_of(settings: Settings, facts: DataFacts) -> float | None:
    steps = settings.number("max_steps")
    if steps is None:
        return settings.number("epochs")
    batch = batch_of(settings)
    # Trainers ignore the number of epochs where that of steps is given.
    return steps * batch / facts.rows if batch and facts.rows else None
