"""Agreement of a metric with people on systems, from their means and their pairs.

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
    Indices = NDArray[np.intp]

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

    kendall: Estimate
    """Kendall's tau-b of the systems."""
    accuracy: Estimate
    """Share of pairs in the same order."""
    spa: Estimate
    """Soft pairwise accuracy."""


def of_means(sample: Sample) -> tuple[Estimate, Estimate]:
    """Pearson and Spearman of the systems' means over the items that all share."""
    from scipy.stats import rankdata

    least = sample.least_shared
    kept = sample.judged.sum(axis=1) >= least
    n, left = int(kept.sum()), int((~kept).sum())
    shared = sample.judged[kept].all(axis=0)
    reason = ""
    if n < LEAST_POINTS:
        reason = f"fewer than 3 checkpoints with {least} judged items or more"
    elif shared.sum() < least:
        reason = (
            f"the {n} checkpoints share only {shared.sum()} judged items; "
            f"a correlation of their means needs {least}"
        )
    if reason:
        nothing = undefined(reason, dropped=len(kept))
        return nothing, nothing
    means = [
        _means(values[kept][:, shared], sample.weights[:, shared])
        for values in (sample.metric, sample.human)
    ]
    ranks = [rankdata(values, axis=0) for values in means]

    def estimate(pair: list[Floats], name: str) -> Estimate:
        what = f"{name} of {n} checkpoints' means over {shared.sum()} shared items"
        series = coefficients.columnwise(*pair)
        return sample.estimate(series, what, n=n, dropped=left)

    return estimate(means, PEARSON), estimate(ranks, SPEARMAN)


def of_pairs(sample: Sample) -> OfPairs:
    """Tau-b, pairwise accuracy and SPA, each pair of systems on its own items."""
    one, other = np.triu_indices(len(sample.judged), 1)
    shared = sample.judged[one] & sample.judged[other]
    used = shared.sum(axis=1) >= sample.least_shared
    pairs, left = int(used.sum()), int((~used).sum())
    if pairs < LEAST_POINTS:
        reason = "fewer than 3 " + (
            "checkpoints"
            if len(sample.judged) < LEAST_POINTS
            else "pairs of checkpoints that share "
            f"{sample.least_shared} judged items or more"
        )
        nothing = undefined(reason, dropped=len(used))
        return OfPairs(nothing, nothing, nothing)
    one, other = one[used], other[used]
    if pairs * shared.shape[1] > _MOST_GAPS:
        tau, right, spa = _in_blocks(sample, one, other)
        how = f"the limit of sign flips, {_FEW_DRAWS} resamples as pairs are many"
    else:
        tau, right, spa = _at_once(sample, one, other)
        how = f"{FLIPS} sign flips (resamples: their limit)"
    systems = len(np.union1d(one, other))
    what = f"of {systems} checkpoints in {pairs} pairs"
    soft = f"soft pairwise accuracy {what}, {how}"
    return OfPairs(
        kendall=sample.estimate(
            tau,
            f"{KENDALL} {what}, by their means over shared items",
            n=systems,
            dropped=len(sample.judged) - systems,
        ),
        accuracy=sample.estimate(
            right, f"share of pairs in the same order, {what}", n=pairs, dropped=left
        ),
        spa=sample.estimate(spa, soft, n=pairs, dropped=left),
    )


def _at_once(
    sample: Sample, one: Indices, other: Indices
) -> tuple[Floats, Floats, Floats]:
    """Tau-b, pairwise accuracy and SPA of these pairs in each resample."""
    shared = sample.judged[one] & sample.judged[other]
    x, y = (
        np.where(shared, values[one] - values[other], 0.0)
        for values in (sample.metric, sample.human)
    )
    signs = (np.sign(_sums(gaps, sample.weights)) for gaps in (x, y))
    tau, right = order_agreement(*signs)
    return tau, right, _soft_accuracies(x, y, sample)


def _in_blocks(
    sample: Sample, one: Indices, other: Indices
) -> tuple[Floats, Floats, Floats]:
    """Tau-b, pairwise accuracy and SPA of very many pairs, each of few resamples."""
    weights = sample.weights[: 1 + _FEW_DRAWS]
    signs, p = [], []
    for values in (sample.metric, sample.human):
        sums, squares = _gap_sums(values, sample.judged, (one, other), weights)
        size = float(np.nanmax(np.abs(values))) * values.shape[1]
        signs.append(np.sign(comparable(sums, size)))
        p.append(limiting_p(sums, squares))
    tau, right = order_agreement(*signs)
    return tau, right, 1 - np.abs(p[0] - p[1]).mean(axis=1)


def _gap_sums(
    values: Floats, judged: NDArray[np.bool_], pairs: tuple[Indices, Indices], w: Floats
) -> tuple[Floats, Floats]:
    """Sums and summed squares of the pairs' differences, both (draws, pairs)."""
    # Squares only scale p, for which seven digits are plenty.
    single = w.astype(np.float32)
    filled = np.where(judged, values, 0.0)
    size = max(1, _BLOCK // values.shape[1])
    sums, squares = [], []
    for at in range(0, len(pairs[0]), size):
        one, other = (ends[at : at + size] for ends in pairs)
        gaps = filled[one] - filled[other]
        gaps *= judged[one] & judged[other]
        sums.append(w @ gaps.T)
        squares.append(single @ np.square(gaps, dtype=np.float32).T)
    return np.concatenate(sums, axis=1), np.concatenate(squares, axis=1).astype(float)


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


def _soft_accuracies(x: Floats, y: Floats, sample: Sample) -> Floats:
    """SPA of the data by flips, then of each resample by their normal limit."""
    p, q = (
        limiting_p(sample.weights @ gaps.T, sample.weights @ (gaps**2).T)
        for gaps in (x, y)
    )
    series: Floats = 1 - np.abs(p - q).mean(axis=1)
    if not sample.bare:
        series[0] = 1 - np.abs(flipped_p(x) - flipped_p(y)).mean()
    return series


def _means(values: Floats, weights: Floats) -> Floats:
    """Each system's mean in each resample, shape (systems, draws)."""
    means = coefficients.ratio(values @ weights.T, weights.sum(axis=1))
    return comparable(means, float(np.abs(values).max()))


def _sums(gaps: Floats, weights: Floats) -> Floats:
    """Sums of each pair's differences in each resample, shape (draws, pairs)."""
    size = float(np.abs(gaps).max(initial=0.0)) * gaps.shape[1]
    return comparable(weights @ gaps.T, size)


def comparable(values: Floats, size: float) -> Floats:
    """Values rounded to 12 digits of the size: equal sums tie in any order."""
    return np.round(values / (size or 1.0), _DIGITS)
