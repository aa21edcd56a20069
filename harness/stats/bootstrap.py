"""Bootstrap intervals of corpus values from per-output tallies."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.types import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

LEVEL = 0.95
"""Nominal coverage of every interval."""

WHOLE_DRAWS = 200
"""Most resamples of a value that is computed anew for each."""

FEWEST_DRAWS = 200
"""Resamples of very many units, whose intervals are narrow."""

_MOST_WEIGHTS = 20_000_000
"""Weights of all resamples above which there are fewer."""

_MOST_PRODUCTS = 1_000_000_000
"""Numbers in all corpora times resamples above which there are fewer of these."""

_BLOCK = 4_000_000
"""Most weights held at once."""

_KEPT = 12_500_000
"""Most weights that are kept for the next estimate with as many units."""

_TOGETHER = 64
"""Columns of tallies that are resampled by one matrix product."""


def weights(units: int, draws: int, rng: np.random.Generator) -> Floats:
    """How often each unit is drawn in each resample.

    Args:
        units: number of units to resample, 1 or more.
        draws: number of resamples.
        rng: source of randomness.

    Returns:
        Shape (draws, units); each row is multinomial and sums to `units`.
    """
    drawn = rng.integers(units, size=(draws, units))
    drawn += np.arange(draws)[:, None] * units
    counts = np.bincount(drawn.ravel(), minlength=draws * units)
    return counts.reshape(draws, units).astype(float)


def resamples(units: int, draws: int, seed: int) -> Floats:
    """As `weights`, shape (draws, units); none where one unit alone does not vary."""
    if units < 2:  # noqa: PLR2004 - one unit does not vary
        return np.empty((0, units))
    if units * draws <= _KEPT:
        return _kept(units, draws, (seed,))
    return weights(units, draws, np.random.default_rng(seed))


def resampled(
    sums: Floats,
    value: Callable[[Floats], Floats],
    draws: int,
    seed: int | Sequence[int],
) -> Floats:
    """Values of resamples of units, block by block to bound the memory.

    Args:
        sums: shape (units, width), what each unit adds.
        value: turns summed rows, shape (..., width), into values, shape (...).
        draws: number of resamples.
        seed: seed of the resamples.

    Returns:
        Shape (draws,); empty where one unit alone does not vary.
    """
    series = [value(drawn @ sums) for drawn in blocks(len(sums), draws, seed)]
    return np.concatenate([np.empty(0), *series])


@lru_cache(maxsize=2)
def _kept(units: int, draws: int, seed: tuple[int, ...]) -> Floats:
    # A report resamples the same items for each checkpoint and metric.
    drawn = weights(units, draws, np.random.default_rng(seed))
    drawn.flags.writeable = False
    return drawn


def blocks(units: int, draws: int, seed: int | Sequence[int]) -> Iterator[Floats]:
    """The rows of `resamples`, some at a time to bound the memory."""
    if units < 2:  # noqa: PLR2004 - one unit does not vary
        return
    size = max(1, _BLOCK // units)
    if units * draws <= _KEPT:
        whole = _kept(units, draws, (seed,) if isinstance(seed, int) else tuple(seed))
        yield from (whole[at : at + size] for at in range(0, draws, size))
        return
    rng = np.random.default_rng(seed)
    for at in range(0, draws, size):
        yield weights(units, min(size, draws - at), rng)


def fewer_draws(units: int, draws: int) -> int:
    """How many resamples of so many units are made: of very many, 200 at least.

    With more than 20 million weights in all there are as few as that takes, for the
    interval is narrow then, and its ends scatter by a tenth of its width at most.
    """
    return min(draws, max(FEWEST_DRAWS, _MOST_WEIGHTS // max(1, units)))


def resampled_sums(
    corpora: Sequence[Floats], draws: int, seed: int | Sequence[int]
) -> list[Floats]:
    """The sums of each corpus in each resample, many corpora to a matrix product.

    Args:
        corpora: each of shape (units, width), without NaN.
        draws: number of resamples.
        seed: seed of the resamples; the same for all corpora with as many units.

    Returns:
        For each corpus shape (draws, width); without draws where one unit alone does
        not vary.
    """
    series: list[list[Floats]] = [[np.empty((0, one.shape[1]))] for one in corpora]
    shapes: dict[tuple[int, ...], list[int]] = {}
    for at, sums in enumerate(corpora):
        shapes.setdefault(sums.shape, []).append(at)
    for (units, width), places in shapes.items():
        step = max(1, _TOGETHER // max(1, width))
        for drawn in blocks(units, draws, seed):
            for start in range(0, len(places), step):
                some = places[start : start + step]
                summed = drawn @ np.concatenate([corpora[at] for at in some], axis=1)
                for number, at in enumerate(some):
                    part = summed[:, number * width : (number + 1) * width]
                    series[at].append(part)
    return [np.concatenate(some) for some in series]


def corpus_estimate(
    tallies: Floats,
    value: Callable[[Floats], Floats],
    *,
    groups: ArrayLike | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Value of the summed tallies with a percentile bootstrap interval over items.

    Args:
        tallies: shape (outputs, width); a row with NaN is an output without tally.
        value: turns summed tallies, shape (..., width), into values, shape (...).
        groups: shape (outputs,), the item of each output; the outputs (samples) of
            one item are drawn together. None: each output is an item of its own.
        draws: number of resamples.
        seed: seed of the resamples; the same seed and items give the same draws.

    Returns:
        `n` counts the items used, `dropped` the outputs without tally. There is no
        interval, and `method` says why, with one item or where all resamples give
        the same value. The interval is widened to hold the value where a resample's
        bias would put the value outside.
    """
    tallies = np.asarray(tallies, dtype=float)
    if tallies.ndim != 2:  # noqa: PLR2004 - outputs and width
        raise UsageError(
            "Tallies must have the shape (outputs, width); "
            f"these have the shape {tallies.shape}."
        )
    scored = ~np.isnan(tallies).any(axis=1)
    dropped = int((~scored).sum())
    items = _items(groups, len(tallies))[scored]
    if not items.size:
        return undefined("no output could be scored", dropped=dropped)
    sums = _sums_by_item(tallies[scored], items)
    whole = float(value(sums.sum(axis=0)))
    series = resampled(sums, value, draws, seed)
    return with_interval(
        whole, series, n=len(sums), dropped=dropped, method="corpus value"
    )


