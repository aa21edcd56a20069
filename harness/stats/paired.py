"""Paired comparison of two systems on the same items, from their tallies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.stats.bootstrap import (
    WHOLE_DRAWS,
    blocks,
    centred,
    undefined,
    with_interval,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from harness.types import Estimate

    Floats = NDArray[np.float64]
    Rows = NDArray[np.intp]

TRIALS = 10_000
"""Random swaps, as sacreBLEU's `--paired-ar` has them by default."""
WHOLE_TRIALS = 500
"""Most random swaps where the value is computed anew for each."""
_BLOCK = 4_000_000
_SAME = 1e-12


def paired_difference(
    first: ArrayLike,
    second: ArrayLike,
    value: Callable[[Floats], Floats],
    *,
    draws: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Corpus value of the second system minus that of the first.

    The interval is a percentile bootstrap over items, both systems resampled alike
    (paired bootstrap, Koehn 2004).

    Args:
        first: shape (items, width), one summed tally an item; NaN where unknown.
        second: the same for the other system, item by item.
        value: turns summed tallies, shape (..., width), into values, shape (...).
        draws: number of resamples.
        seed: seed of the resamples.

    Returns:
        `n` counts the items that both have, `dropped` the others.

    Raises:
        UsageError: the shapes differ.
    """
    a, b, dropped = _shared(first, second)
    if not len(a):
        return undefined("no item was scored for both", dropped=dropped)
    # One product of both reads the weights once.
    both, width = np.concatenate([a, b], axis=1), a.shape[1]
    sums = (drawn @ both for drawn in blocks(len(a), draws, seed))
    resampled = [value(sum_[:, width:]) - value(sum_[:, :width]) for sum_ in sums]
    difference = float(value(b.sum(axis=0)) - value(a.sum(axis=0)))
    return with_interval(
        difference,
        np.concatenate([np.empty(0), *resampled]),
        n=len(a),
        dropped=dropped,
        method="paired difference of corpus values",
    )


def randomisation_p(
    first: ArrayLike,
    second: ArrayLike,
    value: Callable[[Floats], Floats],
    *,
    trials: int = TRIALS,
    seed: int = 0,
) -> float | None:
    """Two-sided p that the systems are exchangeable: approximate randomisation.

    Each trial swaps the systems' tallies item by item with probability one half
    (Riezler and Maxwell 2005). p is (c + 1) / (trials + 1), where c counts the trials
    with a difference at least as large as the real one, so that it is never 0 and two
    equal systems get 1.

    Args:
        first: shape (items, width), as in `paired_difference`.
        second: the same for the other system.
        value: turns summed tallies into values.
        trials: number of random swaps.
        seed: seed of the swaps.

    Returns:
        None where no item was scored for both, or their difference is undefined.

    Raises:
        UsageError: the shapes differ.
    """
    a, b, _ = _shared(first, second)
    rng = np.random.default_rng(seed)
    sum_a, sum_b, gap = a.sum(axis=0), b.sum(axis=0), b - a
    real = float(value(sum_b) - value(sum_a)) if len(a) else np.nan
    if not np.isfinite(real):
        return None
    as_large = 0
    for size in _blocks(trials, len(a)):
        moved = rng.integers(2, size=(size, len(a))).astype(float) @ gap
        as_large += _as_large(value(sum_b - moved) - value(sum_a + moved), real)
    return (as_large + 1) / (trials + 1)


def paired_whole(
    items: int,
    value_of: Callable[[Rows], float],
    *,
    draws: int = WHOLE_DRAWS,
    trials: int = WHOLE_TRIALS,
    seed: int = 0,
) -> tuple[Estimate, float | None]:
    """Difference of two systems in a value of all outputs together, and its p.

    As `paired_difference` and `randomisation_p`, for values that do not follow from a
    sum. The interval is centred as in `whole_estimate`.

    Args:
        items: number of items that both systems answered.
        value_of: the value of these rows together, repeats included; NaN where it is
            undefined. Row i is item i of the first system, row items + i the same
            item of the second. It is called twice a draw and twice a trial.
        draws: number of resamples, at most 200 are made.
        trials: number of random swaps, at most 500 are made.
        seed: seed of both.
    """
    draws, trials = min(draws, WHOLE_DRAWS), min(trials, WHOLE_TRIALS)
    every, none = np.arange(items), np.zeros(items, dtype=int)

    def difference(drawn: Rows, swapped: Rows) -> float:
        first, second = drawn + items * swapped, drawn + items * (1 - swapped)
        return value_of(second) - value_of(first)

    if not items:
        return undefined("no item was answered by both"), None
    rng = np.random.default_rng(seed)
    real = difference(every, none)
    resamples = range(draws if items > 1 and np.isfinite(real) else 0)
    resampled = np.array(
        [difference(rng.integers(items, size=items), none) for _ in resamples]
    )
    estimate = with_interval(
        real,
        centred(resampled, real),
        n=items,
        method="paired difference of values of all outputs, centred",
    )
    if not np.isfinite(real):
        return estimate, None
    swaps = rng.integers(2, size=(trials, items))
    swapped = np.array([difference(every, swap) for swap in swaps])
    return estimate, (_as_large(swapped, real) + 1) / (trials + 1)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p-values adjusted for their number (Holm 1979); None stays None."""
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        adjusted[place] = largest
    return adjusted


def _as_large(swapped: Floats, real: float) -> int:
    """Trials with a difference as large as the real one, or with none at all."""
    smaller = np.abs(swapped) < abs(real) - _SAME * max(1.0, abs(real))
    return int((~smaller).sum())


def _shared(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats, int]:
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if a.shape != b.shape or a.ndim != 2:  # noqa: PLR2004 - items and width
        raise UsageError(
            "The tallies of both systems must have one shape (items, width); "
            f"they have the shapes {a.shape} and {b.shape}."
        )
    both = ~(np.isnan(a).any(axis=1) | np.isnan(b).any(axis=1))
    return a[both], b[both], int((~both).sum())


def _blocks(draws: int, units: int) -> list[int]:
    size = max(1, _BLOCK // units)
    return [min(size, draws - start) for start in range(0, draws, size)]
