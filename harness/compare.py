"""Compare: two checkpoints on the same items, by every metric and criterion."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.errors import NotFound, UsageError
from harness.metrics import Tallied
from harness.metrics.imported import StoredMean
from harness.reporting.estimates import Resampling, item_tallies, rebuild
from harness.reporting.evidence import Evidence, gather
from harness.reporting.formats import labels
from harness.stats.paired import holm, paired_difference, randomisation_p
from harness.study.checkpoints import find_checkpoint
from harness.study.items import stored_tasks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.study import StudyFile
    from harness.types import Estimate, Tally

LEVEL = 0.05
MOST_CHANGED = 5


@dataclass(frozen=True, slots=True)
class Compared:
    """Two checkpoints by one metric or criterion; the second minus the first."""

    kind: Literal["metric", "criterion"]
    """Whether a program or raters judged."""
    name: str
    """The criterion, or the metric with the settings that tell it from others."""
    signature: str
    """The metric with all its settings; the criterion again."""
    higher_is_better: bool
    """Whether more of it is better."""
    difference: Estimate
    """Second minus first, with its paired bootstrap interval over shared items."""
    p: float | None
    """Approximate randomisation, two-sided; None where nothing is shared."""
    p_holm: float | None
    """The same, adjusted for the number of metrics and criteria compared."""
    wins: int
    """Items on which the second is better."""
    ties: int
    """Items on which they are equal."""
    losses: int
    """Items on which the first is better."""

    @property
    def better(self) -> Literal["first", "second"] | None:
        """Who is better by the adjusted p; None if that is not clear."""
        if self.p_holm is None or self.p_holm > LEVEL or not self.difference.value:
            return None
        ahead = (self.difference.value > 0) == self.higher_is_better
        return "second" if ahead else "first"


@dataclass(frozen=True, slots=True)
class Changed:
    """An item whose score changed much from the first to the second checkpoint."""

    item: str
    """Key of the item."""
    prompt: str
    """Its prompt."""
    references: tuple[str, ...]
    """Right answers; may be empty."""
    first: str
    """What the first checkpoint wrote."""
    second: str
    """What the second checkpoint wrote."""
    gain: float
    """Score of the second minus that of the first; above 0 is better."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two checkpoints on one task."""

    task: str
    """Name of the task."""
    first: str
    """Label of the first checkpoint."""
    second: str
    """Label of the second checkpoint."""
    rows: tuple[Compared, ...]
    """Criteria, then metrics, in the order of the study."""
    changed_by: str | None
    """Signature of the metric that orders `changed`: the first of outputs by which one
    has changed. None if there is none."""
    changed: tuple[Changed, ...]
    """Items that changed most, the largest change first."""
    simulated: bool
    """Whether ratings among these were made up by a program."""


