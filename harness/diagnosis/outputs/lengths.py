"""Long examples beside short ones: what is cut in training is not learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.model import Check
from harness.diagnosis.outputs.against import surely
from harness.diagnosis.outputs.likelihoods import NO_BASE, nats_left, share
from harness.diagnosis.outputs.subject import DRAWS
from harness.stats.bootstrap import corpus_estimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from harness.diagnosis.model import CauseName
    from harness.diagnosis.outputs.subject import Subject
    from harness.types import Item

    Floats = NDArray[np.float64]

NAME = "loss_by_length"
PARTS = 3
"""The longest third is held against the shortest; what is between is left out."""
FEWEST = 10
"""Items that each third needs."""
APART = 0.15
"""Share of the base model's loss that is left of long items more than of short ones.
A share, since losses near 0 differ by many times for no reason; the limit is ours."""
TAUGHT = 0.05
"""Share of training rows, at least as long as the long items, that teaches them."""


def loss_by_length(subject: Subject) -> Check | str:
    """Whether training helped short items far more than long ones.

    A limit in tokens cuts the ends of long examples, so that nothing is learned of
    them, while the losses that a trainer logs are those of what is left. The study's
    likelihoods are of whole answers. Each third is held against the base model, as
    long items may be harder, or easier, by themselves.
    """
    if subject.base is None:
        return NO_BASE
    nats = nats_left(subject)
    by_length = sorted((subject.evidence.items[one] for one in nats), key=_length)
    size = len(by_length) // PARTS
    if size < FEWEST:
        return f"it needs perplexity of {PARTS * FEWEST} items at both checkpoints"
    short, long = by_length[:size], by_length[-size:]
    if _length(short[-1]) >= _length(long[0]):
        return "all items are of one length"
    gap = corpus_estimate(_rows(nats, short, long), _gap, draws=DRAWS)
    value = gap.value or 0.0
    apart = value > APART and surely(gap, 1)
    middle = _length(long[size // 2])
    taught = _share(subject.training, middle)
    left = [float(share(sum(nats[item.id] for item in part))) for part in (short, long)]  # type: ignore[arg-type]
    return Check(
        name=NAME,
        area="outputs",
        status="warning" if apart else "fine",
        value=value,
        threshold=f"{APART:.0%} of the base model's loss, and surely more than none",
        source="ours",
        says=f"Of the base model's loss {left[0]:.0%} is left of the {size:,} shortest "
        f"items, {left[1]:.0%} of the {size:,} longest"
        f"{_said(taught, middle) if apart else ''}.",
        weights=_weights(taught) if apart else {},
    )


def _length(item: Item) -> int:
    """Characters of prompt and answer, which share the limit."""
    return len(item.prompt) + sum(map(len, item.references[:1]))


def _rows(
    nats: Mapping[str, Floats], short: Sequence[Item], long: Sequence[Item]
) -> Floats:
    """Nats after training and before, of short and of long items; shape (items, 4)."""
    none = np.zeros(2)
    return np.array(
        [np.concatenate([nats[item.id], none]) for item in short]
        + [np.concatenate([none, nats[item.id]]) for item in long]
    )


def _gap(sums: Floats) -> Floats:
    """What is left of the long items less what is left of the short ones."""
    return share(sums[..., 2:]) - share(sums[..., :2])


def _share(training: Sequence[tuple[str, str]], length: int) -> float | None:
    """Share of training rows of so many characters; None where they are unknown."""
    if not training:
        return None
    return sum(len(p) + len(a) >= length for p, a in training) / len(training)


def _said(taught: float | None, length: int) -> str:
    if taught is None:
        return ""
    return f"; {taught:.0%} of the training rows have {length:,} characters or more"


def _weights(taught: float | None) -> dict[CauseName, float]:
    """Long rows that were there and taught nothing were cut, or are hard to learn.

    Without the rows it may as well be that they were never there.
    """
    if taught is None:
        return {"truncation": 1.5, "unrepresentative_data": 1.0}
    if taught < TAUGHT:
        return {"unrepresentative_data": 1.5}
    return {"truncation": 2.5}
