"""How far a metric agrees with people: correlations over systems and items.

Written from the formulas of the WMT metrics task (mt-metrics-eval): correlations of
system means, of all outputs, and within items or systems, averaged without those
where one judgment is constant. Intervals resample items and hold the systems fixed
(BOOT-INPUTS of Deutsch, Dror and Roth 2021, arXiv 2104.00054): checkpoints of one
training run are few and depend on each other, so that resampling them says little.
From eight systems on they can be resampled as well (BOOT-BOTH).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.stats import coefficients, kendall
from harness.stats.bootstrap import undefined
from harness.stats.both import over_both
from harness.stats.coefficients import KENDALL, PEARSON, SPEARMAN
from harness.stats.crossed import Ratings
from harness.stats.kendall import Influence
from harness.stats.once import Once
from harness.stats.ranks import FIRST_ORDER, MANY_OUTPUTS, expanded_spearman
from harness.stats.sample import LEAST_PAIR, LEAST_POINTS, Sample
from harness.stats.system_level import of_pairs
from harness.stats.ties import tie_accuracy
from harness.stats.widened import human_matrix, widened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from harness.stats.output_pairs import Grouping
    from harness.types import Estimate

    Floats = NDArray[np.float64]


Over = Literal["items", "both"]
"""What intervals resample: items, or systems as well."""


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
class Segment(Coefficients):
    """Agreement on single outputs, and not only on the systems' means."""

    acc_eq: Estimate
    """Share of pairs that both order or tie alike, 0 to 1; constant rows count."""
    acc_star_eq: Estimate
    """acc_eq where the metric ties differences up to the epsilon that fits best."""
    acc_star_eq_held_out: Estimate
    """The same on items that the epsilon was not fitted on."""
    epsilon: Estimate
    """That epsilon, in units of the metric."""
    pdp: Estimate
    """Pearson's r of the differences of pairs of outputs (pairwise-difference
    Pearson); what decides how much a metric helps to compare two systems."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A metric against one criterion."""

    system: Coefficients
    """Of the systems' means; `n` counts systems."""
    pairwise_accuracy: Estimate
    """Share of system pairs that both put in the same order, 0 to 1; `n`: pairs."""
    spa: Estimate
    """Soft pairwise accuracy: likewise, by how sure both are of the order."""
    pooled: Segment
    """Of all outputs, no grouping; `n` counts outputs."""
    by_item: Segment
    """Across systems within each item, averaged; `n` counts items."""
    by_system: Segment
    """Across items within each system, averaged; `n` counts systems."""
    systems: int
    """Systems with at least one output that has both judgments."""
    items: int
    """Items with at least one output that has both judgments."""
    outputs: int
    """Outputs that have both judgments."""


def agreement(
    metric: Floats,
    human: Floats | Ratings,
    *,
    draws: int = 1000,
    seed: int = 0,
    over: Over = "items",
    once: Once | None = None,
) -> Agreement:
    """Correlate a metric with a criterion, at the level of systems and of outputs.

    Args:
        metric: shape (systems, items), scores; not finite where missing. Turn the
            sign of a metric whose lower values are better.
        human: shape (systems, items), mean ratings; not finite where missing. Or the
            ratings themselves, their systems and items numbered as the metric's rows
            and columns: intervals then speak of other raters, too (see `widened`).
        draws: number of resamples of items.
        seed: seed of the resamples, which are the same for all coefficients.
        over: what is resampled: `items`, or `both` items and systems, at most 200
            times.
        once: keeps what follows from people's side alone for the next metric.

    Returns:
        Estimates; where one is undefined, `method` says why. Correlations need
        three points (two are always perfectly correlated), but Kendall's tau within
        items takes two, whose order is right or wrong. Items need not be judged for
        every system: each pair of systems is compared on the items that the two share,
        10 or more (all, where there are fewer). acc_eq, acc*_eq and the differences
        keep items and systems in which one judgment is constant; the others leave them
        out. Of more than 200,000 outputs, values of single outputs rest on a random
        share of the items, and `method` says so; those of systems rest on all.

    Raises:
        UsageError: they are no matrices of one shape, or fewer than eight systems are
            to be resampled.
    """
    once = once or Once()
    if not isinstance(human, Ratings):
        return _over(metric, human, (draws, seed, over), once)
    shape = (len(metric), np.shape(metric)[-1])

    def values_of(matrix: Floats) -> Agreement:
        sample = Sample.of(metric, matrix, 0, seed)
        return _of(replace(sample, bare=True, rough=True))

    found = _over(metric, human_matrix(human, shape), (draws, seed, over), once)
    scored = np.isfinite(metric)[human.system, human.item]
    human = human if scored.all() else human.kept(scored)
    return widened(found, human, shape, values_of, seed=seed)


