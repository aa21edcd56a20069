"""What metrics say of a trivial answer: the prompt, copied."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import HarnessError, Unscorable
from harness.metrics import TextMetric, from_description, metrics
from harness.metrics.imported import IMPORTED
from harness.reporting.model import Baseline
from harness.stats.bootstrap import corpus_estimate

if TYPE_CHECKING:
    from harness.reporting.estimates import Resampling
    from harness.reporting.evidence import Evidence
    from harness.types import Estimate, Item

COPY = "copy of the prompt (baseline)"
SOURCE = "source"
"""Column that holds what the prompt asks about, if a task has it."""


def copy_baseline(evidence: Evidence, resampling: Resampling) -> Baseline | None:
    """What each built-in text metric would say of a copy of the prompt.

    A model that rewrites its input poorly can still score well by overlap with the
    reference, so that the score of a mere copy tells what counts as progress. Of a
    row with a column `source` that column is copied.

    Returns:
        None where the items have no references.
    """
    items = [item for item in evidence.items.values() if item.references]
    copied = [(item, source_of(item)) for item in items]
    if not any(text for _, text in copied):
        return None
    found: dict[str, Estimate] = {}
    for signature in evidence.signatures:
        metric = built_in(evidence, signature)
        if metric is None:
            continue
        tallies = [t for t in metric.tallies(copied) if not isinstance(t, Unscorable)]
        if tallies:
            with np.errstate(all="ignore"):
                found[signature] = corpus_estimate(
                    np.array(tallies),
                    metric.value,
                    draws=resampling.draws,
                    seed=resampling.seed,
                )
    return Baseline(COPY, found) if found else None


def built_in(evidence: Evidence, signature: str) -> TextMetric | None:
    """The metric, if it can be made without running code that a study names."""
    description = evidence.descriptions[signature]
    name = description["name"]
    if name not in metrics or metrics[name].costly or description["form"] == "whole":
        return None
    if not signature.startswith(f"{name}|") or signature == f"{name}{IMPORTED}":
        return None
    try:
        # As `mean` it would be made of stored values, of which a copy has none.
        metric = from_description(
            {**description, "form": "tallied"}, Path(description["base"] or ".")
        )
    except HarnessError:
        return None
    if metric.origin or metric.signature != signature:
        return None
    return metric if isinstance(metric, TextMetric) else None


def source_of(item: Item) -> str:
    """What a copy of the prompt would be: column `source`, else the whole prompt."""
    source = item.meta.get(SOURCE)
    return source if isinstance(source, str) else item.prompt
