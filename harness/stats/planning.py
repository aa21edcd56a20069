"""How many prompts and raters it takes to tell two checkpoints apart.

The difference of two checkpoints on a prompt varies from prompt to prompt (tau^2), and
each rater's difference varies about it (2 s_r^2, or s^2 where outputs are compared
directly). With k raters of each output it has the variance V = tau^2 + 2 s_r^2 / k, of
which a metric that is known for all N_t prompts explains E, whatever k is. The mean of
n of them then has the variance that the intervals of `combine` estimate,

    prompts like these     [(V - E) c + E n / N_t] / n
    exactly these prompts  [(tau^2 - E) (1 - n / N_t) + 2 s_r^2 / k] c / n

with c = 1 + (1 - n / N_t) / (n - 3) for the metric's slope, which must be learned. The
first is V (1 - rho^2 N / (n + N)) / n with rho^2 = E / V and N = N_t - n. Power is that
of the two-sided t test at 5 %, by the noncentral t distribution, with n - 1 degrees of
freedom, or n - 2 with a metric.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import UsageError, shown
from harness.stats.control_variate import LEAST_RATED, least_gain
from harness.stats.sharpened import ESTIMANDS, EXACTLY_THESE, LEVEL, LIKE_THESE

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from harness.stats.sharpened import Estimand

    Floats = NDArray[np.float64]

LEAST = 2
"""Prompts that an interval needs."""
MOST = 10_000_000
"""Prompts beyond which nobody plans."""
_FREE_OF_SLOPE = 3
_LARGEST_SHIFT = 1e3
_CERTAIN = 30.0


@dataclass(frozen=True, slots=True)
class Spread:
    """What makes the differences of two checkpoints vary, in squared units."""

    item: float
    """Variance of true differences from prompt to prompt, tau^2."""
    noise: float
    """Variance that one rater adds to a prompt's difference, 2 s_r^2; of a direct
    comparison, s^2."""
    explained: float = 0.0
    """Part of `item` that the metric explains; 0 without a metric."""

    def of_prompt(self, raters: int) -> float:
        """Variance of a prompt's mean difference over so many raters."""
        return self.item + self.noise / raters

    def unexplained(self, raters: int) -> float:
        """The part of it that the metric leaves."""
        return self.of_prompt(raters) - min(self.explained, self.item)

    def times(self, factor: float) -> Spread:
        """All of it so many times as large."""
        return Spread(self.item * factor, self.noise * factor, self.explained * factor)


@dataclass(frozen=True, slots=True)
class Goal:
    """What a plan is for."""

    detect: float
    """True difference that is to be found, above 0, in units of the ratings."""
    power: float = 0.8
    """Chance of an interval without 0 if that is the true difference, 0 to 1."""
    estimand: Estimand = LIKE_THESE
    """What the interval is about."""
    total: int | None = None
    """All prompts that the metric is known for; None: any number can be had."""

    def __post_init__(self) -> None:
        """Refuse what cannot be planned.

        Raises:
            UsageError: a difference of 0 or less, a power that is no chance, or exactly
                these prompts without their number.
        """
        if not 0 < self.detect < np.inf:
            raise UsageError(
                "The difference to detect must be a number above 0, in points of the "
                f"scale; it is {shown(self.detect)}."
            )
        if not (1 - LEVEL) < self.power < 1:
            raise UsageError(
                f"The power must be between {1 - LEVEL:.2g} and 1, as 0.8; it is "
                f"{shown(self.power)}."
            )
        if self.estimand not in ESTIMANDS:
            wanted = " or ".join(f'"{one}"' for one in ESTIMANDS)
            raise UsageError(
                f"The estimand must be {wanted}; it is {shown(self.estimand)}."
            )
        if self.total is None and self.estimand == EXACTLY_THESE:
            raise UsageError("Exactly these prompts: say how many they are.")


