"""Compare: two checkpoints on the same items, by every metric and criterion."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.errors import HarnessError, NotFound, Unscorable, UsageError
from harness.metrics import Tallied, Whole
from harness.metrics.imported import StoredMean
from harness.metrics.signatures import labels
from harness.progress import silent
from harness.reporting.combined import Asked, Combiner
from harness.reporting.compared import Changed, Compared, Comparison
from harness.reporting.estimates import Resampling, rebuild
from harness.reporting.evidence import Evidence, gather
from harness.reporting.item_sums import able, item_tallies
from harness.reporting.leading import two_combined
from harness.stats.bootstrap import WHOLE_DRAWS, undefined
from harness.stats.paired import (
    WHOLE_TRIALS,
    holm,
    paired_difference,
    paired_whole,
    randomisation_p,
)
from harness.study.checkpoints import find_checkpoint
from harness.study.items import stored_tasks

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from harness.metrics import Judged, Metric
    from harness.progress import Progress
    from harness.reporting.combined import Combined
    from harness.study import StudyFile
    from harness.types import Estimate, Tally

MOST_CHANGED = 5
SWAPS = 10
"""Random swaps behind a p, for each resample behind its interval."""
_SAME = 1e-12


def compare(  # noqa: PLR0913 - two checkpoints, and how they are compared
    study: StudyFile,
    first: str,
    second: str,
    *,
    task: str | None = None,
    draws: int = 1000,
    seed: int = 0,
    asked: Asked | None = None,
    progress: Progress = silent,
) -> list[Comparison]:
    """One paired comparison for each task that both checkpoints were evaluated on.

    Args:
        study: with scores, and ratings where there are some.
        first: name of a checkpoint, or SERIES/NAME.
        second: name of the checkpoint that is compared with it.
        task: only this task.
        draws: resamples behind each interval; each p has ten times as many swaps.
            Metrics of all outputs together have at most 200 and 500.
        seed: seed of both.
        asked: which metric's scores go with ratings, and what those intervals are
            about; None: the first metric that can, and prompts like these.
        progress: told of every metric, and of every value of all outputs.

    Raises:
        NotFound: no such checkpoint, task or metric; the nearest name is suggested.
        UsageError: they share no task, or are one and the same.
    """
    asked = (asked or Asked()).checked()
    ids = [find_checkpoint(study, name).id for name in (first, second)]
    if ids[0] == ids[1]:
        raise UsageError(f"'{first}' and '{second}' are the same checkpoint.")
    tasks = stored_tasks(study)
    if task is not None and task not in tasks:
        raise NotFound("task with outputs", task, tasks)
    found = []
    for name in tasks if task is None else [task]:
        evidence, metrics, notes = rebuild(gather(study, name))
        if all(id_ in evidence.outputs for id_ in ids):
            pair = _Pair(evidence, (ids[0], ids[1]), Resampling(draws, seed), progress)
            combiner = Combiner.of(evidence, metrics, asked)
            found.append(pair.comparison(metrics, notes, combiner))
    if not found:
        raise UsageError(f"'{first}' and '{second}' share no task; run both on one.")
    return found


@dataclass(frozen=True, slots=True)
class _Pair:
    evidence: Evidence
    ids: tuple[str, str]
    resampling: Resampling
    progress: Progress

    def comparison(
        self, metrics: Mapping[str, Metric], notes: Sequence[str], combiner: Combiner
    ) -> Comparison:
        names = labels(list(metrics))
        together = two_combined(combiner, self.ids)
        of = {one.criterion: one for one in together if one.kind == "criterion"}
        rows = [
            _with_t(self._by_criterion(name), of.get(name))
            for name in self.evidence.mean_ratings
        ]
        for number, (signature, metric) in enumerate(metrics.items()):
            self.progress("compare", number, len(metrics))
            row = None
            if isinstance(metric, Whole):
                row = self._by_whole(signature, metric)
            elif isinstance(metric, Tallied):
                row = self._by_tallied(signature, metric)
            if row:
                rows.append(replace(row, label=names[signature]))
        self.progress("compare", len(metrics), len(metrics))
        adjusted = holm([row.p for row in rows])
        by, changed = self._most_changed(metrics)
        return Comparison(
            task=self.evidence.task,
            first=self.evidence.labels[self.ids[0]],
            second=self.evidence.labels[self.ids[1]],
            rows=tuple(
                replace(row, p_holm=p) for row, p in zip(rows, adjusted, strict=True)
            ),
            changed_by=by,
            changed=tuple(changed),
            simulated=any(r.kind == "simulated" for r in self.evidence.ratings),
            notes=tuple(notes),
            combined=tuple(together),
            helper=names.get(combiner.metric or "", ""),
        )

    def _by_tallied(self, signature: str, metric: Tallied) -> Compared:
        scores = [self.evidence.scores[id_].get(signature) for id_ in self.ids]
        first, second = (item_tallies(metric, some) if some else {} for some in scores)
        row = self._compared("metric", signature, metric, (first, second))
        if self.evidence.descriptions[signature]["form"] == "whole":
            gone = undefined("the metric cannot be rebuilt")
            return replace(row, difference=gone, wins=None, ties=None, losses=None)
        asked = {item for some in scores if some for item in some.items}
        return _of(row, asked | set().union(*map(self._judged, self.ids)))

    def _by_criterion(self, criterion: str) -> Compared:
        rated = self.evidence.mean_ratings[criterion]
        sums: tuple[dict[str, Tally], dict[str, Tally]] = ({}, {})
        for found, id_ in zip(sums, self.ids, strict=True):
            for output in self.evidence.outputs[id_]:
                if output.id in rated:
                    tally = np.array([rated[output.id], 1.0])
                    found[output.item] = found.get(output.item, np.zeros(2)) + tally
        mean = StoredMean(name=criterion, stored_signature=criterion)
        row = self._compared("criterion", criterion, mean, sums)
        return _of(row, sums[0].keys() | sums[1].keys())

    def _compared(
        self,
        kind: Literal["metric", "criterion"],
        signature: str,
        metric: Tallied,
        tallies: tuple[Mapping[str, Tally], Mapping[str, Tally]],
    ) -> Compared:
        first, second = tallies
        shared = [item for item in first if item in second]
        draws, seed = self.resampling.draws, self.resampling.seed
        if not shared:
            judged = "rated" if kind == "criterion" else "scored"
            difference = undefined(f"no item was {judged} for both")
            return _row(kind, signature, metric, difference, np.empty(0))
        a, b = (np.array([found[item] for item in shared]) for found in tallies)
        # Resamples may leave a metric without anything to divide by.
        with np.errstate(all="ignore"):
            difference = paired_difference(a, b, metric.value, draws=draws, seed=seed)
            p = randomisation_p(a, b, metric.value, trials=SWAPS * draws, seed=seed)
            gaps = metric.output_value(b) - metric.output_value(a)
        row = _row(kind, signature, metric, difference, gaps)
        return _with_p(row, p, SWAPS * draws)

    def _by_whole(self, signature: str, metric: Whole) -> Compared:
        written = [self._judged(id_) for id_ in self.ids]
        first, second = (able(metric, found) for found in written)
        shared = [item for item in first if item in second]
        groups = [found[item] for found in (first, second) for item in shared]
        draws = min(self.resampling.draws, WHOLE_DRAWS)
        trials = min(SWAPS * draws, WHOLE_TRIALS)
        done, values = count(1), 2 * (1 + draws + trials)
        reasons: list[str] = []

        def value_of(rows: NDArray[np.intp]) -> float:
            self.progress(f"compare: {metric.name}", next(done), values)
            try:
                judged = [one for row in rows for one in groups[row]]
                return metric.value_or_error(judged)
            except Unscorable as reason:
                reasons.append(str(reason))
                return float("nan")

        try:
            difference, p = paired_whole(
                len(shared),
                value_of,
                draws=draws,
                trials=trials,
                seed=self.resampling.seed,
            )
        except HarnessError as error:
            difference, p = undefined(str(error)), None
        if difference.value is None and reasons:
            difference = undefined(reasons[0])
        row = _row("metric", signature, metric, difference, None)
        return _of(_with_p(row, p, trials), written[0].keys() | written[1].keys())

    def _judged(self, checkpoint: str) -> dict[str, list[Judged]]:
        """Item to what the checkpoint wrote for it."""
        found: dict[str, list[Judged]] = {}
        for output in self.evidence.outputs[checkpoint]:
            judged = (self.evidence.items[output.item], output.text)
            found.setdefault(output.item, []).append(judged)
        return found

    def _most_changed(
        self, metrics: Mapping[str, Metric]
    ) -> tuple[str | None, list[Changed]]:
        """By the first metric of outputs that tells any of them apart."""
        for signature, metric in metrics.items():
            of_outputs = not self.evidence.of_likelihoods(signature)
            if isinstance(metric, Tallied) and metric.directed and of_outputs:
                changed = self._changed(signature, metric)
                if changed:
                    return signature, changed
        return None, []

    def _changed(self, signature: str, metric: Tallied) -> list[Changed]:
        sign = 1.0 if metric.higher_is_better else -1.0
        value = self.evidence.output_scores[signature]
        before = {(o.item, o.sample): o for o in self.evidence.outputs[self.ids[0]]}
        found = []
        for after in self.evidence.outputs[self.ids[1]]:
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


def _row(
    kind: Literal["metric", "criterion"],
    signature: str,
    metric: Metric,
    difference: Estimate,
    gaps: Tally | None,
) -> Compared:
    """A row without p; `gaps` are second minus first, item by item."""
    won = tied = lost = None
    if gaps is not None and metric.directed:
        gains = np.nan_to_num(gaps if metric.higher_is_better else -gaps)
        won, lost = int((gains > _SAME).sum()), int((gains < -_SAME).sum())
        tied = len(gaps) - won - lost
    return Compared(
        kind=kind,
        name=metric.name,
        label=metric.name,
        signature=signature,
        higher_is_better=metric.higher_is_better,
        directed=metric.directed,
        difference=difference,
        p=None,
        p_holm=None,
        wins=won,
        ties=tied,
        losses=lost,
    )


def _with_t(row: Compared, together: Combined | None) -> Compared:
    """A criterion's row as ratings and scores together have it, where they can."""
    if together is None or together.both.low is None:
        return row
    made = together.both.as_estimate()
    p = together.both.p_value()
    # Equal ratings have an exact interval and no t.
    by = row.difference.method.partition("; ")[2] if p is None else "p by t"
    made = replace(made, dropped=row.difference.dropped, method=f"{made.method}; {by}")
    return replace(row, difference=made, p=row.p if p is None else p)


def _with_p(row: Compared, p: float | None, trials: int) -> Compared:
    if p is None:
        return row
    method = f"{row.difference.method}; p by {trials:,} random swaps"
    return replace(row, difference=replace(row.difference, method=method), p=p)


def _of(row: Compared, items: Collection[str]) -> Compared:
    """The row with the items counted that it does not rest on."""
    dropped = len(items) - row.difference.n
    return replace(row, difference=replace(row.difference, dropped=dropped))
