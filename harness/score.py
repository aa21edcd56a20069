"""Score: judge outputs and likelihoods that a metric has not judged yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import Unscorable
from harness.metrics import LikelihoodMetric, TextMetric, Whole, describe
from harness.progress import silent
from harness.study.items import stored_items
from harness.study.outputs import current_likelihoods, current_outputs
from harness.study.scores import store_metric, store_scores, store_whole
from harness.types import Score, Tally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.metrics import Metric, Tallied
    from harness.progress import Progress
    from harness.study import StudyFile
    from harness.types import Checkpoint, Item, Likelihood

BLOCK = 500
"""Outputs scored between two commits."""


def score(
    study: StudyFile,
    checkpoint: Checkpoint,
    task: str,
    metrics: Sequence[Metric],
    *,
    base: Path | None = None,
    progress: Progress = silent,
) -> int:
    """Score one checkpoint's outputs for a task, as far as scores are missing.

    No model is loaded. What a metric cannot judge is stored as NULL with the reason.

    Args:
        study: where outputs are and scores go.
        checkpoint: whose outputs.
        task: name of the task.
        metrics: made ready for the task's items.
        base: folder that the metrics' own files are looked up from later.
        progress: told of every block.

    Returns:
        The number of scores stored now.
    """
    # Truths first: if another process mends a reference in between, its score is
    # stored for a truth that counts no longer, not the other way round.
    truths = study.mapping(
        "SELECT id, refs_hash FROM items WHERE task = ? AND active", [task]
    )
    items = {item.id: item for item in stored_items(study, task) if item.id in truths}
    stored = 0
    for metric in metrics:
        # Its files are where the task's are now, though it may be known already.
        place = str(base) if base else None
        store_metric(study, describe(metric), place, replace=True)
        pending = _Pending(study, checkpoint, task, items, truths)
        if isinstance(metric, TextMetric):
            stored += pending.texts(metric, progress)
        elif isinstance(metric, LikelihoodMetric):
            stored += pending.likelihoods(metric)
    whole = [metric.signature for metric in metrics if isinstance(metric, Whole)]
    if whole:
        store_whole(study, task, checkpoint.id, whole)
    return stored


@dataclass(frozen=True, slots=True)
class _Pending:
    """The outputs and likelihoods of a checkpoint that still need scores."""

    study: StudyFile
    checkpoint: Checkpoint
    task: str
    items: Mapping[str, Item]
    truths: Mapping[str, str]

    def texts(self, metric: TextMetric, progress: Progress) -> int:
        done = self._done("output", metric)
        missing = [
            output
            for output in current_outputs(self.study, self.task, self.checkpoint.id)
            if output.item in self.items
            and output.id + self.truths[output.item] not in done
        ]
        label = f"{self.checkpoint.name}: {metric.name}"
        for start in range(0, len(missing), BLOCK):
            block = missing[start : start + BLOCK]
            tallies = metric.tallies([(self.items[o.item], o.text) for o in block])
            scores = [
                (self._score(metric, output.item, tally, output.id), output.item)
                for output, tally in zip(block, tallies, strict=True)
            ]
            store_scores(self.study, [(s, self.truths[item]) for s, item in scores])
            progress(label, start + len(block), len(missing))
        return len(missing)

    def likelihoods(self, metric: LikelihoodMetric) -> int:
        done = self._done("item", metric)
        found: dict[str, dict[str, Likelihood]] = {}
        for one in current_likelihoods(self.study, self.task, self.checkpoint.id):
            found.setdefault(one.item, {})[one.target] = one
        [settings] = self.study.column(
            "SELECT likelihood_settings FROM evaluations "
            "WHERE checkpoint = ? AND task = ?",
            [self.checkpoint.id, self.task],
        )
        scores = []
        for item in self.items.values():
            key = f"{self.truths[item.id]} {settings}"
            if item.id + key in done:
                continue
            tally = metric.tally_or_reason(item, found.get(item.id, {}))
            if tally is not None:
                scores.append((self._score(metric, item.id, tally), key))
        store_scores(self.study, scores)
        return len(scores)

    def _done(self, unit: str, metric: Metric) -> set[str]:
        return set(
            self.study.column(
                f"SELECT {unit} || key FROM scores "  # noqa: S608 - one of our columns
                "WHERE checkpoint = ? AND signature = ?",
                [self.checkpoint.id, metric.signature],
            )
        )

    def _score(
        self,
        metric: Tallied,
        item: str,
        tally: Tally | Unscorable,
        output: str | None = None,
    ) -> Score:
        known = (self.checkpoint.id, item, metric.signature, output)
        if isinstance(tally, Unscorable):
            return Score(*known, reason=str(tally))
        value = float(metric.output_value(np.asarray(tally, dtype=np.float64)))
        if not np.isfinite(value):
            return Score(*known, reason=f"the metric gives {value} for it")
        return Score(*known, value, tally)
