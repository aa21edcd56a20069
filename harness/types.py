"""What passes between the stages: items, checkpoints, outputs, scores, estimates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping


Tally = np.ndarray[Any, np.dtype[np.float64]]
Json = Any


@dataclass(frozen=True, slots=True)
class Item:
    """One held-out prompt of a task, with what a good answer looks like."""

    id: str
    """Hash of task name, key and rendered prompt."""
    task: str
    """Name of the task."""
    key: str
    """The row's own `item` or `id`, else its number among equal prompts."""
    prompt: str
    """The rendered prompt; for chat models the turns, readable."""
    references: tuple[str, ...] = ()
    """Texts that would be right answers; may be empty."""
    messages: tuple[Mapping[str, str], ...] = ()
    """Turns (`role`, `content`) for a chat model; empty for a plain prompt."""
    meta: Mapping[str, Json] = field(default_factory=dict)
    """The row's columns, for metrics that need more than the references."""


@dataclass(frozen=True, slots=True)
class Generation:
    """How outputs are drawn from a model."""

    max_new_tokens: int = 128
    """Most tokens of an answer, 1 or more."""
    stop: tuple[str, ...] = ()
    """Texts that end an answer; they are not part of it."""
    temperature: float = 0.0
    """0 is greedy decoding."""
    top_p: float = 1.0
    """Share of probability mass sampled from, above 0 and at most 1."""
    samples: int = 1
    """Answers drawn for each prompt."""
    seed: int = 0
    """Seed of the draws, mixed with item and sample."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One state of a model in training, or a system whose outputs were imported."""

    id: str
    """Hash of series and fingerprint."""
    name: str
    """Unique within its series, as a rule the folder's name."""
    series: str
    """The training run that it belongs to."""
    step: int | None
    """Optimiser steps taken; None where that is unknown."""
    backend: str
    """Name of the backend that runs it."""
    fingerprint: str
    """Hash of what the model is made of, by content."""
    location: str | None = None
    """Where it was last seen: a folder, or what its backend names it by; else None."""

    @property
    def order(self) -> tuple[str, bool, int, str]:
        """Sort key: by series, numerically by step, then by name."""
        return (self.series, self.step is None, self.step or 0, self.name)


@dataclass(frozen=True, slots=True)
class Output:
    """What a checkpoint wrote for an item."""

    id: str
    """Hash of item, checkpoint, sample and settings."""
    item: str
    """Id of the item."""
    checkpoint: str
    """Id of the checkpoint."""
    text: str
    """As the model wrote it, without the stop text."""
    sample: int = 0
    """Number of the sample, from 0."""
    settings: str = ""
    """Hash of generation settings, dtype and chat template."""
    finish: str = "stop"
    """`stop`, `length`, `filtered` (by the server) or `imported`."""
    prompt_tokens: int | None = None
    """Tokens read; None where that is unknown."""
    new_tokens: int | None = None
    """Tokens written; None where that is unknown."""
    truncated: bool = False
    """Whether the prompt was cut to fit the model."""


@dataclass(frozen=True, slots=True)
class Windows:
    """How a document is read that is longer than what a model reads at once."""

    size: int | None = None
    """Tokens that are read at once; None: as many as the model has positions."""
    stride: int | None = None
    """Tokens by which windows advance, each of which is scored once; the rest of a
    window is context. None: the window's size."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text of which a metric asks how probable a model finds it."""

    item: Item
    """What the text belongs to."""
    target: str
    """What it is of the item and how it is read, as `reference:0`. Within an item equal
    targets must be equal passages: a likelihood is stored under its target."""
    text: str
    """What is scored."""
    windows: Windows | None = None
    """None: the text follows the item's prompt. Else it is a document by itself."""


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How probable a checkpoint finds a passage."""

    item: str
    """Id of the item."""
    checkpoint: str
    """Id of the checkpoint."""
    nll: float
    """Summed negative log-likelihood of the scored tokens, in nats."""
    tokens: int
    """Scored tokens."""
    words: int
    """Words of the scored text, divided by white space."""
    bytes: int
    """UTF-8 bytes of the scored text."""
    truncated: bool = False
    """Whether context was cut to fit the model."""
    settings: str = ""
    """Hash of dtype, chat template and policy."""
    reason: str | None = None
    """Why nothing was scored, where the model can say so."""
    target: str = "reference:0"
    """Which passage of the item."""
    policy: str = "conditional"
    """How it was read: `conditional`, given the prompt, or as a document."""


@dataclass(frozen=True, slots=True)
class Score:
    """What one metric says of one output, or of one item's likelihood."""

    checkpoint: str
    """Id of the checkpoint."""
    item: str
    """Id of the item."""
    signature: str
    """The metric with all its settings."""
    output: str | None = None
    """Id of the output; None for metrics of likelihood."""
    value: float | None = None
    """The metric's value for this one output; None if it cannot judge it."""
    tally: Tally | None = None
    """Sufficient statistics that add up over outputs; None as above."""
    reason: str | None = None
    """Why there is no value."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval and what it rests on."""

    value: float | None
    """The estimate; None where it is undefined."""
    low: float | None = None
    """Lower end of the 95 % interval; None where there is none."""
    high: float | None = None
    """Upper end of the 95 % interval; None where there is none."""
    n: int = 0
    """Units that it rests on (items, outputs, ... as `method` says)."""
    dropped: int = 0
    """Units left out because they could not be judged or correlated."""
    method: str = ""
    """How value and interval were made, or why there is none."""

    def as_json(self) -> dict[str, Json]:
        """The form in which reports print it, stable over versions."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "dropped": self.dropped,
            "method": self.method,
        }
