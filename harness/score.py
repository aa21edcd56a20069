"""Score: judge outputs and likelihoods that a metric has not judged yet."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import FAILURES, MetricError, Unscorable
from harness.metrics import LikelihoodMetric, TextMetric, Whole, describe
from harness.metrics.base import failed
from harness.progress import silent
from harness.study.items import stored_items
from harness.study.outputs import current_likelihoods, current_outputs
from harness.study.scores import store_metric, store_scores, store_whole
from harness.types import Score, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from harness.metrics import Metric, Tallied
    from harness.progress import Progress
    from harness.study import StudyFile
    from harness.types import Checkpoint, Item, Likelihood, Output


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
    reason. A metric that fails does not keep the others from scoring.

    Args:
        study: where outputs are and scores go.
        checkpoint: whose outputs.
        task: name of the task.
        metrics: made ready for the task's items.
        base: folder that the metrics' own files are looked up from later.
        progress: told of every group of outputs.

    Returns:
        The number of scores stored now.

    Raises:
        MetricError: the first metric's that failed.
    """
    register_metrics(study, metrics, base)
    scoring = Scoring.of(study, checkpoint, task)
    stored, failures = 0, []
    for metric in metrics:
        try:
            if isinstance(metric, TextMetric):
                stored += scoring.texts(metric, scoring.missing(metric), progress)
            elif isinstance(metric, LikelihoodMetric):
                stored += scoring.likelihoods(metric)
        except MetricError as error:
            failures.append(error)
    whole = [metric.signature for metric in metrics if isinstance(metric, Whole)]
    if whole:
        store_whole(study, task, checkpoint.id, whole)
    if failures:
        raise failures[0]
    return stored


def register_metrics(
    study: StudyFile, metrics: Iterable[Metric], base: Path | None
) -> None:
    """Store what is needed to make the metrics again; scores refer to it.

    Their files are where the task's are now, though a metric may be known already.
    """
    for metric in metrics:
        place = str(base) if base else None
        store_metric(study, describe(metric), place, replace=True)


@dataclass(frozen=True, slots=True)
class Scoring:
    """What a checkpoint wrote for a task, and the truths that it is measured by."""

    study: StudyFile
    """Where scores go."""
    checkpoint: Checkpoint
    """Whose outputs."""
    task: str
    """Name of the task."""
    items: Mapping[str, Item]
    """Id to item, of those that are reported."""
    truths: Mapping[str, str]
    """Id of an item to the hash of its references and columns."""

    @classmethod
    def of(cls, study: StudyFile, checkpoint: Checkpoint, task: str) -> Scoring:
        """With the items and truths that the study holds now."""
        # Truths first: if another process mends a reference in between, its score is
        # stored for a truth that counts no longer, not the other way round.
        truths = study.mapping(
            "SELECT id, refs_hash FROM items WHERE task = ? AND active", [task]
        )
        items = {i.id: i for i in stored_items(study, task) if i.id in truths}
        return cls(study, checkpoint, task, items, truths)

    def missing(self, metric: TextMetric) -> list[Output]:
        """The outputs that the metric has not judged yet."""
        done = self._done("output", metric)
        return [
            output
            for output in current_outputs(self.study, self.task, self.checkpoint.id)
            if output.item in self.items
            and output.id + self.truths[output.item] not in done
        ]

    def texts(
        self,
        metric: TextMetric,
        outputs: Sequence[Output],
        progress: Progress = silent,
    ) -> int:
        """Judge these outputs and store the scores; returns their number."""
        label = f"{self.checkpoint.name}: {metric.name}"
        judged = [(self.items[output.item], output.text) for output in outputs]
        stored = 0
        with closing(metric.in_groups(judged)) as groups:
            for group in groups:
                tallies = [(outputs[place], tally) for place, tally in group]
                scores = [
                    (self._score(metric, o.item, tally, o.id), self.truths[o.item])
                    for o, tally in tallies
                ]
                store_scores(self.study, scores)
                stored += len(scores)
                progress(label, stored, len(outputs))
        return stored

    def likelihoods(self, metric: LikelihoodMetric) -> int:
        """Judge what the metric has not judged yet; returns the number of scores."""
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
        try:
            # As it is read back: a user's metric may give whole numbers, or a list.
            tally = np.asarray(tally, dtype=np.float64).reshape(-1)
            value = float(metric.output_value(tally))
        except FAILURES as error:
            raise failed(metric, self.items[item], error) from error
        if not np.isfinite(value):
            return Score(*known, reason=f"the metric gives {value} for it")
        return Score(*known, value, tally)
