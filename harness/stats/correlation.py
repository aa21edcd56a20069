"""How far a metric agrees with people: correlations over systems and items.

Written from the formulas of the WMT metrics task (mt-metrics-eval): correlations of
system means, of all outputs, and within items or systems, averaged without those
where one judgment is constant. Intervals resample items and hold the systems fixed
(BOOT-INPUTS of Deutsch, Dror and Roth 2021, arXiv 2104.00054): checkpoints of one
training run are few and depend on each other, so resampling them means nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.stats import coefficients
from harness.stats.bootstrap import undefined, weights, with_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.types import Estimate

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Three coefficients of the same data, each from -1 to 1."""

    pearson: Estimate
    """Pearson's r: how linear the relation is."""
    spearman: Estimate
    """Spearman's rho: Pearson's r of the (mid)ranks."""
    kendall: Estimate
    """Kendall's tau-b: concordant less discordant pairs, corrected for ties."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A metric against one criterion."""

    system: Coefficients
    """Of the systems' means; `n` counts systems."""
    pairwise_accuracy: Estimate
    """Share of system pairs that both put in the same order, 0 to 1; `n`: pairs."""
    pooled: Coefficients
    """Of all outputs, no grouping; `n` counts outputs."""
    by_item: Coefficients
    """Across systems within each item, averaged; `n` counts items."""
    by_system: Coefficients
    """Across items within each system, averaged; `n` counts systems."""
    systems: int
    """Systems with at least one output that has both judgments."""
    items: int
    """Items with at least one output that has both judgments."""
    outputs: int
    """Outputs that have both judgments."""


def agreement(
    metric: Floats, human: Floats, *, draws: int = 1000, seed: int = 0
) -> Agreement:
    """Correlate a metric with a criterion, at the level of systems and of outputs.

    Args:
        metric: shape (systems, items), scores; not finite where missing. Turn the
            sign of a metric whose lower values are better.
        human: shape (systems, items), mean ratings; not finite where missing.
        draws: number of resamples of items.
        seed: seed of the resamples, which are the same for all coefficients.

    Returns:
        Estimates; where one is undefined, `method` says why. Correlations need
        three points (two are always perfectly correlated), but Kendall's tau within
        items takes two, whose order is right or wrong. Items need not be judged for
        every system: Pearson and Spearman of system means rest on the items that
        all systems share; Kendall and the pairwise accuracy on those that the two
        systems of each pair share. Either takes 10 items, or half of them where
        there are fewer than 20.
    """
    sample = _Sample.of(metric, human, draws, seed)
    if not sample.judged.size:
        return _nothing(sample.unscored)
    pooled_tau, system_taus = _taus(sample)
    system_tau, accuracy = _of_pairs(sample)
    return Agreement(
        system=_of_means(sample, system_tau),
        pairwise_accuracy=accuracy,
        pooled=_pooled(sample, pooled_tau),
        by_item=_by_item(sample),
        by_system=_by_system(sample, system_taus),
        systems=int(sample.judged.any(axis=1).sum()),
        items=int(sample.judged.any(axis=0).sum()),
        outputs=int(sample.judged.sum()),
    )


