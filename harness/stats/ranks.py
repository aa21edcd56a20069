"""Spearman's rho of resamples of very many outputs, to first order.

Ranking a resample anew takes as long as the resample is large. But the sums behind rho
(products and squares of centred midranks) are polynomials of third degree in how often
each output is drawn, and with very many outputs their first-order expansion at the data
themselves is as good: the sums of a resample then follow from one sum over items, as a
mean's do (the delta method; Efron 1982, The Jackknife, the Bootstrap and Other
Resampling Plans, chapter 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.stats.coefficients import ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]

MANY_OUTPUTS = 20_000
"""Outputs above which resamples are neither ranked nor sorted anew."""
FIRST_ORDER = "resampled to first order"
"""How a method names it."""


def expanded_spearman(
    first: Floats, second: Floats, item: NDArray[np.intp], weights: Floats
) -> Floats:
    """Spearman's rho of each resample, to first order; exact where all weigh 1.

    Args:
        first: shape (outputs,), without NaN.
        second: shape (outputs,), without NaN.
        item: shape (outputs,), each output's column in `weights`.
        weights: shape (draws, items), only the shares of which matter.

    Returns:
        Shape (draws,); NaN where one of the two is constant.
    """
    by_first, by_second = _Order.of(first), _Order.of(second)
    x, y = by_first.centred_ranks(), by_second.centred_ranks()
    scale = max(1, len(item)) ** 2
    parts = (
        # A weight is a factor of its own output's product, and moves others' ranks.
        x * y - by_first.moved(y) - by_second.moved(x),
        x * x - 2 * by_first.moved(x),
        y * y - 2 * by_second.moved(y),
    )
    slopes = np.stack(
        [np.bincount(item, part / scale, weights.shape[1]) for part in parts], axis=1
    )
    # Sums of third degree: their slopes add up to three times the sum.
    *drawn, size = (weights @ np.column_stack([slopes, np.ones(len(slopes))])).T
    # Weights about 1 on average, also where items that were not drawn are left out.
    shares = np.stack(drawn, axis=1) * (len(slopes) / size)[:, None]
    sums = shares - slopes.sum(axis=0) * (2 / 3)
    spread = np.sqrt(np.maximum(sums[:, 1] * sums[:, 2], 0.0))
    rho: Floats = np.clip(ratio(sums[:, 0], spread), -1.0, 1.0)
    return rho


@dataclass(frozen=True, slots=True)
class _Order:
    """Outputs in ascending order of one judgment."""

    order: Indices
    """Their places."""
    below: Indices
    """How many are below each output, shape (outputs,)."""
    upto: Indices
    """How many are not above it."""

    @classmethod
    def of(cls, values: Floats) -> _Order:
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        starts = np.flatnonzero(np.diff(ordered, prepend=np.nan))
        sizes = np.diff(starts, append=len(values))
        below, upto = np.empty_like(order), np.empty_like(order)
        below[order] = np.repeat(starts, sizes)
        upto[order] = np.repeat(starts + sizes, sizes)
        return cls(order, below, upto)

    def centred_ranks(self) -> Floats:
        """Midranks less their mean: half of how many are below less how many above."""
        ranks: Floats = (self.below + self.upto - len(self.order)) / 2
        return ranks

    def moved(self, values: Floats) -> Floats:
        """What one more copy of each output takes from the others' ranks, times these.

        Half of the values' sum over those below it less that over those above.
        """
        sums = np.concatenate([[0.0], np.cumsum(values[self.order])])
        moved: Floats = (sums[self.below] - (sums[-1] - sums[self.upto])) / 2
        return moved
