"""Where metric and raters part ways over training, and how that is said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from harness.metrics import Tallied
from harness.reporting.formats import interval, number, on_one_line, places
from harness.reporting.item_sums import item_sums
from harness.reporting.model import Parting
from harness.stats.partings import LEVEL, changes
from harness.stats.partings import partings as partings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from harness.reporting.estimates import Estimator
    from harness.reporting.model import TaskReport
    from harness.stats.partings import Changes, Parted
    from harness.types import Checkpoint, Estimate

    Floats = NDArray[np.float64]
    Run = list[Checkpoint]
    Judged = tuple[Sequence[str], Floats]

SHOWN = 8
"""Partings that are told one by one."""


def partings(estimator: Estimator) -> tuple[Parting, ...]:
    """Stretches over which a metric surely rose and ratings fell, or the reverse.

    The surest first. Metrics without tallies or direction, checkpoints without steps
    and preferences are not looked at.
    """
    evidence = estimator.evidence
    runs = _runs(evidence.checkpoints)
    criteria = list(evidence.mean_ratings)
    rated = [_of_criterion(estimator, criterion, runs) for criterion in criteria]
    # Adjusted p-values are never smaller, so that metrics need not be looked at.
    if not any(
        one.p is not None and one.p <= LEVEL for c in rated for one in c.values()
    ):
        return ()
    metrics = {
        signature: metric
        for signature, metric in estimator.metrics.items()
        if isinstance(metric, Tallied) and metric.directed
    }
    measured = [_of_metric(estimator, s, m, runs) for s, m in metrics.items()]
    found = [
        _parting(estimator, runs, [*metrics][one.metric], criteria[one.criterion], one)
        for one in partings_of(measured, rated)
    ]
    return tuple(filter(_is_seen, found))


def _parting(
    estimator: Estimator,
    runs: Sequence[Run],
    signature: str,
    criterion: str,
    found: Parted,
) -> Parting:
    run = runs[found.stretch.series]
    start, end = run[found.stretch.start], run[found.stretch.end]
    labels = estimator.evidence.labels
    return Parting(
        series=start.series,
        start=labels[start.id],
        end=labels[end.id],
        steps=(start.step or 0, end.step or 0),
        to_the_end=end.step == run[-1].step,
        signature=signature,
        criterion=criterion,
        metric=estimator.metric_lead(signature, end.id, start.id),
        ratings=estimator.rating_lead(criterion, end.id, start.id).difference,
    )


def _is_seen(one: Parting) -> bool:
    """Whether the intervals that are shown exclude 0, too, on opposite sides."""
    up, down = one.metric, one.ratings
    if (up.value or 0.0) < 0:
        up, down = down, up
    return up.low is not None and up.low > 0 and down.high is not None and down.high < 0


def _runs(checkpoints: Sequence[Checkpoint]) -> list[Run]:
    """The checkpoints with steps of each series, in the order of training."""
    runs: dict[str, Run] = {}
    for one in checkpoints:
        if one.step is not None:
            runs.setdefault(one.series, []).append(one)
    return list(runs.values())


def _of_criterion(estimator: Estimator, criterion: str, runs: Sequence[Run]) -> Changes:
    def mean(tally: Floats) -> Floats:
        quotient: Floats = tally[..., 0] / tally[..., 1]
        return quotient

    evidence = estimator.evidence
    names, given = list(evidence.items), evidence.rating_values[criterion]
    row, column = evidence.cells
    number = {one.id: at for at, one in enumerate(evidence.checkpoints)}

    def rated(checkpoint: Checkpoint) -> Judged:
        own = slice(*np.searchsorted(row, number[checkpoint.id] + np.arange(2)))
        known = ~np.isnan(given[own])
        item, values = column[own][known], given[own][known]
        counts = np.bincount(item, minlength=len(names))
        some = np.flatnonzero(counts)
        means = np.bincount(item, values, len(names))[some] / counts[some]
        return [names[at] for at in some], np.stack([means, np.ones(len(some))], axis=1)

    return _changes(runs, rated, mean)


def _of_metric(
    estimator: Estimator, signature: str, metric: Tallied, runs: Sequence[Run]
) -> Changes:
    sign = 1.0 if metric.higher_is_better else -1.0

    def judged(checkpoint: Checkpoint) -> Judged:
        scores = estimator.evidence.scores[checkpoint.id].get(signature)
        if not scores:
            return [], np.empty((0, 0))
        found = item_sums(metric, scores)
        return found.items, found.sums

    def turned(tally: Floats) -> Floats:
        return sign * metric.value(tally)

    return _changes(runs, judged, turned)


def _changes(
    runs: Sequence[Run],
    tallies_of: Callable[[Checkpoint], Judged],
    value: Callable[[Floats], Floats],
) -> Changes:
    found: Changes = {}
    for number_, run in enumerate(runs):
        rows = [tallies_of(checkpoint) for checkpoint in run]
        items = _every([some for some, _ in rows])
        if len(run) < 2 or not items:  # noqa: PLR2004 - a change needs two
            continue
        place = {item: number for number, item in enumerate(items)}
        width = max(sums.shape[1] for some, sums in rows if some)
        table = np.full((len(run), len(items), width), np.nan)
        names = list(items)
        for row, (some, sums) in zip(table, rows, strict=True):
            if some == names:
                row[:] = sums
            elif some:
                row[[place[item] for item in some]] = sums
        steps = [checkpoint.step or 0 for checkpoint in run]
        # A metric may have nothing to divide by, which is no change then.
        with np.errstate(all="ignore"):
            found |= changes(table, value, series=number_, steps=steps)
    return found


def _every(rows: Sequence[Sequence[str]]) -> Sequence[str]:
    """The items of any row, in the order of their first; mostly all have the same."""
    first = rows[0] if rows else []
    if all(one == first for one in rows):
        return first
    return list(dict.fromkeys(item for some in rows for item in some))


def said(task: TaskReport, one: Parting) -> str:
    """`chrf rises from step 900 on (+2.1 [...]) while ratings of meaning fall (...)`.

    The change of a metric is told as it is, not turned.
    """
    metric = task.metric(one.signature)
    better = (one.metric.value or 0.0) > 0
    verb = "rises" if better == metric.higher_is_better else "falls"
    if not metric.higher_is_better:
        verb += ", which is better," if better else ", which is worse,"
    start, end = one.steps
    where = f"from step {start:,} " + ("on" if one.to_the_end else f"to {end:,}")
    if len({checkpoint.series for checkpoint in task.checkpoints}) > 1:
        where += f" of {on_one_line(one.series)}"
    return (
        f"{on_one_line(metric.label)} {verb} {where} "
        f"({_change(_as_it_is(one.metric, metric.sign))}) while ratings of "
        f"{on_one_line(one.criterion)} {'fall' if better else 'rise'} "
        f"({_change(one.ratings)})"
    )


def all_said(task: TaskReport) -> list[str]:
    """A sentence for each of the surest, and how many there are more."""
    found = [f"{said(task, one)}." for one in task.partings[:SHOWN]]
    left = len(task.partings) - len(found)
    return [*found, f"{left:,} more: see the JSON report."] if left else found


def _as_it_is(turned: Estimate, sign: int) -> Estimate:
    if sign > 0 or turned.value is None or turned.low is None or turned.high is None:
        return turned
    return replace(turned, value=-turned.value, low=-turned.high, high=-turned.low)


def _change(estimate: Estimate) -> str:
    decimals = places([estimate.value])
    value = number(estimate.value, decimals, sign=True)
    return f"{value} {interval(estimate, decimals, sign=True)}".strip()