_PEARSON = "Pearson's r"
_SPEARMAN = "Spearman's rho"
_KENDALL = "Kendall's tau-b"
_LEAST_POINTS = 3
_LEAST_PAIR = 2
_LEAST_SHARED = 10
_EXACT_KENDALL = 20_000_000
"""Most systems x items x items for which pairs are counted once for all resamples."""
_KENDALL_DRAWS = 200
"""Resamples of larger data, each of which sorts all outputs anew."""
_DIGITS = 12
"""Digits to which means are compared, so that equal sums tie in any order."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """Both judgments, missing where either is, and the resamples."""

    metric: Floats
    human: Floats
    judged: NDArray[np.bool_]
    unscored: int
    """Rated outputs without score."""
    weights: Floats
    """Shape (1 + draws, items); the first row of ones is the data themselves."""

    @classmethod
    def of(cls, metric: Floats, human: Floats, draws: int, seed: int) -> _Sample:
        metric, human = np.asarray(metric, float), np.asarray(human, float)
        if metric.ndim != 2 or metric.shape != human.shape:  # noqa: PLR2004
            raise UsageError(
                "Scores and ratings must be (systems, items) matrices of one shape; "
                f"these have the shapes {metric.shape} and {human.shape}."
            )
        rated = np.isfinite(human)
        judged = rated & np.isfinite(metric)
        kept = judged.any(axis=0)
        items = int(kept.sum())
        rng = np.random.default_rng(seed)
        resamples = weights(items, draws, rng) if items > 1 else np.ones((0, items))
        return cls(
            metric=np.where(judged, metric, np.nan)[:, kept],
            human=np.where(judged, human, np.nan)[:, kept],
            judged=judged[:, kept],
            unscored=int((rated & ~judged).sum()),
            weights=np.vstack([np.ones((1, items)), resamples]),
        )

    @property
    def least_shared(self) -> int:
        """Items that two or more systems must share to be compared."""
        items: int = self.judged.shape[1]
        return min(_LEAST_SHARED, (items + 1) // 2)


def _estimate(series: Floats, method: str, *, n: int, dropped: int) -> Estimate:
    """The value, first in the series, with the interval of the resamples."""
    if np.isnan(series[0]):
        reason = f"{method} where all scores or all ratings are the same"
        return undefined(reason, dropped=n + dropped)
    return with_interval(
        float(series[0]), series[1:], n=n, dropped=dropped, method=method
    )


def _nothing(unscored: int) -> Agreement:
    nothing = undefined("no output has both a score and a rating", dropped=unscored)
    three = Coefficients(pearson=nothing, spearman=nothing, kendall=nothing)
    return Agreement(
        system=three,
        pairwise_accuracy=nothing,
        pooled=three,
        by_item=three,
        by_system=three,
        systems=0,
        items=0,
        outputs=0,
    )


def _pooled(sample: _Sample, tau: Floats) -> Coefficients:
    outputs = int(sample.judged.sum())
    if outputs < _LEAST_POINTS:
        reason = "fewer than 3 outputs have both a score and a rating"
        nothing = undefined(reason, dropped=sample.unscored)
        return Coefficients(pearson=nothing, spearman=nothing, kendall=nothing)
    x, y = coefficients.standard(sample.metric), coefficients.standard(sample.human)
    tallies = coefficients.moments(x, y).sum(axis=0)
    item = np.nonzero(sample.judged)[1]
    flat = sample.metric[sample.judged], sample.human[sample.judged]
    rho = coefficients.spearman(*flat, item, sample.weights)

    def estimate(series: Floats, name: str) -> Estimate:
        what = f"{name} of all outputs"
        return _estimate(series, what, n=outputs, dropped=sample.unscored)

    return Coefficients(
        pearson=estimate(coefficients.pearson(sample.weights @ tallies), _PEARSON),
        spearman=estimate(rho, _SPEARMAN),
        kendall=estimate(tau, _KENDALL),
    )


def _by_item(sample: _Sample) -> Coefficients:
    from scipy.stats import rankdata

    systems = sample.judged.sum(axis=0)
    metric, human = sample.metric, sample.human
    ranks = [rankdata(values, axis=0, nan_policy="omit") for values in (metric, human)]
    tau = coefficients.tau_b_by_item(metric, human)

    def estimate(rows: Floats, name: str, least: int) -> Estimate:
        used = np.isfinite(rows) & (systems >= least)
        above = sample.weights @ np.where(used, rows, 0.0)
        series = coefficients.ratio(above, sample.weights @ used)
        return _average(series, f"{name} across checkpoints", "item", used)

    return Coefficients(
        pearson=estimate(_columnwise(metric, human), _PEARSON, _LEAST_POINTS),
        spearman=estimate(_columnwise(*ranks), _SPEARMAN, _LEAST_POINTS),
        kendall=estimate(tau, _KENDALL, _LEAST_PAIR),
    )


def _by_system(sample: _Sample, taus: Floats) -> Coefficients:
    rows = np.flatnonzero(sample.judged.any(axis=1))
    enough = sample.weights @ sample.judged.T >= _LEAST_POINTS
    rhos = np.full(enough.shape, np.nan)
    for row in np.flatnonzero(enough[0]):
        item = np.flatnonzero(sample.judged[row])
        flat = sample.metric[row, item], sample.human[row, item]
        rhos[:, row] = coefficients.spearman(*flat, item, sample.weights)
    x = coefficients.standard(sample.metric, axis=1)
    y = coefficients.standard(sample.human, axis=1)
    tallies = coefficients.moments(x, y).transpose(1, 0, 2)
    sums = np.tensordot(sample.weights, tallies, axes=1)

    def estimate(values: Floats, name: str) -> Estimate:
        present = (np.isfinite(values) & enough[: len(values)])[:, rows]
        used = present[0]
        present = present & used
        above = np.where(present, values[:, rows], 0.0).sum(axis=1)
        series = coefficients.ratio(above, present.sum(axis=1))
        return _average(series, f"{name} across items", "checkpoint", used)

    return Coefficients(
        pearson=estimate(coefficients.pearson(sums), _PEARSON),
        spearman=estimate(rhos, _SPEARMAN),
        kendall=estimate(taus, _KENDALL),
    )


def _average(
    series: Floats, what: str, group: str, used: NDArray[np.bool_]
) -> Estimate:
    n = int(used.sum())
    if not n:
        reason = (
            f"{what} within each {group}: no {group} has enough outputs "
            "whose scores and ratings both vary"
        )
        return undefined(reason, dropped=len(used))
    method = f"mean over {group}s of {what}"
    return _estimate(series, method, n=n, dropped=len(used) - n)


def _columnwise(x: Floats, y: Floats) -> Floats:
    """Pearson's r of each pair of columns, shape (columns,)."""
    x, y = coefficients.standard(x, axis=0), coefficients.standard(y, axis=0)
    return coefficients.pearson(coefficients.moments(x, y).sum(axis=0))


