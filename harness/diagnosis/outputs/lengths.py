"""Long examples beside short ones: what is cut in training is not learned."""

from __future__ import annotations

from math import exp, inf
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.model import Check
from harness.diagnosis.outputs.against import surely
from harness.diagnosis.outputs.subject import DRAWS
from harness.metrics.perplexity import NLL, TOKENS, OfTexts
from harness.reporting.item_sums import item_tallies
from harness.stats.paired import paired_difference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from harness.diagnosis.model import CauseName
    from harness.diagnosis.outputs.subject import Subject
    from harness.types import Item, Tally

    Floats = NDArray[np.float64]

NAME = "loss_by_length"
PARTS = 3
"""The longest third is held against the shortest; what is between is left out."""
FEWEST = 10
"""Items that each third needs."""
TIMES = 1.5
"""Times by which the loss of long items against that of short ones grew in training."""
TAUGHT = 0.05
"""Share of training rows, at least as long as the long items, that teaches them."""
SHORT_SUMS, LONG_SUMS = slice(0, 2), slice(2, 4)


def loss_by_length(subject: Subject) -> Check | str:
    """Whether training helped short items far more than long ones.

    A limit in tokens cuts the ends of long examples, so that nothing is learned of
    them, while the losses that a trainer logs are those of what is left. The study's
    likelihoods are of whole answers. The base model's ratio of the two thirds allows
    for long items that are harder, or easier, by themselves.
    """
    if subject.base is None:
        return "the series has one checkpoint: evaluate the base model, too"
    last, base = (_tallies(subject, one.id) for one in (subject.last, subject.base))
    shared = [item for id_, item in _items(subject) if id_ in last and id_ in base]
    size = len(shared) // PARTS
    if size < FEWEST:
        return f"it needs perplexity of {PARTS * FEWEST} items at both checkpoints"
    by_length = sorted(shared, key=_length)
    short, long = by_length[:size], by_length[-size:]
    if _length(short[-1]) >= _length(long[0]):
        return "all items are of one length"
    grown = paired_difference(
        _rows(base, short, long), _rows(last, short, long), _log_ratio, draws=DRAWS
    )
    value = exp(min(grown.value or 0.0, 100.0))
    apart = surely(grown, 1) and value > TIMES
    middle = _length(long[size // 2])
    taught = _share(subject.training, middle)
    return Check(
        name=NAME,
        area="outputs",
        status="warning" if apart else "fine",
        value=value,
        threshold=f"{TIMES:g} times what it was for the base model, and surely more",
        source="measured here",
        says=f"The loss of the {size:,} longest items over that of the {size:,} "
        f"shortest is {value:.2f} times what it was for the base model (answers of "
        f"{_tokens(last, long):,.0f} and {_tokens(last, short):,.0f} tokens)"
        f"{_said(taught, middle) if apart else ''}.",
        weights=_weights(taught) if apart else {},
    )


def _items(subject: Subject) -> list[tuple[str, Item]]:
    items = subject.evidence.items
    return [(id_, one) for id_, one in items.items() if one.references]


def _tallies(subject: Subject, checkpoint: str) -> Mapping[str, Tally]:
    """Id of an item to nats and tokens of its reference; empty if none is known."""
    for signature, metric in subject.metrics.items():
        scores = subject.evidence.scores[checkpoint].get(signature)
        if isinstance(metric, OfTexts) and metric.of == "reference" and scores:
            return item_tallies(metric, scores)
    return {}


def _length(item: Item) -> int:
    """Characters of prompt and answer, which share the limit."""
    return len(item.prompt) + len(item.references[0])


def _rows(
    tallies: Mapping[str, Tally], short: Sequence[Item], long: Sequence[Item]
) -> Floats:
    """Nats and tokens of short and of long items, shape (items, 4)."""
    rows = np.zeros((len(short) + len(long), 4))
    for place, item in enumerate((*short, *long)):
        sums = SHORT_SUMS if place < len(short) else LONG_SUMS
        rows[place, sums] = tallies[item.id][[NLL, TOKENS]]
    return rows


def _log_ratio(sums: Floats) -> Floats:
    """Log of the long items' loss over the short ones', from summed rows."""
    with np.errstate(divide="ignore", invalid="ignore"):
        short, long = (sums[..., at] / sums[..., at + 1] for at in (0, 2))
        found = np.log(long / short)
    return np.asarray(np.nan_to_num(found, nan=0.0, posinf=inf, neginf=-inf))


def _tokens(tallies: Mapping[str, Tally], items: Sequence[Item]) -> float:
    return float(np.mean([tallies[item.id][TOKENS] for item in items]))


def _share(training: Sequence[tuple[str, str]], length: int) -> float | None:
    """Share of training rows of so many characters; None where they are unknown."""
    if not training:
        return None
    return sum(len(p) + len(a) >= length for p, a in training) / len(training)


def _said(taught: float | None, length: int) -> str:
    if taught is None:
        return ""
    return f"; of the training rows, {taught:.0%} have their {length:,} characters"


def _weights(taught: float | None) -> dict[CauseName, float]:
    """Long rows that were there and taught nothing were cut."""
    if taught is None:
        return {"truncation": 1.5, "unrepresentative_data": 1.0}
    if taught < TAUGHT:
        return {"unrepresentative_data": 1.5}
    return {"truncation": 3.0}
