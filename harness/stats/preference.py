"""Strengths from comparisons of two: win rates, Bradley-Terry, Davidson's ties.

With strengths s and tie parameter t, the log-odds of "i wins", "j wins" and "tie" are
as s_i, s_j and t + (s_i + s_j) / 2 (Davidson 1970); without ties this is the model of
Bradley and Terry (1952). A weak normal prior keeps strengths finite where somebody
won every comparison.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.stats.bootstrap import (
    mean_estimate,
    resamples,
    undefined,
    with_interval,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from scipy.sparse import csr_array

    from harness.types import Estimate

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]
    Sparse = csr_array[np.float64, tuple[int, int]]

PRIOR_SD = 3.0
"""Standard deviation of the prior on strengths, in log-odds: one that wins 95 of a
hundred against the average is one of these away."""
NEWTON_STEPS = 50
CONVERGED = 1e-9
_BLOCK = 4_000_000


@dataclass(frozen=True)
class Preferences:
    """What comparisons say of those who were compared."""

    strength: tuple[Estimate, ...]
    """Log-odds of winning against the average of all, for each; 0 is average."""
    lead: Estimate
    """Strength of the strongest less that of the next; `n` counts their comparisons
    with all."""
    win_rate: tuple[Estimate, ...]
    """Share of comparisons won, ties counted half, for each, in [0, 1]."""
    against: tuple[tuple[Estimate, ...], ...]
    """The same of row against column; undefined where they were never compared."""
    ties: Estimate
    """Share of comparisons without a winner, in [0, 1]."""


def preferences(  # noqa: PLR0913 - one argument a column
    outcomes: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    prompts: ArrayLike,
    *,
    systems: int,
    draws: int = 1000,
    seed: int = 0,
) -> Preferences:
    """Win rates and strengths, with percentile bootstrap intervals over prompts.

    Args:
        outcomes: 1 where `first` won, 0 where `second` did, .5 for a tie.
        first: number of the one side, from 0.
        second: number of the other side.
        prompts: number of the prompt of each comparison, from 0; a prompt is
            resampled whole, with all its comparisons and raters.
        systems: how many there are; one that was never compared is undefined.
        draws: number of resamples of prompts.
        seed: seed of the resamples.

    Raises:
        UsageError: the columns do not fit together, or hold other numbers.
    """
    counted = _counts(outcomes, first, second, prompts, systems)
    size = counted.shape[0]
    drawn = np.vstack([np.ones((1, size)), resamples(size, draws, seed)])
    # Shape (1 + draws, pairs, kinds): the counts themselves, then the resampled.
    totals = np.asarray(drawn @ counted).reshape(len(drawn), -1, len(_KINDS))
    one, two = np.triu_indices(systems, 1)

    def rate(ahead: Ints, behind: Ints) -> Estimate:
        """Share won by the first of the pairs `ahead`, the second of `behind`."""
        won = totals[:, ahead, _WON].sum(axis=1) + totals[:, behind, _LOST].sum(axis=1)
        both = np.concatenate([ahead, behind])
        tied = totals[:, both, _TIED].sum(axis=1)
        return _share(won + tied / 2, totals[:, both].sum(axis=(1, 2)), "win rate")

    def of(pairs: NDArray[np.bool_]) -> Ints:
        return np.nonzero(pairs)[0]

    everyone = range(systems)
    strength, lead = _strengths(totals, systems)
    return Preferences(
        strength=strength,
        lead=lead,
        win_rate=tuple(rate(of(one == i), of(two == i)) for i in everyone),
        against=tuple(
            tuple(
                rate(of((one == i) & (two == j)), of((one == j) & (two == i)))
                for j in everyone
            )
            for i in everyone
        ),
        ties=_share(
            totals[:, :, _TIED].sum(axis=1), totals.sum(axis=(1, 2)), "share of ties"
        ),
    )


def position_bias(
    left_won: ArrayLike, prompts: ArrayLike, *, draws: int = 1000, seed: int = 0
) -> Estimate:
    """Share of decided comparisons won by the left side; .5 if sides do not matter.

    Args:
        left_won: 1 or 0 for each comparison that was no tie.
        prompts: the prompt of each, which is resampled whole.
        draws: number of resamples of prompts.
        seed: seed of the resamples.
    """
    found = mean_estimate(left_won, prompts, draws=draws, seed=seed)
    return replace(found, method=f"share won by the left side; {found.method}")


_KINDS = _WON, _LOST, _TIED = range(3)


def _counts(
    outcomes: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    prompts: ArrayLike,
    systems: int,
) -> Sparse:
    """How often each prompt has each pair end how: (prompts, pairs * kinds)."""
    from scipy.sparse import coo_array

    outcome = np.asarray(outcomes, dtype=float)
    sides = np.asarray(first, dtype=int), np.asarray(second, dtype=int)
    prompt = np.asarray(prompts, dtype=int)
    if not outcome.shape == sides[0].shape == sides[1].shape == prompt.shape:
        raise UsageError("Outcomes, sides and prompts must be columns of one length.")
    if not np.isin(outcome, (0, 0.5, 1)).all():
        raise UsageError("An outcome must be 0, .5 or 1.")
    low, high = np.minimum(*sides), np.maximum(*sides)
    if len(outcome) and (low.min() < 0 or high.max() >= systems or (low == high).any()):
        raise UsageError("Each comparison needs two different sides, numbered from 0.")
    of_low = np.where(sides[0] == low, outcome, 1 - outcome)
    kind = np.where(of_low == 1, _WON, np.where(of_low == 0, _LOST, _TIED))
    pair = _places(low, high, systems)
    columns = systems * (systems - 1) // 2 * len(_KINDS)
    rows = int(prompt.max()) + 1 if len(prompt) else 0
    where = (prompt, pair * len(_KINDS) + kind)
    counted = coo_array((np.ones(len(kind)), where), shape=(rows, columns)).tocsr()
    # Numbers without a comparison are no prompts.
    return counted[np.asarray(counted.sum(axis=1)).ravel() > 0]


def _share(above: Floats, below: Floats, name: str) -> Estimate:
    if not below[0]:
        return undefined("never compared")
    quotient = np.full(len(below), np.nan)
    np.divide(above, below, out=quotient, where=below > 0)
    return with_interval(
        float(quotient[0]),
        quotient[1:],
        n=int(below[0]),
        method=f"{name}, of comparisons",
        unit="prompts",
    )


def _strengths(totals: Floats, systems: int) -> tuple[tuple[Estimate, ...], Estimate]:
    """Each strength, and how far the strongest is ahead of the next."""
    one, two = np.triu_indices(systems, 1)
    of_pair = totals[0].sum(axis=1)
    compared = np.bincount(one, of_pair, systems) + np.bincount(two, of_pair, systems)
    name = "Bradley-Terry" + (
        " with Davidson's ties" if totals[..., _TIED].any() else ""
    )
    if not _connected(of_pair, systems):
        reason = "not all were compared with one another, directly or through others"
        return (undefined(reason),) * systems, undefined(reason)
    size = max(1, _BLOCK // (len(one) * 3 + (systems + 1) ** 2))
    found = np.concatenate(
        [_fit(totals[at : at + size], systems) for at in range(0, len(totals), size)]
    )

    def estimate(series: Floats, n: float, what: str) -> Estimate:
        method = f"{name}, log-odds {what}"
        return with_interval(
            float(series[0]), series[1:], n=int(n), method=method, unit="prompts"
        )

    two_best = np.argsort(found[0], kind="stable")[-2:]
    second, best = two_best
    between = of_pair[_places(two_best.min(), two_best.max(), systems)]
    return tuple(
        estimate(found[:, i], compared[i], "against the average")
        for i in range(systems)
    ), estimate(
        found[:, best] - found[:, second],
        compared[best] + compared[second] - between,
        "of the best against the next best",
    )


def _places(low: Ints, high: Ints, systems: int) -> Ints:
    """Where pairs stand in the order of `np.triu_indices`."""
    return low * systems - low * (low + 1) // 2 + high - low - 1


def _connected(of_pair: Floats, systems: int) -> bool:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    compared = of_pair > 0
    one, two = (side[compared] for side in np.triu_indices(systems, 1))
    graph = coo_array((of_pair[compared], (one, two)), shape=(systems, systems))
    parts, _ = connected_components(graph, directed=False)
    return int(parts) == 1


def _fit(totals: Floats, systems: int) -> Floats:
    """Strengths of each resample, shape (draws, systems), by Newton's method.

    A choice among three whose utilities are linear in the parameters, the strengths
    and the tie parameter: its likelihood is concave.
    """
    one, two = np.triu_indices(systems, 1)
    count = totals.sum(axis=2)
    # Of each pair: what the first, the second and the tie parameter are worth in each
    # outcome. Nothing else is at stake between two.
    worth = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    side = [np.eye(systems)[end] for end in (one, two)]
    found = np.zeros((len(totals), systems + 1))
    for _ in range(NEWTON_STEPS):
        tie = np.broadcast_to(found[:, -1:], count.shape)
        three = np.stack([found[:, one], found[:, two], tie], axis=2)
        chance = _softmax(three @ worth)
        slope = _gathered((totals - count[:, :, None] * chance) @ worth.T, side)
        slope -= found / PRIOR_SD**2
        step = np.linalg.solve(_curve(chance, count, worth, side), slope[:, :, None])[
            :, :, 0
        ]
        # A longer step can overshoot where one side won everything.
        found += step / np.maximum(1, np.abs(step).max(axis=1, keepdims=True))
        if np.abs(step).max() < CONVERGED:
            break
    strengths = found[:, :systems]
    return np.asarray(strengths - strengths.mean(axis=1, keepdims=True))


def _softmax(utility: Floats) -> Floats:
    chance = np.exp(utility - utility.max(axis=2, keepdims=True))
    return np.asarray(chance / chance.sum(axis=2, keepdims=True))


def _gathered(of_pairs: Floats, side: list[Floats]) -> Floats:
    """From (draws, pairs, 3) sums for each system and the tie parameter."""
    first, second = (of_pairs[:, :, at] @ side[at] for at in range(2))
    tie = of_pairs[:, :, 2].sum(axis=1, keepdims=True)
    return np.concatenate([first + second, tie], axis=1)


def _curve(chance: Floats, count: Floats, worth: Floats, side: list[Floats]) -> Floats:
    """Second derivatives, (draws, systems + 1, systems + 1), the prior's with them.

    A pair adds to few places only: where its two systems and the tie parameter meet.
    """
    mean = chance @ worth.T
    spread = np.einsum("dpk,fk,gk->dpfg", chance, worth, worth, optimize=True)
    spread -= mean[:, :, :, None] * mean[:, :, None, :]
    spread *= count[:, :, None, None]
    systems = side[0].shape[1]
    one, two = (ends.argmax(axis=1) for ends in side)
    curve = np.zeros((len(chance), systems + 1, systems + 1))
    curve[:, one, two] = curve[:, two, one] = spread[:, :, 0, 1]
    with_tie = _gathered(spread[:, :, 2], side)
    curve[:, :, -1] = curve[:, -1] = with_tie
    diagonal = np.arange(systems)
    own = sum(spread[:, :, at, at] @ side[at] for at in range(2))
    curve[:, diagonal, diagonal] = own
    return curve + np.eye(systems + 1) / PRIOR_SD**2
