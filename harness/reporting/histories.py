"""What checkpoints wrote for the same prompts, step by step, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.differences import Piece

Against = Literal["previous", "first", "reference"]
"""What each output is laid over: the one before it in its series, the first one, or the
item's first reference."""
Pick = Literal["first", "changed", "rated", "random"]
"""Which items are shown: the first of the task, those whose words changed most from
checkpoint to checkpoint, those with most ratings, or some at random."""


@dataclass(frozen=True, slots=True)
class Rated:
    """What people say of one output by one criterion."""

    mean: float
    """Over its raters, on the criterion's own scale."""
    raters: int
    """How many, 1 or more."""


@dataclass(frozen=True, slots=True)
class Written:
    """One output, and how it differs from what it is laid over."""

    checkpoint: str
    """Name of the checkpoint."""
    step: int | None
    """Optimiser steps taken; None where that is unknown."""
    text: str
    """As the model wrote it."""
    finish: str
    """How it ended, as `Output.finish`."""
    scores: Mapping[str, float]
    """Signature to value, where the metric can judge it."""
    ratings: Mapping[str, Rated]
    """Criterion to rating, where there is one."""
    same_since: str | None
    """The first of the checkpoints that wrote this very text without a break up to this
    one; None where that is this one."""
    over: str | None
    """What it is laid over: name of a checkpoint, or `reference`; None: nothing."""
    pieces: tuple[Piece, ...]
    """It laid over that; empty where there is nothing, or no way."""
    not_compared: str
    """Why there is no way; else empty."""


@dataclass(frozen=True, slots=True)
class History:
    """What the checkpoints of one series wrote for an item, by step."""

    series: str
    """Name of the training run."""
    sample: int
    """Number of the sample, from 0."""
    outputs: tuple[Written, ...]
    """By step; a checkpoint without an output is left out."""

    @property
    def texts(self) -> int:
        """How many texts there are, those that stayed the same counted once."""
        return sum(one.same_since is None for one in self.outputs)


@dataclass(frozen=True, slots=True)
class ItemHistories:
    """One prompt, and what became of the answers to it."""

    item: str
    """Key of the item."""
    prompt: str
    """What models were asked."""
    references: tuple[str, ...]
    """Right answers; may be empty."""
    histories: tuple[History, ...]
    """By series and sample."""


@dataclass(frozen=True, slots=True)
class Samples:
    """How the outputs of a task changed from checkpoint to checkpoint."""

    task: str
    """Name of the task."""
    against: Against
    """What each output is laid over."""
    metrics: Mapping[str, str]
    """Signature to label of each metric, in the order of the newest run."""
    criteria: tuple[str, ...]
    """Those of the ratings."""
    chosen: str
    """Which items these are, in words."""
    items: tuple[ItemHistories, ...]
    """In the order in which they were chosen."""
    simulated: bool
    """Whether ratings among these were made up by a program."""
