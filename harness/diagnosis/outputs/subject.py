"""Which checkpoint of a task is diagnosed, and what it is held against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import Unscorable, UsageError
from harness.gating.naming import LATEST, candidate_of
from harness.metrics import Tallied
from harness.reporting.baselines import built_in
from harness.reporting.estimates import Estimator, Resampling, rebuild
from harness.reporting.evidence import gather
from harness.reporting.item_sums import item_tallies
from harness.stats.bootstrap import undefined
from harness.stats.paired import paired_difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.diagnosis.outputs.nearest import Nearest
    from harness.metrics import Metric
    from harness.reporting.evidence import Evidence
    from harness.study import StudyFile
    from harness.types import Checkpoint, Estimate, Item

    Pair = tuple[str, str]

DRAWS = 400
"""Resamples behind each interval: a verdict needs their sign, not their third digit."""
BY_REFERENCE = frozenset(
    (
        *("exact_match", "accuracy", "f1", "numeric", "bleu", "chrf", "rouge"),
        *("rouge1", "rouge2", "rougeL", "ter"),
    )
)
"""Metrics that hold an output against a right answer."""


@dataclass(frozen=True)
class Subject:
    """The last checkpoint of a task's newest series."""

    evidence: Evidence
    """What counts."""
    metrics: Mapping[str, Metric]
    """Signature to metric."""
    last: Checkpoint
    """The checkpoint that is diagnosed."""
    base: Checkpoint | None
    """The first of its series; None where there is no other."""
    nearest: Mapping[str, Nearest]
    """Id of each item to the nearest training prompt; empty without training data."""
    training: Sequence[Pair] = ()
    """Prompts and answers that were trained on; empty where they are unknown."""

    @cached_property
    def estimator(self) -> Estimator:
        """What makes differences with intervals."""
        return Estimator(self.evidence, self.metrics, Resampling(DRAWS))

    @cached_property
    def answered(self) -> list[tuple[Item, str]]:
        """The items with what the checkpoint wrote for them."""
        items = self.evidence.items
        return [
            (items[one.item], one.text) for one in self.evidence.outputs[self.last.id]
        ]

    @cached_property
    def by_reference(self) -> list[str]:
        """Signatures of metrics that hold outputs against right answers."""
        return [
            signature
            for signature in self.evidence.signatures
            if self.evidence.descriptions[signature]["name"] in BY_REFERENCE
            and built_in(self.evidence, signature) is not None
        ]

    @property
    def where(self) -> str:
        """The checkpoint's name."""
        return self.evidence.labels[self.last.id]

    def where_of(self, item: Item) -> str:
        """Checkpoint and item, as examples name them."""
        # A key made from the prompt's number among equal ones tells nothing.
        made = item.key.startswith("#")
        place = list(self.evidence.items).index(item.id) + 1
        return f"{self.where}, item {place if made else item.key}"

    def over(self, answers: Mapping[str, str]) -> dict[str, Estimate]:
        """How far the checkpoint is better than other answers, by each metric.

        Args:
            answers: id of an item to an answer.

        Returns:
            Signature to the difference on the items that both have; above 0 the
            checkpoint is better.
        """
        found = {}
        for signature in self.by_reference:
            metric = built_in(self.evidence, signature)
            scores = self.evidence.scores[self.last.id].get(signature)
            if metric is None or scores is None:
                continue
            own = item_tallies(metric, scores)
            shared = [id_ for id_ in answers if id_ in own]
            texts = [(self.evidence.items[id_], answers[id_]) for id_ in shared]
            other = metric.tallies(texts)
            kept = [
                (own[id_], tally)
                for id_, tally in zip(shared, other, strict=True)
                if not isinstance(tally, Unscorable)
            ]
            found[signature] = _difference(metric, kept)
        return found

    def since(self, base: Checkpoint) -> dict[str, Estimate]:
        """How far the checkpoint is better than another, by each metric."""
        return {
            signature: self.estimator.metric_lead(signature, self.last.id, base.id)
            for signature, metric in self.metrics.items()
            if isinstance(metric, Tallied) and metric.directed
        }


def subject_of(
    study: StudyFile, task: str, training: Sequence[Pair] = ()
) -> Subject | None:
    """What is diagnosed of a task; None where it has no outputs."""
    from harness.diagnosis.outputs.nearest import nearest_prompts

    evidence, metrics, _ = rebuild(gather(study, task))
    if not evidence.checkpoints or not evidence.has_outputs:
        return None
    last = _last(study, evidence)
    before = [
        one
        for one in evidence.checkpoints
        if one.series == last.series and one.id != last.id
    ]
    return Subject(
        evidence=evidence,
        metrics=metrics,
        last=last,
        base=min(before, key=_step, default=None),
        nearest=nearest_prompts(evidence.items.values(), training),
        training=training,
    )


def _last(study: StudyFile, evidence: Evidence) -> Checkpoint:
    try:
        return candidate_of(study, LATEST, [evidence.task])
    except UsageError:
        # Without steps the one that came last stands for the end of training.
        return evidence.checkpoints[-1]


def _step(checkpoint: Checkpoint) -> int:
    """A base model may have no step."""
    return -1 if checkpoint.step is None else checkpoint.step


def _difference(metric: Tallied, pairs: Iterable[tuple[object, object]]) -> Estimate:
    known = list(pairs)
    if not known:
        return undefined("no item can be judged for both")
    own, other = (np.array(side, float) for side in zip(*known, strict=True))
    sign = 1.0 if metric.higher_is_better else -1.0
    with np.errstate(all="ignore"):
        return paired_difference(
            other, own, lambda tally: sign * metric.value(tally), draws=DRAWS
        )