def variance(spread: Spread, goal: Goal, n: ArrayLike, raters: int) -> Floats:
    """Variance of the mean difference of n rated prompts, shape of `n`.

    The metric is used if `spread` has one.
    """
    n = np.asarray(n, dtype=float)
    unrated = _unrated(goal, n)
    explained = min(spread.explained, spread.item)
    slope = 1.0
    if explained:
        slope = 1 + unrated / np.maximum(n - _FREE_OF_SLOPE, 1)
    noise = spread.noise / raters
    if goal.estimand == EXACTLY_THESE:
        return np.asarray(((spread.item - explained) * unrated + noise) * slope / n)
    left = spread.item + noise - explained
    return np.asarray((left * slope + explained * (1 - unrated)) / n)


def power(spread: Spread, goal: Goal, n: ArrayLike, raters: int) -> Floats:
    """Chance to find the difference with n rated prompts, shape of `n`.

    A metric is used where the rule of `combine` would use it: 12 prompts or more, and
    worth more than its slope costs.
    """
    n = np.asarray(n, dtype=float)
    found = _power(replace(spread, explained=0.0), goal, n, raters)
    if not spread.explained:
        return found
    worth = min(spread.explained, spread.item) / spread.of_prompt(raters)
    gain = worth * _unrated(goal, n)
    least = np.array([least_gain(int(one)) for one in n.ravel()]).reshape(n.shape)
    helps = (n >= LEAST_RATED) & (gain > least)
    return np.where(helps, _power(spread, goal, n, raters), found)


def prompts_needed(spread: Spread, goal: Goal, raters: int) -> int | None:
    """Fewest prompts that reach the power; None if all there are do not.

    For prompts like these the number may be beyond those there are: others like them
    would have to be added. More than `MOST` are None, too.
    """
    most = MOST
    if goal.estimand == EXACTLY_THESE and goal.total is not None:
        most = goal.total

    def reached(n: int) -> bool:
        return bool(power(spread, goal, n, raters) >= goal.power)

    if most < LEAST or not reached(most):
        return None
    low, high = LEAST - 1, most
    while high - low > 1:
        middle = min((low + high) // 2, 2 * max(low, LEAST))
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def detectable(spread: Spread, goal: Goal, n: int, raters: int) -> float:
    """Difference that n prompts find with the goal's power, whatever its `detect`."""
    from scipy.optimize import brentq

    df = n - 1 - bool(spread.explained)
    if df < 1:
        return float("inf")

    def short(shift: float) -> float:
        return float(_exceeds(np.asarray(df, dtype=float), shift)) - goal.power

    shift = brentq(short, 0.0, _LARGEST_SHIFT)
    return float(shift * np.sqrt(variance(spread, goal, n, raters)))


def _unrated(goal: Goal, n: Floats) -> Floats:
    """Share of all prompts that nobody rates."""
    if goal.total is None:
        return np.ones_like(n)
    return np.asarray(np.clip(1 - n / max(goal.total, 1), 0.0, 1.0))


def _power(spread: Spread, goal: Goal, n: Floats, raters: int) -> Floats:
    df = np.maximum(n - 1 - bool(spread.explained), 1.0)
    error = np.sqrt(variance(spread, goal, n, raters))
    known = error > 0
    shift = np.divide(goal.detect, error, out=np.full(n.shape, np.inf), where=known)
    enough = n >= LEAST
    return np.where(enough, _exceeds(df, np.minimum(shift, _LARGEST_SHIFT)), 0.0)


def _exceeds(df: Floats, shift: Any) -> Floats:
    """Chance that |t| is beyond its 95 % quantile, noncentral by `shift`."""
    from scipy.special import nctdtr, ndtr, stdtrit

    limit = stdtrit(df, (1 + LEVEL) / 2)
    above = 1 - nctdtr(df, shift, limit)
    below = 1 - nctdtr(df, -np.asarray(shift), limit)
    # The noncentral series ends where its first terms are too small to write down.
    certain = ndtr(np.asarray(shift) - limit)
    return np.asarray(np.where(np.asarray(shift) > _CERTAIN, certain, above + below))
