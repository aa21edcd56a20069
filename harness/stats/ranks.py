"""Spearman's rho of resamples of very many outputs, to first order.

Ranking a resample anew takes as long as the resample is large. But the sums behind rho
(products and squares of centred midranks) are polynomials of third degree in how often
each output is drawn, and with very many outputs their first-order expansion at the data
themselves is as good: the sums of a resample then follow from one sum over items, as a
mean's do (the delta method; Efron 1982, The Jackknife, the Bootstrap and Other
Resampling Plans, chapter 6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.stats.coefficients import ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

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
        weights: shape (draws, items).

    Returns:
        Shape (draws,); NaN where one of the two is constant.
    """
    x, y = _centred_ranks(first), _centred_ranks(second)
    scale = max(1, len(item)) ** 2
    parts = (
        # A weight is a factor of its own output's product, and moves others' ranks.
        x * y - _moved(first, y) - _moved(second, x),
        x * x - 2 * _moved(first, x),
        y * y - 2 * _moved(second, y),
    )
    slopes = np.stack(
        [np.bincount(item, part / scale, weights.shape[1]) for part in parts], axis=1
    )
    # Sums of third degree: their slopes add up to three times the sum.
    sums = weights @ slopes - slopes.sum(axis=0) * (2 / 3)
    spread = np.sqrt(np.maximum(sums[:, 1] * sums[:, 2], 0.0))
    rho: Floats = np.clip(ratio(sums[:, 0], spread), -1.0, 1.0)
    return rho


def _centred_ranks(values: Floats) -> Floats:
    """Midranks less their mean: half of how many are below less how many above."""
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, side="left")
    upto = np.searchsorted(ordered, values, side="right")
    return np.asarray((below + upto - len(values)) / 2)


def _moved(values: Floats, of: Floats) -> Floats:
    """What one more copy of each output takes from the others' ranks, times `of`.

    Half of the sum of `of` over those with lower values less that over higher ones.
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    sums = np.concatenate([[0.0], np.cumsum(of[order])])
    below = sums[np.searchsorted(ordered, values, side="left")]
    upto = sums[np.searchsorted(ordered, values, side="right")]
    moved: Floats = (below - (sums[-1] - upto)) / 2
    return moved
