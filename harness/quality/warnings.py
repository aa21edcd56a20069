"""What looks wrong in a rater's work: flagged for the study's owner, no more.

Each threshold asks for enough answers, and for a distance that chance seldom makes, so
that of careful raters hardly one in twenty is flagged at all.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from harness.quality.measures import at_most

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.quality.model import RaterQuality

LEAST_UNITS = 20
"""Units below which pace, agreement, severity and sides say nothing yet."""

LEAST_CHECKS = 5
"""Gold answers below which their rate says nothing yet."""

LEAST_PAIRS = 10
"""Decided damaged copies below which they say nothing yet."""

LEAST_REPEATS = 15
"""Repeats below which they say nothing yet: with ten, careful raters are now and then
as unsteady as chance."""

LEAST_AGREEMENT = 0.15
"""Correlation with the others below which, if it may as well be 0, that is said."""

LESS_AGREEMENT = 0.4
"""Part of the others' median correlation below which, if the interval does not reach
that median, it is said too."""

SEVERE = 0.2
"""Part of the scale by which somebody is more severe, or milder, than the others."""

GOLD_RATE = 0.7
"""Share of right gold answers below which, beyond chance (5 %), that is said."""

MOST_CHANCE = 0.2
"""p above which damaged copies are not told from their originals."""

UNSTEADY = 0.8
"""Difference between first and second answers, as a share of what answers dealt out at
random would give, above which they are called inconsistent."""

MOST_EQUAL = 0.9
"""Share of one answer above which, where others have less, that is said."""

MORE_EQUAL = 0.2
"""By how much the others' share must be smaller."""

LONG_RUN = 15
UNLIKELY = 0.001
"""Chance of a run of equal answers, given how frequent they are, below which it is
said."""

LOPSIDED = 0.15
"""How far the share of left must be from one half."""

LOPSIDED_P = 0.005
"""And the one-sided chance of that with a fair coin, at most."""

HASTE = 1 / 3
"""Part of the others' median time below which somebody is called fast."""


def warnings(
    one: RaterQuality, others: Sequence[RaterQuality], scale: float
) -> tuple[str, ...]:
    """What looks wrong, in plain words.

    Args:
        one: the rater.
        others: the other raters of the same kind.
        scale: highest number of the scale minus the lowest.
    """
    return (*carelessness(one, others), *_of_severity(one, scale))


def carelessness(one: RaterQuality, others: Sequence[RaterQuality]) -> tuple[str, ...]:
    """What looks wrong, but for severity: that may be careful, and can be allowed for.

    Args:
        one: the rater.
        others: the other raters of the same kind.
    """
    return (
        *_of_checks(one),
        *_of_agreement(one, others),
        *_of_sameness(one, others),
        *_of_sides(one),
        *_of_pace(one, others),
    )


def _of_checks(one: RaterQuality) -> Iterator[str]:
    gold, copies, again = one.gold, one.degraded, one.repeats
    if gold.shown >= LEAST_CHECKS and at_most(gold.hits, gold.shown, GOLD_RATE) < 0.05:  # noqa: PLR2004 - 5 %
        yield f"{gold.hits} of {gold.shown} gold answers are right"
    if copies.shown >= LEAST_PAIRS and (copies.p is None or copies.p > MOST_CHANCE):
        yield (
            f"damaged copies are hardly told from originals: {copies.hits} of "
            f"{copies.shown} were put below"
        )
    if (
        again.shown >= LEAST_REPEATS
        and again.difference is not None
        and again.by_chance
        and again.difference > UNSTEADY * again.by_chance
    ):
        yield (
            f"second answers are {again.difference:.2f} points from the first, where "
            f"chance gives {again.by_chance:.2f}"
        )


def _of_agreement(one: RaterQuality, others: Sequence[RaterQuality]) -> Iterator[str]:
    r = one.agreement
    if r.value is None or r.low is None or r.high is None or r.n < LEAST_UNITS:
        return
    known = [o.agreement.value for o in others if o.agreement.n >= LEAST_UNITS]
    usual = median([value for value in known if value is not None] or [0.0])
    if r.value < LEAST_AGREEMENT and r.low <= 0:
        yield f"hardly agrees with the others: correlation {r.value:.2f}, {r.n} units"
    elif r.value < LESS_AGREEMENT * usual and r.high < usual:
        yield (
            f"agrees less with the others than they do: correlation {r.value:.2f}, "
            f"their median {usual:.2f}"
        )


def _of_severity(one: RaterQuality, scale: float) -> Iterator[str]:
    by = one.severity
    if by.value is None or by.low is None or by.high is None or by.n < LEAST_UNITS:
        return
    if abs(by.value) >= SEVERE * scale and not by.low <= 0 <= by.high:
        how = "more severe" if by.value < 0 else "milder"
        yield f"{how} than the others by {abs(by.value):.2f} points"


def _of_sameness(one: RaterQuality, others: Sequence[RaterQuality]) -> Iterator[str]:
    share = one.commonest
    if share is None or one.rated < LEAST_UNITS:
        return
    usual = [o.commonest for o in others if o.commonest and o.rated >= LEAST_UNITS]
    if share > MOST_EQUAL and (not usual or median(usual) < share - MORE_EQUAL):
        yield f"gave the same answer in {share:.0%} of cases"
    elif one.longest_run >= LONG_RUN and (
        one.rated * share**one.longest_run < UNLIKELY
    ):
        yield f"gave the same answer {one.longest_run} times in a row"


def _of_sides(one: RaterQuality) -> Iterator[str]:
    left = one.left
    if left.value is None or left.n < LEAST_UNITS:
        return
    # Several criteria of a unit are answered together: units are what is independent.
    more = max(left.value, 1 - left.value)
    if more - 0.5 >= LOPSIDED and (
        at_most(left.n - round(more * left.n), left.n, 0.5) <= LOPSIDED_P
    ):
        side = "left" if left.value > 0.5 else "right"  # noqa: PLR2004 - a half
        yield f"preferred the {side} one in {more:.0%} of decided comparisons"


def _of_pace(one: RaterQuality, others: Sequence[RaterQuality]) -> Iterator[str]:
    times = [o.seconds for o in others if o.seconds and o.rated >= LEAST_UNITS]
    if one.seconds is None or one.rated < LEAST_UNITS or not times:
        return
    if one.seconds < HASTE * median(times):
        yield (
            f"takes {one.seconds:.0f} s for a unit, where the others' median is "
            f"{median(times):.0f} s"
        )
