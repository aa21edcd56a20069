"""Metrics that part ways, and scores that rest on prompts already seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.model import Check, Example
from harness.diagnosis.outputs.against import (
    NO_DATA,
    NO_METRIC,
    brief,
    difference,
    surely,
)
from harness.metrics import Tallied
from harness.metrics.signatures import labels
from harness.reporting.item_sums import item_tallies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.diagnosis.outputs.subject import Subject
    from harness.types import Tally

BUCKETS = ((90.0, 101.0), (60.0, 90.0), (0.0, 60.0))
"""Similarity of the nearest training prompt: from, and below."""
FEWEST = 10
"""Items that a bucket needs for a value of its own."""
LEAKED = 0.05
"""Share of items near a training prompt from which on scores may rest on them."""
TIMES = 1.5
"""Times the score of the others that items near a training prompt have."""
SHOWN = 3


def perplexity_alone(subject: Subject) -> Check | str:
    """Whether the likelihood of right answers rose while the outputs got worse."""
    if subject.base is None:
        return "the series has one checkpoint: evaluate the base model, too"
    since = subject.since(subject.base)
    label = labels(list(subject.evidence.signatures))
    likely = [s for s in since if subject.evidence.of_likelihoods(s)]
    if not likely or not subject.by_reference:
        return "the study has no perplexity beside a metric of outputs"
    rose = [s for s in likely if surely(since[s], 1)]
    fell = [s for s in subject.by_reference if s in since and surely(since[s], -1)]
    apart = bool(rose) and bool(fell)
    shown = [*(rose or likely)[:1], *(fell or subject.by_reference)[:2]]
    said = "; ".join(f"{label[s]} {difference(since[s])}" for s in shown if s in since)
    return Check(
        name="perplexity_against_task_metrics",
        area="outputs",
        status="warning" if apart else "fine",
        value=since[fell[0]].value if apart else None,
        threshold="perplexity surely better, a metric of outputs surely worse",
        source="measured here: perplexity three times better while BLEU fell by 4",
        says=f"Since the first checkpoint, turned so that above 0 is better: {said}.",
        weights={"metric_misleads": 2.5, "overfitting": 0.5} if apart else {},
    )


def by_similarity(subject: Subject) -> Check | str:
    """The first metric's value by how near the nearest training prompt is."""
    if not subject.nearest:
        return NO_DATA
    signature = next(iter(subject.by_reference), None)
    metric = subject.metrics.get(signature or "")
    scores = subject.evidence.scores[subject.last.id].get(signature or "")
    if signature is None or scores is None or not isinstance(metric, Tallied):
        return NO_METRIC
    tallies = item_tallies(metric, scores)
    near = {i: one for i, one in subject.nearest.items() if i in tallies}
    values: list[float | None] = []
    said = []
    for low, high in BUCKETS:
        own = [tallies[i] for i, one in near.items() if low <= one.similarity < high]
        value = _value(metric, own)
        values.append(value)
        shown = "too few" if value is None else f"{value:.3g}"
        said.append(f"{low:g} and more: {shown} (n = {len(own):,})")
    closest = [i for i, one in near.items() if one.similarity >= BUCKETS[0][0]]
    share = len(closest) / max(1, len(near))
    rests = share > LEAKED and _falls(metric, values)
    return Check(
        name="scores_by_similarity",
        area="outputs",
        status="warning" if rests else "fine",
        value=share,
        threshold=f"over {LEAKED:.0%} of the items near a training prompt, with "
        f"{TIMES:g} times the score of the others",
        source="measured here: BLEU 24 near a training prompt, 4 far from any",
        says=f"{metric.name} by similarity of the nearest training prompt: "
        f"{'; '.join(said)}.",
        examples=_beside(subject, closest[:SHOWN]) if rests else (),
        weights={"leakage": 2.0} if rests else {},
    )


def _beside(subject: Subject, items: Sequence[str]) -> tuple[Example, ...]:
    """Items beside the training prompts that are nearest to them."""
    found = [subject.evidence.items[id_] for id_ in items]
    return tuple(
        Example(
            subject.where_of(item),
            f"{brief(item.prompt)} | trained on: "
            f"{brief(subject.nearest[item.id].prompt)}",
        )
        for item in found
    )


def _falls(metric: Tallied, values: Sequence[float | None]) -> bool:
    """Whether the first bucket's value is far better than that of the farthest."""
    near, *others = values
    far = next((value for value in others[::-1] if value is not None), None)
    if near is None or far is None:
        return False
    if not metric.higher_is_better:
        near, far = far, near
    return near > TIMES * max(far, 1e-9)


def _value(metric: Tallied, tallies: Sequence[Tally]) -> float | None:
    if len(tallies) < FEWEST:
        return None
    with np.errstate(all="ignore"):
        return float(metric.value(np.sum(tallies, axis=0)))