def compare(
    study: StudyFile,
    first: str,
    second: str,
    *,
    task: str | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> list[Comparison]:
    """One paired comparison for each task that both checkpoints were evaluated on.

    Args:
        study: with scores, and ratings where there are some.
        first: name of a checkpoint, or SERIES/NAME.
        second: name of the checkpoint that is compared with it.
        task: only this task.
        draws: resamples behind each interval; each p has ten times as many swaps.
        seed: seed of both.

    Raises:
        NotFound: no such checkpoint or task; the nearest name is suggested.
        UsageError: they share no task, or are one and the same.
    """
    ids = [find_checkpoint(study, name).id for name in (first, second)]
    if ids[0] == ids[1]:
        raise UsageError(f"'{first}' and '{second}' are the same checkpoint.")
    tasks = stored_tasks(study)
    if task is not None and task not in tasks:
        raise NotFound("task with outputs", task, tasks)
    found = []
    for name in tasks if task is None else [task]:
        evidence, metrics, _ = rebuild(gather(study, name))
        if all(id_ in evidence.outputs for id_ in ids):
            pair = _Pair(evidence, ids[0], ids[1], Resampling(draws, seed))
            found.append(pair.comparison(metrics))
    if not found:
        raise UsageError(f"'{first}' and '{second}' share no task; run both on one.")
    return found


@dataclass(frozen=True, slots=True)
class _Pair:
    evidence: Evidence
    first: str
    second: str
    resampling: Resampling

    def comparison(self, metrics: Mapping[str, object]) -> Comparison:
        tallied = {s: m for s, m in metrics.items() if isinstance(m, Tallied)}
        rows = [self._by_criterion(name) for name in self.evidence.mean_ratings]
        names = labels(list(tallied))
        rows += [self._by_metric(s, m, names[s]) for s, m in tallied.items()]
        adjusted = holm([row.p for row in rows])
        changes = {
            signature: found
            for signature, metric in tallied.items()
            if not self.evidence.of_likelihoods(signature)
            and (found := self._changed(signature, metric))
        }
        by = next(iter(changes), None)
        checkpoints = self.evidence.labels
        return Comparison(
            task=self.evidence.task,
            first=checkpoints[self.first],
            second=checkpoints[self.second],
            rows=tuple(
                replace(row, p_holm=p) for row, p in zip(rows, adjusted, strict=True)
            ),
            changed_by=by,
            changed=tuple(changes[by]) if by else (),
            simulated=any(r.kind == "simulated" for r in self.evidence.ratings),
        )

    def _by_metric(self, signature: str, metric: Tallied, name: str) -> Compared:
        scores = self.evidence.scores
        sums = [
            item_tallies(metric, scores[id_].get(signature, ()))[0]
            for id_ in (self.first, self.second)
        ]
        found = self._compared("metric", signature, metric, sums)
        return replace(found, name=name)

    def _by_criterion(self, criterion: str) -> Compared:
        rated = self.evidence.mean_ratings[criterion]
        sums: list[dict[str, Tally]] = [{}, {}]
        for found, id_ in zip(sums, (self.first, self.second), strict=True):
            for output in self.evidence.outputs[id_]:
                if output.id in rated:
                    tally = np.array([rated[output.id], 1.0])
                    found[output.item] = found.get(output.item, np.zeros(2)) + tally
        mean = StoredMean(name=criterion, stored_signature=criterion)
        return self._compared("criterion", criterion, mean, sums)

    def _compared(
        self,
        kind: Literal["metric", "criterion"],
        signature: str,
        metric: Tallied,
        sums: Sequence[Mapping[str, Tally]],
    ) -> Compared:
        shared = [item for item in sums[0] if item in sums[1]]
        empty = np.empty((0, 1))
        a, b = (
            np.array([found[item] for item in shared]) if shared else empty
            for found in sums
        )
        draws, seed = self.resampling.draws, self.resampling.seed
        # Resamples may leave a metric without anything to divide by.
        with np.errstate(all="ignore"):
            difference = paired_difference(a, b, metric.value, draws=draws, seed=seed)
            p = randomisation_p(a, b, metric.value, trials=10 * draws, seed=seed)
            gains = self._gains(metric, a, b) if shared else np.empty(0)
        return Compared(
            kind=kind,
            name=metric.name,
            signature=signature,
            higher_is_better=metric.higher_is_better,
            difference=difference,
            p=p,
            p_holm=None,
            wins=int((gains > 0).sum()),
            ties=int((gains == 0).sum()),
            losses=int((gains < 0).sum()),
        )

    def _gains(self, metric: Tallied, a: Tally, b: Tally) -> Tally:
        sign = 1.0 if metric.higher_is_better else -1.0
        return np.nan_to_num(sign * (metric.output_value(b) - metric.output_value(a)))

    def _changed(self, signature: str, metric: Tallied) -> list[Changed]:
        sign = 1.0 if metric.higher_is_better else -1.0
        value = self.evidence.output_scores[signature]
        before = {(o.item, o.sample): o for o in self.evidence.outputs[self.first]}
        found = []
        for after in self.evidence.outputs[self.second]:
            old = before.get((after.item, after.sample))
            if old is None or old.id not in value or after.id not in value:
                continue
            item = self.evidence.items[after.item]
            found.append(
                Changed(
                    item=item.key,
                    prompt=item.prompt,
                    references=item.references,
                    first=old.text,
                    second=after.text,
                    gain=sign * (value[after.id] - value[old.id]),
                )
            )
        found.sort(key=lambda one: -abs(one.gain))
        return [one for one in found[:MOST_CHANGED] if one.gain]
