"""Correlation coefficients of many weighted resamples at once.

Every function takes weights of shape (draws, items): how often each resample
draws each item. A row of ones is the data as they are. NaN marks what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.float32]

PEARSON = "Pearson's r"
SPEARMAN = "Spearman's rho"
KENDALL = "Kendall's tau-b"

_TINY = 1e-12
"""Variance, relative to the data's, below which numbers count as equal."""

_BLOCK = 160_000
"""Weights of outputs ranked at once: few enough to stay in the cache."""

_PAIRS = 500_000
"""Pairs of outputs whose order is looked at together."""

_PRODUCT = 20_000_000
"""Numbers of a matrix product held at once."""


@dataclass(frozen=True, slots=True)
class Concordance:
    """Sums over ordered pairs of outputs, by the items that the two belong to.

    As a resample that draws item i twice and item j three times holds each pair of
    their outputs six times, w'Fw sums over all pairs of the resample with weights w.
    """

    agree: Counts
    """Concordant less discordant pairs, shape (items, sets, items)."""
    first: Counts
    """Pairs that the first judgment does not tie, same shape."""
    second: Counts
    """Pairs that the second judgment does not tie, same shape."""

    def tau_b(self, weights: Floats) -> Floats:
        """Kendall's tau-b, shape (draws, sets); NaN where one is constant."""
        single = weights.astype(np.float32)
        agree, first, second = (
            _quadratic(single, form) for form in (self.agree, self.first, self.second)
        )
        return ratio(agree, np.sqrt(first * second))


def standard(values: Floats, axis: int | None = None) -> Floats:
    """Values less their mean over the standard deviation, 0 where all are equal."""
    present = ~np.isnan(values)
    count = np.maximum(present.sum(axis=axis, keepdims=True), 1)
    filled = np.where(present, values, 0.0)
    centred = np.where(present, filled - filled.sum(axis, keepdims=True) / count, 0.0)
    spread = np.sqrt((centred**2).sum(axis, keepdims=True) / count)
    size = np.abs(filled).max(axis=axis, keepdims=True, initial=0.0)
    scaled = np.zeros_like(centred)
    np.divide(centred, spread, out=scaled, where=spread > _TINY * size)
    return np.where(present, scaled, np.nan)


def moments(first: Floats, second: Floats) -> Floats:
    """Tallies that `pearson` reads: count, sums, squares and product; 0 if missing."""
    present = ~np.isnan(first) & ~np.isnan(second)
    x, y = np.where(present, first, 0.0), np.where(present, second, 0.0)
    return np.stack([present.astype(float), x, y, x * x, y * y, x * y], axis=-1)


def pearson(sums: Floats) -> Floats:
    """Pearson's r of summed moments of standard values, shape (...); NaN if constant.

    Args:
        sums: shape (..., 6), summed `moments`.
    """
    count, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    x_spread, y_spread = count * xx - x * x, count * yy - y * y
    floor = _TINY * count * count
    varies = (x_spread > floor) & (y_spread > floor)
    below = np.sqrt(np.where(varies, x_spread * y_spread, 1.0))
    r = np.clip((count * xy - x * y) / below, -1.0, 1.0)
    return np.where(varies, r, np.nan)


def columnwise(x: Floats, y: Floats) -> Floats:
    """Pearson's r of each pair of columns, shape (columns,)."""
    x, y = standard(x, axis=0), standard(y, axis=0)
    return pearson(moments(x, y).sum(axis=0))


def centred(values: Floats, axis: int | None = None) -> Floats:
    """Values less their mean along the axis, in units of what then remains of all."""
    count = np.maximum((~np.isnan(values)).sum(axis=axis, keepdims=True), 1)
    rest = values - np.nansum(values, axis=axis, keepdims=True) / count
    size = float(np.nanmax(np.abs(values), initial=0.0))
    spread = float(np.sqrt(np.nanmean(rest**2))) if rest.size else 0.0
    scaled: Floats = rest / spread if spread > _TINY * size else rest * 0.0
    return scaled


def pair_products(sums: Floats) -> Floats:
    """Sums over all pairs of outputs of a group, each in both directions: (..., 4).

    Of 1 (with the pairs of an output and itself), of the squared differences of the
    first judgment, of the second, and of the products of the two. Equal outputs, as a
    resample has them, add nothing to the last three.

    Args:
        sums: shape (..., 6), summed `moments` of a group.
    """
    count, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    return np.stack(
        [count * count, count * xx - x * x, count * yy - y * y, count * xy - x * y],
        axis=-1,
    )


def of_differences(products: Floats) -> Floats:
    """Pearson's r of the differences within pairs, shape (...); NaN if constant.

    Args:
        products: shape (..., 4), `pair_products` summed over the groups.
    """
    pairs, xx, yy, xy = np.moveaxis(products, -1, 0)
    varies = (xx > _TINY * pairs) & (yy > _TINY * pairs)
    below = np.sqrt(np.where(varies, xx * yy, 1.0))
    return np.where(varies, np.clip(xy / below, -1.0, 1.0), np.nan)


