"""Kendall's tau-b of very many outputs, with an interval that needs no resamples.

Tau-b is a function of three sums over pairs, so what one item contributes to it is a
derivative with respect to the item's weight (infinitesimal jackknife; Efron 1982, The
Jackknife, the Bootstrap and Other Resampling Plans, chapter 6). The sum of these
squared is the variance over items that the bootstrap estimates, to first order. Each
output's part follows from how many others lie below it in both judgments, which one
sorting and one pass for each binary digit of the ranks count: O(n log n).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.stats.bootstrap import LEVEL
from harness.types import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

ANALYTIC = "95 % analytic interval: infinitesimal jackknife of items"
"""How a method names it."""
FEW_LEVELS = 16
"""Distinct values of a judgment up to which outputs are counted value by value."""
LEAST_ITEMS = 2
"""Items whose scatter is an interval."""


@dataclass(frozen=True, slots=True)
class Influence:
    """A value, and how much each item or output moves it."""

    value: float
    """NaN where one of the two judgments is constant."""
    slope: Floats
    """Derivatives with respect to the weights, which sum to 0."""

    @classmethod
    def of_tau_b(cls, first: Floats, second: Floats) -> Influence:
        """Kendall's tau-b of all outputs, and each output's part in it.

        Args:
            first: shape (outputs,), without NaN.
            second: shape (outputs,), without NaN.
        """
        x, y = _ranks(first), _ranks(second)
        agree = concordant(x, y).astype(float)
        free = [len(rank) - np.bincount(rank)[rank].astype(float) for rank in (x, y)]
        sums = [float(part.sum()) for part in free]
        if not min(sums, default=0.0):
            return cls(np.nan, np.full(len(x), np.nan))
        value = float(agree.sum() / np.sqrt(sums[0] * sums[1]))
        # Each pair belongs to two outputs, and a weight is a factor in all its pairs.
        slope = 2 * agree / np.sqrt(sums[0] * sums[1])
        slope -= value * (free[0] / sums[0] + free[1] / sums[1])
        return cls(value, slope)

    @classmethod
    def mean(cls, parts: Sequence[Influence]) -> Influence:
        """The mean of several that rest on the same items; NaN of none."""
        if not parts:
            return cls(np.nan, np.empty(0))
        return cls(
            float(np.mean([part.value for part in parts])),
            np.mean([part.slope for part in parts], axis=0),
        )

    def estimate(self, method: str, *, n: int, dropped: int) -> Estimate:
        """The value with Student's interval over items, within [-1, 1].

        The slope holds a number for each item.
        """
        from scipy.stats import t

        items = len(self.slope)
        if items < LEAST_ITEMS:
            method += "; no interval: fewer than two items"
            return Estimate(self.value, n=n, dropped=dropped, method=method)
        error = np.sqrt((self.slope**2).sum() * items / (items - 1))
        reach = float(t.ppf((1 + LEVEL) / 2, items - 1) * error)
        return Estimate(
            self.value,
            low=max(-1.0, self.value - reach),
            high=min(1.0, self.value + reach),
            n=n,
            dropped=dropped,
            method=f"{method}; {ANALYTIC}",
        )


def tau_bs(metric: Floats, human: Floats) -> tuple[Influence, tuple[Influence, ...]]:
    """Of all outputs, and of each system's: the slopes are those of items.

    Args:
        metric: shape (systems, items), NaN where missing.
        human: shape (systems, items), NaN in the same places.
    """
    systems = len(metric)
    everything = np.ones(systems, dtype=bool)
    pooled, *within = (
        _of_items(metric[rows], human[rows])
        for rows in (everything, *np.eye(systems, dtype=bool))
    )
    return pooled, tuple(within)


def below(x: Ints, y: Ints) -> Ints:
    """How many others are smaller in both x and y, shape (outputs,)."""
    # Of equal x the largest y comes first, so that none counts another.
    order = np.lexsort((-y, x))
    counts = np.empty(len(x), dtype=np.int64)
    counts[order] = _smaller_before(y[order] - y.min(initial=0))
    return counts


def concordant(x: Ints, y: Ints) -> Ints:
    """How many others each output is concordant with, less those discordant."""
    if x.max(initial=0) < y.max(initial=0):
        x, y = y, x
    if y.max(initial=0) >= FEW_LEVELS:
        return below(x, y) + below(-x, -y) - below(x, -y) - below(-x, y)
    upto = np.cumsum(np.bincount(x))
    start, end = np.append(0, upto)[x], upto[x]
    ordered = y[np.argsort(x, kind="stable")]
    agree = np.zeros(len(x), dtype=np.int64)
    for level in range(int(y.max(initial=0)) + 1):
        # In ascending x, 1 for each lower y and -1 for each higher one.
        sums = np.append(0, np.cumsum(np.sign(level - ordered)))
        own = y == level
        agree[own] = sums[start[own]] + sums[end[own]] - sums[-1]
    return agree


def _of_items(metric: Floats, human: Floats) -> Influence:
    judged = np.isfinite(metric)
    found = Influence.of_tau_b(metric[judged], human[judged])
    item = np.nonzero(judged)[1]
    slope = np.bincount(item, found.slope, minlength=metric.shape[1])
    return Influence(found.value, slope.astype(float))


def _ranks(values: Floats) -> Ints:
    """Number of each distinct value in ascending order."""
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _smaller_before(ranks: Ints) -> Ints:
    """For each rank from 0, how many smaller ones stand before it.

    Digit by digit, from the highest: numbers equal so far stay together in a run, in
    their order. Within it, a number with digit 1 is above those with digit 0 that
    stand before it; then the zeros move to the front of the run.
    """
    size = len(ranks)
    place, start, end = np.arange(size), np.zeros(size, int), np.full(size, size)
    counts = np.zeros(size, dtype=np.int64)
    for digit in reversed(range(int(ranks.max(initial=0)).bit_length())):
        one = (ranks[place] >> digit & 1).astype(bool)
        zeros = np.concatenate([[0], np.cumsum(~one)])
        before = zeros[:-1] - zeros[start]
        counts[place[one]] += before[one]
        middle = start + zeros[end] - zeros[start]
        moved = np.where(one, middle + np.arange(size) - start - before, start + before)
        place, start, end = (
            _scattered(values, moved)
            for values in (
                place,
                np.where(one, middle, start),
                np.where(one, end, middle),
            )
        )
    return counts


def _scattered(values: Ints, places: Ints) -> Ints:
    scattered = np.empty_like(values)
    scattered[places] = values
    return scattered