def _over(
    metric: Floats, human: Floats, how: tuple[int, int, Over], once: Once
) -> Agreement:
    draws, seed, over = how
    if over == "both":
        return over_both(Sample.of(metric, human, 0, seed), _of, draws)
    return _of(replace(Sample.of(metric, human, draws, seed), once=once))


def _of(sample: Sample) -> Agreement:
    if not sample.judged.any():
        return _nothing(sample.unscored)
    some = sample.thinned(_MOST_OUTPUTS)
    pooled_tau, system_taus = _taus(some)
    pairs = of_pairs(sample)
    return Agreement(
        system=Coefficients(pairs.pearson, pairs.spearman, pairs.kendall),
        pairwise_accuracy=pairs.accuracy,
        spa=pairs.spa,
        pooled=_segment(some, "none", _pooled(some, pooled_tau)),
        by_item=by_item(some),
        by_system=_segment(some, "system", _by_system(some, system_taus)),
        systems=int(sample.judged.any(axis=1).sum()),
        items=int(sample.judged.any(axis=0).sum()),
        outputs=int(sample.judged.sum()),
    )


_MOST_OUTPUTS = 200_000
"""Outputs that values of single outputs rest on; of more, a random share of items."""
_EXACT_KENDALL = 20_000_000
"""Most systems x items x items for which pairs are counted once for all resamples."""
_KENDALL_DRAWS = 200
"""Resamples of data between the two, each of which sorts all outputs anew."""


def by_item(sample: Sample) -> Segment:
    """The values within items alone: across systems within each item, averaged."""
    return _segment(sample, "item", _by_item(sample))


def kendall_by_item(
    metric: Floats, human: Floats, *, draws: int = 1000, seed: int = 0
) -> Estimate:
    """Kendall's tau-b across systems within items alone, as `agreement` has it."""
    sample = Sample.of(metric, human, draws, seed)
    if not sample.judged.size:
        return _nothing(sample.unscored).by_item.kendall
    return _by_item(sample).kendall


def _nothing(unscored: int) -> Agreement:
    nothing = undefined("no output has both a score and a rating", dropped=unscored)
    three = Coefficients(nothing, nothing, nothing)
    segment = Segment(*[nothing] * 8)
    return Agreement(three, nothing, nothing, segment, segment, segment, 0, 0, 0)


def _segment(sample: Sample, grouping: Grouping, found: Coefficients) -> Segment:
    ties = tie_accuracy(sample, grouping)
    return Segment(
        pearson=found.pearson,
        spearman=found.spearman,
        kendall=found.kendall,
        acc_eq=ties.acc_eq,
        acc_star_eq=ties.acc_star_eq,
        acc_star_eq_held_out=ties.held_out,
        epsilon=ties.epsilon,
        pdp=_differences(sample, grouping, ties.acc_eq),
    )


def _differences(sample: Sample, grouping: Grouping, pairs: Estimate) -> Estimate:
    """Pearson of pairwise differences; counts what `pairs` counts."""
    if pairs.value is None:
        return pairs
    axis = {"none": None, "item": 0, "system": 1}[grouping]
    x, y = (coefficients.centred(v, axis) for v in (sample.metric, sample.human))
    tallies = coefficients.moments(x, y)
    if grouping == "item":
        products = coefficients.pair_products(tallies.sum(axis=0))
        sums = sample.weights @ products
    elif grouping == "system":
        drawn = np.tensordot(sample.weights, tallies, axes=([1], [1]))
        sums = coefficients.pair_products(drawn).sum(axis=1)
    else:
        sums = coefficients.pair_products(sample.weights @ tallies.sum(axis=0))
    over = {"none": "all", "item": "an item's", "system": "a checkpoint's"}[grouping]
    return sample.estimate(
        coefficients.of_differences(sums),
        f"Pearson's r of the differences of {over} pairs",
        n=pairs.n,
        dropped=pairs.dropped,
    )