def corpus_estimates(
    corpora: Sequence[Floats],
    value: Callable[[Floats], Floats],
    *,
    draws: int = 1000,
    seed: int = 0,
) -> list[Estimate]:
    """`corpus_estimate` of each of several corpora, much faster than one by one.

    Of very many corpora and items together there are 200 resamples at most, as of very
    many items in `fewer_draws`; `method` says how many.

    Args:
        corpora: each of shape (items, width), without NaN.
        value: as in `corpus_estimate`.
        draws: number of resamples.
        seed: seed of the resamples; the same for all corpora.
    """
    if draws * sum(sums.size for sums in corpora) > _MOST_PRODUCTS:
        draws = min(draws, FEWEST_DRAWS)
    series = resampled_sums(corpora, draws, seed)
    return [
        with_interval(
            float(value(sums.sum(axis=0))),
            value(drawn) if len(drawn) else np.empty(0),
            n=len(sums),
            method="corpus value",
        )
        if len(sums)
        else undefined("no output could be scored")
        for sums, drawn in zip(corpora, series, strict=True)
    ]


def mean_estimate(
    values: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Mean of the values with a percentile bootstrap interval over items.

    Args:
        values: shape (outputs,); NaN where there is none.
        groups: shape (outputs,), the item of each value, as in `corpus_estimate`.
        draws: number of resamples.
        seed: seed of the resamples.

    Returns:
        The mean over all values; items with more values weigh more.
    """
    column = np.asarray(values, dtype=float).reshape(-1)
    tallies = np.column_stack([column, np.ones_like(column)])

    def mean(tally: Floats) -> Floats:
        quotient: Floats = tally[..., 0] / tally[..., 1]
        return quotient

    return corpus_estimate(tallies, mean, groups=groups, draws=draws, seed=seed)


def whole_estimate(
    outputs: int,
    value_of: Callable[[NDArray[np.intp]], float],
    *,
    groups: ArrayLike | None = None,
    draws: int = 200,
    seed: int = 0,
) -> Estimate:
    """A value of all outputs together, with a bootstrap interval over items.

    For values that do not follow from a sum. As each resample calls `value_of`,
    there are at most 200. A resample repeats items, which by itself changes values
    such as the share of distinct words; so the interval is the percentile one moved
    to where the median of the resamples equals the value.

    Args:
        outputs: number of outputs.
        value_of: the value of the outputs with these row numbers, repeats included;
            NaN where it is undefined.
        groups: shape (outputs,), the item of each output, as in `corpus_estimate`.
        draws: number of resamples, at most 200 are made.
        seed: seed of the resamples.

    Returns:
        `n` counts the items; intervals are missing as in `corpus_estimate`.
    """
    if outputs < 1:
        return undefined("no output could be scored")
    items = np.unique(_items(groups, outputs), return_inverse=True)[1]
    order = np.argsort(items, kind="stable")
    rows = np.split(order, np.flatnonzero(np.diff(items[order])) + 1)
    whole = float(value_of(np.arange(outputs)))
    draws = min(draws, WHOLE_DRAWS)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(rows), size=(draws if len(rows) > 1 else 0, len(rows)))
    resampled = np.array(
        [value_of(np.concatenate([rows[item] for item in draw])) for draw in drawn],
        dtype=float,
    )
    return with_interval(
        whole,
        centred(resampled, whole),
        n=len(rows),
        method="value of all outputs, centred",
    )


def centred(resampled: Floats, value: float) -> Floats:
    """The resamples moved to where their median equals the value."""
    finite = resampled[np.isfinite(resampled)]
    return resampled + (value - np.median(finite)) if finite.size else resampled


def undefined(reason: str, *, n: int = 0, dropped: int = 0) -> Estimate:
    """An estimate without value, and why."""
    return Estimate(None, n=n, dropped=dropped, method=f"undefined: {reason}")


def with_interval(
    value: float,
    resampled: Floats,
    *,
    n: int,
    method: str,
    dropped: int = 0,
    unit: str = "items",
) -> Estimate:
    """The value with the percentiles of its resamples, or the reason for none.

    Args:
        value: on all units; not finite where it is undefined.
        resampled: shape (draws,); values that are not finite are left out. Empty
            where there is only one unit to resample.
        n: units that the value rests on.
        method: what the value is, the first part of the estimate's `method`.
        dropped: units left out.
        unit: what was resampled.
    """
    if not np.isfinite(value):
        return undefined(f"{method} has no finite value", n=n, dropped=dropped)
    finite = resampled[np.isfinite(resampled)]
    reason = ""
    if not resampled.size:
        reason = f"no interval: fewer than two {unit}"
    elif not finite.size:
        reason = "no interval: no resample has a value"
    elif np.ptp(finite) <= _SAME * max(1.0, abs(value)):
        reason = "no interval: every resample gives the same value"
    if reason:
        return Estimate(value, n=n, dropped=dropped, method=f"{method}; {reason}")
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(finite, [tail, 1 - tail])
    note = f"{method}; 95 % percentile bootstrap of {unit}, {len(resampled)} draws"
    if finite.size < resampled.size:
        note += f", {resampled.size - finite.size} of them undefined and left out"
    return Estimate(
        value,
        low=min(float(low), value),
        high=max(float(high), value),
        n=n,
        dropped=dropped,
        method=note,
    )


_SAME = 1e-12


def _items(groups: ArrayLike | None, outputs: int) -> NDArray[np.generic]:
    if groups is None:
        return np.arange(outputs)
    items = np.asarray(groups)
    if items.shape != (outputs,):
        raise UsageError(
            f"Groups must name one item for each of the {outputs} outputs; "
            f"they have the shape {items.shape}."
        )
    return items


def _sums_by_item(tallies: Floats, items: NDArray[np.generic]) -> Floats:
    number = np.unique(items, return_inverse=True)[1]
    sums = np.zeros((int(number.max()) + 1, tallies.shape[1]))
    np.add.at(sums, number, tallies)
    return sums
