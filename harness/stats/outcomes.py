"""Which pairs metrics have right, and these outcomes swapped between two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.stats.ties import Pairs, best_epsilon

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.stats.output_pairs import Grouping

    Floats = NDArray[np.float64]


def pair_outcomes(
    scores: Floats, human: Floats, grouping: Grouping, seed: int
) -> tuple[NDArray[np.int8], NDArray[np.intp]]:
    """Which pairs each metric has right: (metrics, 2, pairs), and the pairs' groups.

    Once with ties only where scores are equal, once with the metric's own epsilon.
    """
    every = np.ones((1, human.shape[1]))
    rights, group = [], np.empty(0, dtype=np.intp)
    for metric in scores:
        pairs = Pairs.of(metric, human, grouping, seed)
        epsilon = best_epsilon(pairs, every)[1][0] if pairs.gap.size else 0.0
        right = np.empty((2, pairs.gap.size), dtype=np.int8)
        right[0, pairs.place] = pairs.right
        right[1, pairs.place] = pairs.outcomes(float(epsilon))
        rights.append(right)
        group = np.empty(pairs.gap.size, dtype=np.intp)
        group[pairs.place] = pairs.group
    return np.stack(rights), group


def swapped_outcomes(
    first: NDArray[np.int8],
    second: NDArray[np.int8],
    group: NDArray[np.intp],
    trials: int,
    rng: np.random.Generator,
) -> Floats:
    """Accuracies of two metrics, outcomes swapped pair by pair: (2, 1 + trials).

    Only pairs that one metric has right and the other wrong matter, and a swap turns
    each of them with probability one half: their balance is binomial.
    """
    if not group.size:
        return np.full((2, 1 + trials), np.nan)
    size = np.bincount(group)
    share = 1 / (size[size > 0].size * np.maximum(size, 1))
    values = [float(outcome @ share[group]) for outcome in (first, second)]
    gaps = np.zeros(1 + trials)
    gaps[0] = values[0] - values[1]
    differ = size[group][first != second]
    for pairs, number in zip(*np.unique(differ, return_counts=True), strict=True):
        turned = 2.0 * rng.binomial(int(number), 0.5, size=trials) - number
        gaps[1:] += turned / (size[size > 0].size * pairs)
    middle = sum(values) / 2
    return np.stack([middle + gaps / 2, middle - gaps / 2])