def _pooled(sample: Sample, tau: Floats | Influence) -> Coefficients:
    outputs = int(sample.judged.sum())
    if outputs < LEAST_POINTS:
        reason = "fewer than 3 outputs have both a score and a rating"
        nothing = undefined(reason, dropped=sample.unscored)
        return Coefficients(pearson=nothing, spearman=nothing, kendall=nothing)
    x, y = coefficients.standard(sample.metric), coefficients.standard(sample.human)
    tallies = coefficients.moments(x, y).sum(axis=0)
    item = np.nonzero(sample.judged)[1]
    flat = sample.metric[sample.judged], sample.human[sample.judged]
    rho, how = _rhos(sample, *flat, item)

    def estimate(series: Floats | Influence, name: str) -> Estimate:
        what = f"{name} of all outputs"
        return sample.estimate(series, what, n=outputs, dropped=sample.unscored)

    return Coefficients(
        pearson=estimate(coefficients.pearson(sample.weights @ tallies), PEARSON),
        spearman=estimate(rho, f"{SPEARMAN}{how}"),
        kendall=estimate(tau, KENDALL),
    )


def _rhos(
    sample: Sample, metric: Floats, human: Floats, item: NDArray[np.intp]
) -> tuple[Floats, str]:
    """Spearman's rho of outputs in each resample, and how that is found if not so."""
    if sample.judged.sum() > MANY_OUTPUTS:
        found = expanded_spearman(metric, human, item, sample.weights)
        return found, f" ({FIRST_ORDER})"
    return coefficients.spearman(metric, human, item, sample.weights), ""


def _by_item(sample: Sample) -> Coefficients:
    from scipy.stats import rankdata

    systems = sample.judged.sum(axis=0)
    metric, human = sample.metric, sample.human
    ranks = [rankdata(values, axis=0, nan_policy="omit") for values in (metric, human)]
    tau = coefficients.tau_b_by_item(metric, human)

    def estimate(rows: Floats, name: str, least: int) -> Estimate:
        used = np.isfinite(rows) & (systems >= least)
        above = sample.weights @ np.where(used, rows, 0.0)
        series = coefficients.ratio(above, sample.weights @ used)
        return _average(sample, series, f"{name} across checkpoints", "item", used)

    return Coefficients(
        pearson=estimate(coefficients.columnwise(metric, human), PEARSON, LEAST_POINTS),
        spearman=estimate(coefficients.columnwise(*ranks), SPEARMAN, LEAST_POINTS),
        kendall=estimate(tau, KENDALL, LEAST_PAIR),
    )


def _by_system(sample: Sample, taus: Floats | tuple[Influence, ...]) -> Coefficients:
    rows = np.flatnonzero(sample.judged.any(axis=1))
    enough = sample.weights @ sample.judged.T >= LEAST_POINTS
    rhos, how = np.full(enough.shape, np.nan), ""
    for row in np.flatnonzero(enough[0]):
        item = np.flatnonzero(sample.judged[row])
        flat = sample.metric[row, item], sample.human[row, item]
        rhos[:, row], how = _rhos(sample, *flat, item)
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
        return _average(sample, series, f"{name} across items", "checkpoint", used)

    return Coefficients(
        pearson=estimate(coefficients.pearson(sums), PEARSON),
        spearman=estimate(rhos, f"{SPEARMAN}{how}"),
        kendall=_mean_tau(sample, [taus[row] for row in rows], enough[0, rows])
        if isinstance(taus, tuple)
        else estimate(taus, KENDALL),
    )


def _mean_tau(
    sample: Sample, taus: Sequence[Influence], enough: NDArray[np.bool_]
) -> Estimate:
    used = np.array([np.isfinite(tau.value) for tau in taus]) & enough
    mean = Influence.mean([tau for tau, use in zip(taus, used, strict=True) if use])
    return _average(sample, mean, f"{KENDALL} across items", "checkpoint", used)


def _average(
    sample: Sample,
    series: Floats | Influence,
    what: str,
    group: str,
    used: NDArray[np.bool_],
) -> Estimate:
    n = int(used.sum())
    if not n:
        reason = (
            f"{what} within each {group}: no {group} has enough outputs "
            "whose scores and ratings both vary"
        )
        return undefined(reason, dropped=len(used))
    method = f"mean over {group}s of {what}"
    return sample.estimate(series, method, n=n, dropped=len(used) - n)


def _taus(
    sample: Sample,
) -> tuple[Floats, Floats] | tuple[Influence, tuple[Influence, ...]]:
    """Kendall's tau-b of all outputs and of each system.

    For each resample; of very many outputs with the influence of each item instead.
    """
    systems, items = sample.judged.shape
    resampled = len(sample.weights) > 1
    if resampled and sample.judged.sum() > MANY_OUTPUTS:
        return kendall.tau_bs(sample.metric, sample.human)
    if resampled and systems * items**2 <= _EXACT_KENDALL:
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
            if present.sum() >= LEAST_PAIR:
                taus[at, number] = kendalltau(x[present], y[present]).statistic
    return taus[:, 0], taus[:, 1:]
