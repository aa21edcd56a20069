"""Agreement of a metric with people on systems, from their pairs.

Each pair of systems is compared on the items that the two share. Pearson's, Spearman's
and Kendall's coefficients of n values are one and the same sum over pairs, of the
differences of the values, of their ranks, or of signs (Daniels 1944, The relation
between measures of correlation in the universe of sample permutations), so that all
three are defined where no item is shared by all systems, and are those of the systems'
means where all share all. A rank is what the pairs say: how many of the systems that it
was compared with it is above, less those that it is below, over their number.

Soft pairwise accuracy (SPA, Thompson et al. 2024, arXiv 2409.09598) compares how sure
metric and people are of each pair's order: it is 1 less the mean difference of their
one-sided p-values from a paired permutation test, the signs of the items' differences
flipped at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.stats import coefficients
from harness.stats.bootstrap import undefined
from harness.stats.coefficients import KENDALL, PEARSON, SPEARMAN
from harness.stats.sample import LEAST_POINTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.stats.sample import Sample
    from harness.types import Estimate

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Indices = NDArray[np.intp]
    Singles = NDArray[np.float32]

FLIPS = 1000
"""Sign flips of the permutation test in SPA, as the reference has them."""
_FLIP_SEED = 4
"""Seed of those flips in the reference implementation."""
_MOST_GAPS = 2_000_000
"""Most pairs x items whose differences are all held at once."""
_FEW_DRAWS = 200
"""Resamples where there are more."""
_BLOCK = 1_000_000
"""Differences held at once then."""
_DIGITS = 12
"""Digits to which means are compared, so that equal sums tie in any order."""


@dataclass(frozen=True, slots=True)
class OfPairs:
    """What is counted over pairs of systems."""

    pearson: Estimate
    """Pearson's r of the systems' means."""
    spearman: Estimate
    """Spearman's rho of them."""
    kendall: Estimate
    """Kendall's tau-b of them."""
    accuracy: Estimate
    """Share of pairs in the same order."""
    spa: Estimate
    """Soft pairwise accuracy."""


def of_pairs(sample: Sample) -> OfPairs:
    """All values of systems, each pair of systems on its own items."""
    ends = ends_of(sample.comparable)
    all_pairs = len(sample.judged) * (len(sample.judged) - 1) // 2
    pairs, systems = len(ends), int(ends.any(axis=0).sum())
    if pairs < LEAST_POINTS:
        return _undefined(len(sample.judged), all_pairs)
    if pairs * sample.judged.shape[1] > _MOST_GAPS:
        made = _in_blocks
        how = f"the limit of sign flips, {_FEW_DRAWS} resamples as pairs are many"
    else:
        made = _at_once
        how = f"{FLIPS} sign flips (resamples: their limit)"
    x, p = made(sample, sample.metric)
    y, q = sample.once.of(
        "pairs of systems",
        (sample.human, sample.weights),
        lambda: made(sample, sample.human),
    )
    accuracies = 1 - np.abs(p - q).mean(axis=1)
    found = of_gaps(x, y, ends)
    what = f"of {systems} checkpoints in {pairs} pairs"
    soft = f"soft pairwise accuracy {what}, {how}"

    def of_systems(key: str, name: str) -> Estimate:
        return sample.estimate(
            found[key],
            f"{name} {what}, by their means over shared items",
            n=systems,
            dropped=len(sample.judged) - systems,
        )

    def of_each_pair(series: Floats, method: str) -> Estimate:
        return sample.estimate(series, method, n=pairs, dropped=all_pairs - pairs)

    right = found["pairwise_accuracy"]
    return OfPairs(
        pearson=of_systems("pearson", PEARSON),
        spearman=of_systems("spearman", SPEARMAN),
        kendall=of_systems("kendall", KENDALL),
        accuracy=of_each_pair(right, f"share of pairs in the same order, {what}"),
        spa=of_each_pair(accuracies, soft),
    )


