"""From intervals to pass or fail.

Each condition is a one-sided test at 2.5 %, the upper or lower half of the 95 %
interval. Where a gate fails as soon as one of several conditions says worse, every
condition is another chance of a false alarm: Holm's adjustment (1979) keeps the chance
that any of them is one at 2.5 %. Where all must say better, no adjustment is due, as a
gate that passes wrongly must have passed the very condition that is not met, at most
2.5 % of the time (intersection-union test, Berger 1982, Technometrics 24, 295).

The p of a limit is that at which an interval as skewed as this one would just touch it:
t = (limit - value) / (distance to the interval's end on that side / its quantile). With
one condition it is below 2.5 % exactly where the 95 % interval lies beyond the limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.stats.paired import holm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.gating.model import Gain, Outcome, Rules
    from harness.types import Estimate

ALPHA = 0.025
"""Of each one-sided test, and of all together where they are adjusted."""
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Answer:
    """What a condition comes to."""

    outcome: Outcome
    """What the interval says."""
    passed: bool
    """Whether the condition is met."""
    p: float | None
    """One-sided, of what decides; None where there is no interval."""
    p_adjusted: float | None
    """The same beside the other conditions."""


def outcome_of(gain: Estimate, limit: float) -> Outcome:
    """What an interval says of a gain that is asked for."""
    if gain.value is None or gain.low is None or gain.high is None:
        return "cannot tell"
    if gain.high < limit:
        return "worse"
    return "better" if gain.low > limit else "not clear"


def p_value(gain: Gain, limit: float, *, worse: bool) -> float | None:
    """One-sided p against a gain of `limit` or more; else of `limit` or less.

    Args:
        gain: with its 95 % interval.
        limit: the gain that is asked for.
        worse: whether `worse` is to be shown, else `better`.

    Returns:
        None where there is no interval.
    """
    from scipy.special import stdtr, stdtrit

    one = gain.estimate
    if one.value is None or one.low is None or one.high is None:
        return None
    df = np.inf if gain.df is None else gain.df
    beyond = limit - one.value if worse else one.value - limit
    reach = one.high - one.value if worse else one.value - one.low
    if reach <= _TINY:
        # An interval without width on this side is at or beyond the limit, or not.
        return 0.0 if beyond > _TINY else 1.0
    return float(stdtr(df, -beyond / reach * float(stdtrit(df, 1 - ALPHA))))


def decided(
    gains: Sequence[Gain], limits: Sequence[float], rules: Rules
) -> list[Answer]:
    """The answer to each condition beside the others."""
    worse = rules.require == "not-worse"
    alone = [
        p_value(one, limit, worse=worse)
        for one, limit in zip(gains, limits, strict=True)
    ]
    adjusted = holm(alone) if worse and rules.adjust else alone
    found = []
    for one, limit, p, p_adjusted in zip(gains, limits, alone, adjusted, strict=True):
        outcome = outcome_of(one.estimate, limit)
        if outcome == "cannot tell":
            passed = rules.missing_passes
        elif worse:
            sure = p_adjusted is not None and p_adjusted <= ALPHA + _TINY
            passed = not (outcome == "worse" and sure)
        else:
            passed = outcome == "better"
        found.append(Answer(outcome, passed, p, p_adjusted))
    return found


def reason(answer: Answer, gain: Estimate, rules: Rules, *, than: str) -> str:
    """Why it passes or fails, as a clause that follows the numbers."""
    outcome = answer.outcome
    if outcome == "cannot tell":
        return f"cannot tell, there is no interval: {gain.method}"
    if outcome == "better":
        return f"better than {than}, as the whole interval says"
    if outcome == "worse" and answer.passed:
        return (
            f"worse than {than} by itself, but with as many conditions that may be "
            "chance"
        )
    if outcome == "worse":
        return f"worse than {than}, as the whole interval says"
    if rules.require == "better":
        return f"not yet shown to be better than {than}"
    return f"not shown to be worse than {than}"


def asked_for(baseline: str | None, threshold: float | None, margin: float) -> str:
    """What the candidate is held against, in words; names are as they come."""
    if baseline is None:
        return f"the threshold {threshold:g}"
    if not margin:
        return baseline
    return f"{baseline} {'plus' if margin > 0 else 'less'} {abs(margin):g}"
