"""Each checkpoint's metrics and mean ratings, and how far the best is ahead."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import FAILURES, HarnessError, MetricError, Unscorable
from harness.metrics import Tallied, Whole, from_description
from harness.metrics.imported import StoredMean
from harness.reporting.by_rater import ratings_of
from harness.reporting.formats import counted
from harness.reporting.item_sums import item_sums, item_tallies
from harness.reporting.lead import Lead
from harness.reporting.rating_means import means_by_checkpoint
from harness.stats.bootstrap import (
    corpus_estimates,
    undefined,
    whole_estimate,
)
from harness.stats.crossed import rating_difference
from harness.stats.paired import paired_difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from harness.metrics import Metric
    from harness.reporting.evidence import Evidence
    from harness.reporting.item_sums import ItemSums
    from harness.stats.correlation import Over
    from harness.study.scores import Scores
    from harness.types import Estimate

    Floats = NDArray[np.float64]

_LEVEL = 1e-9
"""Mean difference below which two checkpoints are level."""


@dataclass(frozen=True, slots=True)
class Resampling:
    """How intervals are made."""

    draws: int = 1000
    """Resamples behind each interval."""
    seed: int = 0
    """Seed of the resamples."""
    over: Over = "items"
    """What the agreement of metrics with people resamples."""


def rebuild(evidence: Evidence) -> tuple[Evidence, dict[str, Metric], list[str]]:
    """The metrics that gave the scores, and what to note of those that are gone.

    The mean of its values for single outputs stands in for a metric that cannot be
    rebuilt; the evidence comes back with tallies of such means.
    """
    found: dict[str, Metric] = {}
    notes = []
    for signature in evidence.signatures:
        description = evidence.descriptions[signature]
        try:
            metric = from_description(description, Path(description["base"] or "."))
            _check(metric, evidence)
            found[signature] = metric
        except HarnessError as error:
            found[signature] = StoredMean(
                name=description["name"],
                stored_signature=signature,
                higher_is_better=description["higher_is_better"],
                unit=description["unit"],
            )
            evidence = _as_means(evidence, signature)
            stand_in = (
                "there is no corpus value"
                if description["form"] == "whole"
                else "the mean of its values for single outputs stands in"
            )
            notes.append(
                f"{description['name']} cannot be rebuilt: {stand_in}. {error}"
            )
    return evidence, found, notes


def _check(metric: Metric, evidence: Evidence) -> None:
    """Refuse a metric of a user's that cannot value many tallies at once.

    Raises:
        MetricError: says what is wrong.
    """
    if not isinstance(metric, Tallied):
        return
    found = [found.get(metric.signature) for found in evidence.scores.values()]
    parts = [scores.tallies for scores in found if scores and scores.tallied.any()]
    if not parts:
        return
    try:
        with np.errstate(all="ignore"):
            tallies = np.concatenate(parts)
            shape = np.shape(metric.value(tallies))
    except FAILURES as error:
        raise MetricError(metric.name, "fails on several tallies", error) from error
    if shape != (len(tallies),):
        raise MetricError(
            metric.name, f"gives values of shape {shape} for {len(tallies)} tallies"
        )


def _as_means(evidence: Evidence, signature: str) -> Evidence:
    return replace(
        evidence,
        scores={
            checkpoint: {
                own: scores.as_means() if own == signature else scores
                for own, scores in by_signature.items()
            }
            for checkpoint, by_signature in evidence.scores.items()
        },
    )


@dataclass(frozen=True, slots=True)
class Estimator:
    """Estimates with intervals from what counts for a task."""

    evidence: Evidence
    """What counts."""
    metrics: Mapping[str, Metric]
    """Signature to metric."""
    resampling: Resampling
    """How intervals are made."""
    scaled: bool = True
    """Whether ratings lie on the scale that raters saw."""

    def metric_values(self, checkpoint: str) -> dict[str, Estimate]:
        """Signature to corpus value of a checkpoint, `n` counting what was judged."""
        return self.values_of([checkpoint])[checkpoint]

    def values_of(self, checkpoints: Sequence[str]) -> dict[str, dict[str, Estimate]]:
        """Id of each checkpoint to its `metric_values`."""
        found: dict[str, dict[str, Estimate]] = {id_: {} for id_ in checkpoints}
        for signature, metric in self.metrics.items():
            for id_, estimate in self._of_metric(signature, metric, checkpoints):
                found[id_][signature] = estimate
        return found

    def _of_metric(
        self, signature: str, metric: Metric, checkpoints: Sequence[str]
    ) -> Iterator[tuple[str, Estimate]]:
        scores = self.evidence.scores
        if isinstance(metric, Tallied):
            scored = [id_ for id_ in checkpoints if signature in scores[id_]]
            found = self._tallied(metric, [scores[id_][signature] for id_ in scored])
            yield from zip(scored, found, strict=True)
            checkpoints = [id_ for id_ in checkpoints if id_ not in scored]
        for id_ in checkpoints:
            if signature not in self.evidence.whole.get(id_, ()):
                continue
            if isinstance(metric, Whole):
                yield id_, self._whole(metric, id_)
            else:
                yield id_, undefined("the metric cannot be rebuilt")

    def ratings(self) -> dict[str, dict[str, Estimate]]:
        """Id of each checkpoint to criterion to mean rating."""
        found: dict[str, dict[str, Estimate]] = {
            checkpoint.id: {} for checkpoint in self.evidence.checkpoints
        }
        means = means_by_checkpoint(self.evidence, scaled=self.scaled)
        for criterion, by_id in means.items():
            for id_, mean in by_id.items():
                found[id_][criterion] = mean
        return found

    def metric_lead(self, signature: str, best: str, second: str) -> Estimate:
        """How much better one checkpoint is than another by a tallied metric.

        Both are resampled with the same items, so that what makes an item hard for
        both cancels out.
        """
        metric = self.metrics[signature]
        if not isinstance(metric, Tallied):
            return undefined("no paired difference of metrics of all outputs together")
        first, other = (
            item_tallies(metric, self.evidence.scores[checkpoint][signature])
            if signature in self.evidence.scores[checkpoint]
            else {}
            for checkpoint in (best, second)
        )
        shared = [item for item in first if item in other]
        if not shared:
            return undefined("the two checkpoints share no judged item")
        sign = 1.0 if metric.higher_is_better else -1.0
        # Resamples may leave a metric without anything to divide by.
        with np.errstate(all="ignore"):
            return paired_difference(
                [other[item] for item in shared],
                [first[item] for item in shared],
                lambda tally: sign * metric.value(tally),
                draws=self.resampling.draws,
                seed=self.resampling.seed,
            )

    def rating_lead(self, criterion: str, best: str, second: str) -> Lead:
        """How much better one checkpoint is rated than another on shared items."""
        first, *_ = self.item_ratings(best, criterion)
        other, *_ = self.item_ratings(second, criterion)
        gaps = np.array([first[item] - other[item] for item in first if item in other])
        estimate = rating_difference(
            *(ratings_of(self.evidence, criterion, [one]) for one in (best, second)),
            draws=self.resampling.draws,
            seed=self.resampling.seed,
        )
        return Lead(
            kind="criterion",
            by=criterion,
            best=self.evidence.labels[best],
            second=self.evidence.labels[second],
            difference=estimate,
            needed=items_needed(gaps),
        )

    def item_ratings(
        self, checkpoint: str, criterion: str
    ) -> tuple[dict[str, float], int, int]:
        """Item to mean rating of its outputs, and outputs rated and skipped."""
        rated = self.evidence.mean_ratings[criterion]
        by_item: dict[str, list[float]] = {}
        skipped = 0
        for output in self.evidence.outputs[checkpoint]:
            if output.id in rated:
                by_item.setdefault(output.item, []).append(rated[output.id])
            elif (output.id, criterion) in self.evidence.skipped:
                skipped += 1
        means = {item: sum(some) / len(some) for item, some in by_item.items()}
        return means, sum(map(len, by_item.values())), skipped

    def _tallied(self, metric: Tallied, scores: Sequence[Scores]) -> list[Estimate]:
        made = [item_sums(metric, some) for some in scores]
        # Resamples may leave a metric without anything to divide by.
        with np.errstate(all="ignore"):
            estimates = corpus_estimates(
                [one.sums for one in made],
                metric.value,
                draws=self.resampling.draws,
                seed=self.resampling.seed,
            )
        return [
            _with_counts(estimate, one, len(some))
            for estimate, one, some in zip(estimates, made, scores, strict=True)
        ]

    def _whole(self, metric: Whole, checkpoint: str) -> Estimate:
        found = [
            (self.evidence.items[o.item], o.text)
            for o in self.evidence.outputs[checkpoint]
        ]
        reasons = [metric.reason(*one) for one in found]
        judged = [one for one, no in zip(found, reasons, strict=True) if no is None]
        dropped = len(found) - len(judged)
        if found and not judged:
            return undefined(str(reasons[0]), dropped=dropped)

        def value_of(rows: NDArray[np.intp]) -> float:
            # A resample repeats items and lacks others, which not all metrics bear.
            try:
                return metric.value_or_error([judged[row] for row in rows])
            except (Unscorable, MetricError):
                return float("nan")

        try:
            metric.value_or_error(judged)
            estimate = whole_estimate(
                len(judged),
                value_of,
                groups=[item.id for item, _ in judged],
                draws=self.resampling.draws,
                seed=self.resampling.seed,
            )
        except (Unscorable, HarnessError) as reason:
            return undefined(str(reason), dropped=len(found))
        return replace(estimate, n=len(judged), dropped=dropped)


def leads(
    estimator: Estimator,
    metrics: Mapping[str, Mapping[str, Estimate]],
    human: Mapping[str, Mapping[str, Estimate]],
) -> list[Lead]:
    """Best against next best checkpoint, by each criterion and each metric.

    Args:
        estimator: makes the intervals of the differences.
        metrics: id of the checkpoint to signature to value.
        human: id of the checkpoint to criterion to mean rating.
    """
    found = []
    for criterion in estimator.evidence.mean_ratings:
        first = _best_two(human, criterion, higher=True)
        if first:
            found.append(estimator.rating_lead(criterion, *first))
    labels = estimator.evidence.labels
    for signature, metric in estimator.metrics.items():
        first = _best_two(metrics, signature, higher=metric.higher_is_better)
        if first and metric.directed:
            found.append(
                Lead(
                    kind="metric",
                    by=signature,
                    best=labels[first[0]],
                    second=labels[first[1]],
                    difference=estimator.metric_lead(signature, *first),
                )
            )
    return found


def items_needed(gaps: Floats) -> int | None:
    """Items that would show a mean difference of this size with 80 % power.

    Normal approximation, two-sided at 5 %: (1.96 + 0.84)² variance / mean². A rough
    guide, since the difference itself is uncertain.

    Args:
        gaps: shape (items,), differences of shared items.

    Returns:
        None with fewer than two items, or where the mean difference is 0.
    """
    if gaps.size < 2 or abs(gaps.mean()) < _LEVEL:  # noqa: PLR2004 - for a variance
        return None
    return ceil((1.96 + 0.8416) ** 2 * float(gaps.var(ddof=1) / gaps.mean() ** 2))


def _best_two(
    values: Mapping[str, Mapping[str, Estimate]], name: str, *, higher: bool
) -> tuple[str, str] | None:
    known = [
        (estimates[name].value or 0.0, checkpoint)
        for checkpoint, estimates in values.items()
        if name in estimates and estimates[name].value is not None
    ]
    if len(known) < 2:  # noqa: PLR2004 - best and next best
        return None
    # Sorting is stable: of equal ones, the earlier checkpoint comes first.
    first, second, *_ = sorted(known, key=lambda pair: pair[0], reverse=higher)
    return first[1], second[1]


def _with_counts(estimate: Estimate, found: ItemSums, scores: int) -> Estimate:
    dropped = scores - found.judged
    lacking = counted(len(found.lacking), "item")
    why = f"{lacking} left out: {'; '.join(sorted(set(found.lacking.values())))}"
    if not found.items:
        reason = why if found.lacking else "no output could be judged"
        return undefined(reason, dropped=dropped)
    method = f"{estimate.method}; {why}" if found.lacking else estimate.method
    return replace(estimate, n=found.judged, dropped=dropped, method=method)
