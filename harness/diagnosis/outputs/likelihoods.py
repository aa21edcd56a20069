"""How much of the base model's loss of each reference training left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.metrics.perplexity import NLL, OfTexts
from harness.reporting.item_sums import item_tallies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from harness.diagnosis.outputs.subject import Subject
    from harness.types import Tally

    Floats = NDArray[np.float64]

NO_BASE = "the series has one checkpoint: evaluate the base model, too"


def nats_left(subject: Subject) -> dict[str, Floats]:
    """Id of an item to the nats of its whole reference, after training and before.

    Both are sums over the same tokens. Items that either checkpoint has not judged are
    left out; empty without a base model or without perplexity.
    """
    if subject.base is None:
        return {}
    last, base = (_tallies(subject, one.id) for one in (subject.last, subject.base))
    return {
        id_: np.array([last[id_][NLL], base[id_][NLL]])
        for id_ in subject.evidence.items
        if id_ in last and id_ in base
    }


def share(sums: Floats) -> Floats:
    """Nats after training over nats before; shape (..., 2) to (...)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.nan_to_num(sums[..., 0] / sums[..., 1], nan=1.0))


def _tallies(subject: Subject, checkpoint: str) -> Mapping[str, Tally]:
    """Id of an item to the sums of its reference's likelihood."""
    for signature, metric in subject.metrics.items():
        scores = subject.evidence.scores[checkpoint].get(signature)
        if isinstance(metric, OfTexts) and metric.of == "reference" and scores:
            return item_tallies(metric, scores)
    return {}
