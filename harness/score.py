"""Score: judge outputs and likelihoods that a metric has not judged yet."""

from __future__ import annotations

from contextlib import closing
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

    No checkpoint is loaded. What a metric cannot judge is stored as NULL with the
    reason.

    Args:
        study: where outputs are and scores go.
        checkpoint: whose outputs.
        task: name of the task.
        metrics: made ready for the task's items.
        base: folder that the metrics' own files are looked up from later.
        progress: told of every group of outputs.

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
        judged = [(self.items[output.item], output.text) for output in missing]
        stored = 0
        with closing(metric.in_groups(judged)) as groups:
            for group in groups:
                tallies = [(missing[place], tally) for place, tally in group]
                scores = [
                    (self._score(metric, o.item, tally, o.id), self.truths[o.item])
                    for o, tally in tallies
                ]
                store_scores(self.study, scores)
                stored += len(scores)
                progress(label, stored, len(missing))
        return stored

    def likelihoods(self, metric: LikelihoodMetric) -> int:
        done = self._done("item", metric)
        found = {
            likelihood.item: likelihood
            for likelihood in current_likelihoods(
                self.study, self.task, self.checkpoint.id
            )
        }
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
            if not item.references:
                reason = Unscorable("the item has no reference")
                scores.append((self._score(metric, item.id, reason), key))
            elif item.id in found:
                tally = _tally(metric, found[item.id])
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


def _tally(metric: LikelihoodMetric, likelihood: Likelihood) -> Tally | Unscorable:
    if likelihood.reason is not None:
        return Unscorable(likelihood.reason)
    try:
        return metric.tally(likelihood)
    except Unscorable as reason:
        return reason