def spearman(
    first: Floats, second: Floats, item: NDArray[np.intp], weights: Floats
) -> Floats:
    """Spearman's rho of each resample, with the ranks of the resample itself.

    Args:
        first: shape (outputs,), without NaN.
        second: shape (outputs,), without NaN.
        item: shape (outputs,), each output's column in `weights`.
        weights: shape (draws, items).

    Returns:
        Shape (draws,); NaN where one of the two is constant.
    """
    x, y = _Levels.of(first), _Levels.of(second)
    columns = np.ascontiguousarray(weights.T)
    size = max(1, _BLOCK // max(1, len(item)))
    blocks = [columns[:, at : at + size] for at in range(0, len(weights), size)]
    return np.concatenate(
        [_spearman_block(x, y, block.take(item, axis=0)) for block in blocks]
    )


def concordance(first: Floats, second: Floats) -> tuple[Concordance, Concordance]:
    """All pairs of outputs as one set, and the pairs within each system as its set.

    Costs time in the square of (systems x items).

    Args:
        first: shape (systems, items); NaN where missing.
        second: shape (systems, items); NaN where missing.

    Returns:
        One with one set (all outputs), one with a set for each system.
    """
    missing = np.isnan(first) | np.isnan(second)
    x, y = np.where(missing, np.nan, first), np.where(missing, np.nan, second)
    systems, items = x.shape
    pooled = np.zeros((3, items, items), dtype=np.float32)
    within = np.zeros((3, items, systems, items), dtype=np.float32)
    for one in range(systems):
        within[:, :, one] = _pair_signs(x[[one, one]], y[[one, one]])
        across = np.zeros((3, items, items), dtype=np.int32)
        for other in range(one + 1, systems):
            across += _pair_signs(x[[one, other]], y[[one, other]])
        pooled += within[:, :, one] + across + across.transpose(0, 2, 1)
    return Concordance(*pooled[:, :, None]), Concordance(*within)


def tau_b_by_item(first: Floats, second: Floats) -> Floats:
    """Kendall's tau-b across systems within each item; NaN if constant.

    Args:
        first: shape (systems, items); NaN where missing in either.
        second: shape (systems, items); NaN where missing in either.

    Returns:
        Shape (items,).
    """
    one, other = np.triu_indices(len(first), 1)
    size = max(1, _PAIRS // max(1, len(one)))
    taus = [np.empty(0)]
    for at in range(0, first.shape[1], size):
        x, y = (
            np.sign(values[one, at : at + size] - values[other, at : at + size])
            for values in (first, second)
        )
        above, x_free, y_free = (np.nansum(s, axis=0) for s in (x * y, x * x, y * y))
        taus.append(ratio(above, np.sqrt(x_free * y_free)))
    return np.concatenate(taus)


def _pair_signs(x: Floats, y: Floats) -> NDArray[np.int8]:
    """Agreement and freedom from ties between the outputs of two systems.

    Args:
        x: shape (2, items), first judgment of both systems; NaN where missing.
        y: shape (2, items), second judgment, likewise.

    Returns:
        Shape (3, items, items): 1 concordant or -1 discordant; 1 where `x` does not
        tie; 1 where `y` does not tie. All 0 where one is missing.
    """
    x_sign, y_sign = _signs(*x), _signs(*y)
    return np.stack([x_sign * y_sign, abs(x_sign), abs(y_sign)])


def _signs(one: Floats, other: Floats) -> NDArray[np.int8]:
    above = (one[:, None] > other).view(np.int8)
    return above - (one[:, None] < other).view(np.int8)


def _quadratic(weights: Counts, form: Counts) -> Floats:
    """The form w'Fw of each row w of the weights, shape (draws, sets)."""
    items, sets, _ = form.shape
    size = max(1, _PRODUCT * items // form.size)
    blocks = [weights[at : at + size] for at in range(0, len(weights), size)]
    products = [
        np.einsum(
            "dsi,di->ds",
            (block @ form.reshape(items, -1)).reshape(-1, sets, items),
            block,
            dtype=np.float64,
        )
        for block in blocks
    ]
    return np.concatenate(products)


def ratio(above: Floats, below: Floats) -> Floats:
    """`above / below`, NaN where `below` is not positive."""
    above, below = np.broadcast_arrays(above, below)
    quotient = np.full(above.shape, np.nan)
    np.divide(above, below, out=quotient, where=below > 0)
    return quotient


@dataclass(frozen=True, slots=True)
class _Levels:
    """The distinct values of a sequence, for ranking its resamples."""

    order: NDArray[np.intp]
    """Positions in ascending order of value."""
    ends: NDArray[np.intp]
    """Last place of each distinct value in that order."""
    level: NDArray[np.intp]
    """The distinct value of each position, by number."""

    @classmethod
    def of(cls, values: Floats) -> _Levels:
        distinct, level = np.unique(values, return_inverse=True)
        order = np.argsort(level, kind="stable")
        ends = np.flatnonzero(np.diff(level[order], append=len(distinct)))
        return cls(order, ends, level)

    def midranks(self, weights: Floats) -> tuple[Floats, Floats]:
        """Midranks less their mean, shape (outputs, draws), and w'r² of each draw."""
        upto = np.cumsum(weights.take(self.order, axis=0), axis=0)
        upto = upto.take(self.ends, axis=0)
        share = np.diff(upto, axis=0, prepend=0.0)
        ranks = upto - share / 2
        ranks -= upto[-1] / 2
        squares = np.einsum("ld,ld,ld->d", share, ranks, ranks)
        return ranks.take(self.level, axis=0), squares


def _spearman_block(x: _Levels, y: _Levels, weights: Floats) -> Floats:
    """Spearman's rho for weights of shape (outputs, draws)."""
    x_ranks, x_squares = x.midranks(weights)
    y_ranks, y_squares = y.midranks(weights)
    x_ranks *= weights
    together = np.einsum("nd,nd->d", x_ranks, y_ranks)
    return ratio(together, np.sqrt(x_squares * y_squares))