def _taus(sample: _Sample) -> tuple[Floats, Floats]:
    """Kendall's tau-b of all outputs and of each system, for each resample."""
    systems, items = sample.judged.shape
    if systems * items**2 <= _EXACT_KENDALL:
        pooled, within = coefficients.concordance(sample.metric, sample.human)
        return pooled.tau_b(sample.weights)[:, 0], within.tau_b(sample.weights)
    from scipy.stats import kendalltau

    columns = [
        np.repeat(np.arange(items), draw.astype(int))
        for draw in sample.weights[: 1 + _KENDALL_DRAWS]
    ]
    everything = np.ones(systems, dtype=bool)
    sets = [everything, *np.eye(systems, dtype=bool)]
    taus = np.full((len(columns), len(sets)), np.nan)
    for at, drawn in enumerate(columns):
        for number, rows in enumerate(sets):
            x, y = sample.metric[rows][:, drawn], sample.human[rows][:, drawn]
            present = np.isfinite(x)
            taus[at, number] = kendalltau(x[present], y[present]).statistic
    return taus[:, 0], taus[:, 1:]


def _of_means(sample: _Sample, tau: Estimate) -> Coefficients:
    """Correlations of the systems' means over the items that all of them share."""
    from scipy.stats import rankdata

    least = sample.least_shared
    kept = sample.judged.sum(axis=1) >= least
    n, left = int(kept.sum()), int((~kept).sum())
    shared = sample.judged[kept].all(axis=0)
    reason = ""
    if n < _LEAST_POINTS:
        reason = f"fewer than 3 checkpoints with {least} judged items or more"
    elif shared.sum() < least:
        reason = (
            f"the {n} checkpoints share only {shared.sum()} judged items; "
            f"a correlation of their means needs {least}"
        )
    if reason:
        nothing = undefined(reason, dropped=len(kept))
        return Coefficients(pearson=nothing, spearman=nothing, kendall=tau)
    means = [
        _means(values[kept][:, shared], sample.weights[:, shared])
        for values in (sample.metric, sample.human)
    ]
    ranks = [rankdata(values, axis=0) for values in means]

    def estimate(series: Floats, name: str) -> Estimate:
        what = f"{name} of {n} checkpoints' means over {shared.sum()} shared items"
        return _estimate(series, what, n=n, dropped=left)

    return Coefficients(
        pearson=estimate(_columnwise(*means), _PEARSON),
        spearman=estimate(_columnwise(*ranks), _SPEARMAN),
        kendall=tau,
    )


def _means(values: Floats, weights_of: Floats) -> Floats:
    """Each system's mean in each resample, shape (systems, draws)."""
    total = weights_of.sum(axis=1)
    means = coefficients.ratio(values @ weights_of.T, total)
    return _comparable(means, float(np.abs(values).max()))


def _comparable(values: Floats, size: float) -> Floats:
    """Values rounded to 12 digits of the size: equal sums tie in any order."""
    return np.round(values / (size or 1.0), _DIGITS)


def _of_pairs(sample: _Sample) -> tuple[Estimate, Estimate]:
    """Kendall's tau-b and pairwise accuracy of the systems, each pair's own items."""
    one, other = np.triu_indices(len(sample.judged), 1)
    shared = sample.judged[one] & sample.judged[other]
    used = shared.sum(axis=1) >= sample.least_shared
    pairs, left = int(used.sum()), int((~used).sum())
    if pairs < _LEAST_POINTS:
        reason = "fewer than 3 " + (
            "checkpoints"
            if len(sample.judged) < _LEAST_POINTS
            else "pairs of checkpoints that share "
            f"{sample.least_shared} judged items or more"
        )
        nothing = undefined(reason, dropped=len(used))
        return nothing, nothing
    one, other, shared = one[used], other[used], shared[used]
    x, y = (
        np.sign(_differences(values, one, other, shared, sample.weights))
        for values in (sample.metric, sample.human)
    )
    x_free, y_free = (x * x).sum(axis=1), (y * y).sum(axis=1)
    tau = coefficients.ratio((x * y).sum(axis=1), np.sqrt(x_free * y_free))
    right = np.where((x_free > 0) & (y_free > 0), (x == y).mean(axis=1), np.nan)
    systems = len(np.union1d(one, other))
    what = f"of {systems} checkpoints in {pairs} pairs"
    return (
        _estimate(
            tau,
            f"{_KENDALL} {what}, by their means over shared items",
            n=systems,
            dropped=len(sample.judged) - systems,
        ),
        _estimate(
            right, f"share of pairs in the same order, {what}", n=pairs, dropped=left
        ),
    )


def _differences(
    values: Floats,
    one: NDArray[np.intp],
    other: NDArray[np.intp],
    shared: NDArray[np.bool_],
    weights_of: Floats,
) -> Floats:
    """Sums of each pair's differences in each resample, shape (draws, pairs)."""
    differences = np.where(shared, values[one] - values[other], 0.0)
    size = float(np.nanmax(np.abs(values))) * values.shape[1]
    return _comparable(weights_of @ differences.T, size)