def _undefined(systems: int, pairs: int) -> OfPairs:
    reason = (
        "fewer than 3 checkpoints"
        if systems < LEAST_POINTS
        else "fewer than 3 pairs of checkpoints share 10 judged items, or all items "
        "where there are fewer"
    )
    of_systems, of_each_pair = (
        undefined(reason, dropped=count) for count in (systems, pairs)
    )
    return OfPairs(*[of_systems] * 3, *[of_each_pair] * 2)


def _at_once(sample: Sample, values: Floats) -> tuple[Floats, Floats]:
    """By one judgment, differences of means and p of each pair: both (draws, pairs).

    The p of the data themselves is by flips, those of resamples are their limit.
    """
    one, other = pairs_of(sample.comparable)
    shared = sample.judged[one] & sample.judged[other]
    gaps = np.where(shared, values[one] - values[other], 0.0)
    number = np.maximum(sample.weights @ shared.astype(float).T, 1)
    rows = sample.weights if sample.rough else sample.weights[1:]
    p = limiting_p(rows @ gaps.T, rows @ (gaps**2).T)
    if not sample.rough:
        p = np.vstack([flipped_p(gaps), p])
    return _sums(gaps, sample.weights) / number, p


def _in_blocks(sample: Sample, values: Floats) -> tuple[Floats, Floats]:
    """The same of very many pairs, of few resamples and with all p at the limit."""
    w = sample.weights[: 1 + _FEW_DRAWS]
    # Counts are whole numbers and squares only scale p: seven digits are plenty.
    single = w.astype(np.float32)
    one, other = pairs_of(sample.comparable)
    side = _Side.of(values, w)
    means, p = np.empty((2, len(w), len(one)))
    size = max(1, _BLOCK // w.shape[1])
    for at in range(0, len(one), size):
        part = slice(at, at + size)
        first, second = one[part], other[part]
        shared = sample.judged[first] & sample.judged[second]
        number = single.sum(axis=1, keepdims=True)
        if not shared.all():
            number = np.maximum(single @ shared.astype(np.float32).T, 1)
        gaps = side.gaps(first, second, shared)
        sums = side.sums(first, second, shared, w)
        # In one unit in all blocks, since Pearson's r adds up their pairs.
        means[:, part] = rounded(sums, side.largest) / number
        squares = (single @ np.square(gaps).T).astype(float)
        p[:, part] = limiting_p(sums, squares)
    return means, p


@dataclass(frozen=True, slots=True)
class _Side:
    """One judgment of all systems, for the differences of many pairs."""

    values: Floats
    """Shape (systems, items), less their mean; NaN where missing."""
    single: Singles
    """The same with seven digits."""
    totals: Floats
    """Shape (draws, systems): their sums in each resample, NaN where any is missing."""
    largest: float
    """What no sum of a pair's differences exceeds."""

    @classmethod
    def of(cls, values: Floats, weights: Floats) -> _Side:
        values = values - np.nanmean(values)
        span = float(np.nanmax(values) - np.nanmin(values)) * values.shape[1]
        return cls(values, values.astype(np.float32), weights @ values.T, span)

    def gaps(
        self, first: Indices, second: Indices, shared: Bools
    ) -> NDArray[np.float32]:
        """Differences of the systems of each pair, 0 where not both are judged."""
        gaps = self.single[first]
        gaps -= self.single[second]
        return gaps if shared.all() else np.where(shared, gaps, np.float32(0))

    def sums(
        self, first: Indices, second: Indices, shared: Bools, weights: Floats
    ) -> Floats:
        """Their sums in each resample, shape (draws, pairs)."""
        if shared.all():
            # Where nothing is missing, they are differences of sums.
            found: Floats = self.totals[:, first] - self.totals[:, second]
            return found
        gaps = np.where(shared, self.values[first] - self.values[second], 0.0)
        return np.asarray(weights @ gaps.T)


def pairs_of(comparable: Bools) -> tuple[Indices, Indices]:
    """First and second system of each pair that can be compared."""
    one, other = np.nonzero(np.triu(comparable))
    return one, other


def ends_of(comparable: Bools) -> Floats:
    """1 at the first system of a pair, -1 at the second: (pairs, systems)."""
    one, other = pairs_of(comparable)
    ends = np.zeros((len(one), len(comparable)))
    pair = np.arange(len(one))
    ends[pair, one], ends[pair, other] = 1, -1
    return ends


def of_gaps(x: Floats, y: Floats, ends: Floats) -> dict[str, Floats]:
    """Coefficients from the differences of the means of all pairs of systems.

    Args:
        x: shape (draws, pairs), differences of the metric's means; 0 for equal ones.
        y: the same of people's means, or (1, pairs).
        ends: shape (pairs, systems), as of `ends_of`.

    Returns:
        Pearson's, Spearman's and Kendall's coefficients and the pairwise accuracy, each
        of shape (draws,); NaN where all means of one are equal.
    """
    tau, right = order_agreement(np.sign(x), np.sign(y))
    spread = np.sqrt((x * x).sum(axis=-1) * (y * y).sum(axis=-1))
    met = ends.any(axis=0)
    number = np.abs(ends[:, met]).sum(axis=0)
    ranks = [(np.sign(gaps) @ ends[:, met] / number).T for gaps in (x, y)]
    return {
        "pearson": np.clip(coefficients.ratio((x * y).sum(axis=-1), spread), -1, 1),
        "spearman": coefficients.columnwise(*ranks),
        "kendall": tau,
        "pairwise_accuracy": right,
    }


def order_agreement(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Tau-b and pairwise accuracy from the signs of all pairs, shape (draws, pairs).

    Both NaN where one of the two ties all pairs.
    """
    x_free, y_free = (x * x).sum(axis=-1), (y * y).sum(axis=-1)
    tau = coefficients.ratio((x * y).sum(axis=-1), np.sqrt(x_free * y_free))
    varies = (x_free > 0) & (y_free > 0)
    return tau, np.where(varies, (x == y).mean(axis=-1), np.nan)


def flipped_p(gaps: Floats, flips: int = FLIPS, seed: int = _FLIP_SEED) -> Floats:
    """One-sided p of each pair that its first system is better, shape (pairs,).

    The share of random sign flips, the same for all pairs, with a sum at least as
    large as the real one; without the +1 of a test's p, as SPA is defined.

    Args:
        gaps: shape (pairs, items), differences of the two systems; 0 where missing.
        flips: number of random flips.
        seed: seed of the flips, drawn as the reference implementation draws them.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.random((flips, gaps.shape[1]), dtype=np.float32)
    signs = np.where(drawn > 0.5, 1.0, -1.0)  # noqa: PLR2004 - heads or tails
    whole = np.ones((1, gaps.shape[1]))
    sums = _sums(gaps, np.vstack([whole, signs]))
    p: Floats = (sums[1:] >= sums[0]).mean(axis=0)
    return p


def limiting_p(sums: Floats, squares: Floats) -> Floats:
    """The p of `flipped_p` in the limit of many items and flips.

    Args:
        sums: summed differences of each pair.
        squares: their summed squares, the variance of a flipped sum.
    """
    from scipy.special import ndtr

    differs = squares > 0
    below = np.sqrt(np.where(differs, squares, 1.0))
    return np.where(differs, ndtr(-sums / below), 1.0)


def _sums(gaps: Floats, weights: Floats) -> Floats:
    """Sums of each pair's differences in each resample, shape (draws, pairs)."""
    size = float(np.abs(gaps).max(initial=0.0)) * gaps.shape[1]
    return rounded(weights @ gaps.T, size)


def rounded(values: Floats, size: float) -> Floats:
    """Values rounded to 12 digits of the size: equal sums tie in any order."""
    return np.round(values / (size or 1.0), _DIGITS)
