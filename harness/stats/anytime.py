"""Intervals that hold at every look, for ratings that are watched as they come.

An interval for fixed n is right 19 times of 20 if it is looked at once. Who looks after
every ten ratings and stops at the first that excludes 0 is wrong far more often. The
asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2021,
arXiv 2103.06476) holds at all looks together: after t ratings it is the estimate, plus
or minus its standard error times

    sqrt(2 (t r^2 + 1) / (t r^2) log(sqrt(t r^2 + 1) / alpha)),

with r^2 such that it is narrowest, compared with what is possible, at `expected`
ratings. Beyond that paper, the multiplier is turned into the quantile of Student's t
with the same tail, since looks begin at few ratings. In simulated campaigns without
difference, looked at after every rating from 10 to 100, it was wrong in 0.8 to 1.8 %
(normal, heavy-tailed, 5 points, mostly ties), the interval for fixed n in 25 to 29 %.
Log-normal ratings, where no t interval holds at few ratings, it got wrong in 18 %.
"""

from __future__ import annotations

from dataclasses import replace
from math import exp, log, sqrt
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.stats.sharpened import LEVEL

if TYPE_CHECKING:
    from harness.stats.sharpened import Estimate

EXPECTED = 50
"""Rated prompts for which sequences are tuned unless told otherwise."""
LEAST_LOOK = 10
"""Rated prompts before which nothing is settled."""


def at_every_look(estimate: Estimate, *, expected: int = EXPECTED) -> Estimate:
    """The estimate with an interval that holds however often it is looked at.

    Where all ratings are equal the exact interval stays: it shrinks with each look, so
    that the first one that misses is the only one that counts.

    Args:
        estimate: of the ratings so far, as `combine` makes it.
        expected: rated prompts at which it should be narrowest; to be fixed before the
            first look.

    Returns:
        Without interval, and with the reason, below `LEAST_LOOK` rated prompts or
        where the interval is not made from a standard error.

    Raises:
        UsageError: `expected` is not positive.
    """
    if expected < 1:
        raise UsageError(f"Some ratings must be expected; {expected} are.")
    if estimate.method in {"exact", "undefined"}:
        return estimate
    unsettled = replace(estimate, low=None, high=None)
    if estimate.n < LEAST_LOOK:
        return replace(
            unsettled, why=f"looks begin at {LEAST_LOOK} rated prompts; {estimate.why}"
        )
    if estimate.value is None or estimate.error is None or estimate.df is None:
        return replace(unsettled, why=f"no standard error; {estimate.why}")
    half = multiplier(estimate.n, estimate.df, expected) * estimate.error
    return replace(
        estimate,
        low=estimate.value - half,
        high=estimate.value + half,
        why=f"{estimate.why}; holds at every look, tuned for {expected} prompts",
    )


def multiplier(n: int, df: float, expected: int = EXPECTED) -> float:
    """Standard errors on either side after n ratings; 2.9 or more."""
    from scipy.special import log_ndtr, stdtrit

    alpha = 1 - LEVEL
    squared = (-2 * log(alpha) + log(-2 * log(alpha) + 1)) / expected
    grown = n * squared + 1
    normal = sqrt(2 * grown / (grown - 1) * log(sqrt(grown) / alpha))
    return float(-stdtrit(df, exp(float(log_ndtr(-normal)))))
