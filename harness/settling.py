"""Whether the ratings of a campaign have settled which checkpoint is better.

The estimate is that of `stats.combine`: the second checkpoint less the first, or how
often the second is preferred, from the ratings alone and sharpened by one metric's
scores. Prompts for which both wrote the same differ by nothing and are not rated:
`Estimate.with_equal` counts them.

These intervals are about the campaign's raters alone; those of reports are from five
raters on also about others.

Whoever watches a campaign looks often. So a question is settled only by the interval
that holds at every look (`stats.anytime`), never by the one for fixed n.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, sqrt
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.stats.anytime import LEAST_LOOK, at_every_look, multiplier
from harness.stats.combine import mean, paired_difference, win_rate
from harness.stats.sharpened import LIKE_THESE, Estimand, Estimate

if TYPE_CHECKING:
    from harness.pairing import Pair

MOST_FORECAST = 100
"""Times the prompts rated so far beyond which nothing is forecast."""
LOOKS = 20
"""Points of a figure of the interval over the ratings."""


@dataclass(frozen=True, slots=True)
class Settling:
    """How far the question which of two checkpoints is better is settled."""

    criterion: str
    """Name of the criterion."""
    first: str
    """Id of the checkpoint that is subtracted."""
    second: str
    """Id of the other."""
    comparing: bool
    """Whether the estimates are win rates of the second, and no differences."""
    metric: str | None
    """Signature of the metric whose scores helped; None if there are none."""
    ratings: int
    """Ratings of the two that count, where they did not write the same."""
    alone: Estimate
    """From the ratings alone, for fixed n."""
    combined: Estimate
    """With the metric's scores, for fixed n."""
    always: Estimate
    """With the metric's scores, with the interval that holds at every look."""
    equal: int
    """Prompts for which both wrote the same; no difference, without a rating."""
    left: int
    """Prompts of the campaign that are not rated for both."""
    more: int | None
    """Further ratings after which the question is settled if all stays as it is; None
    where it is settled, or where that cannot be said."""

    @property
    def null(self) -> float:
        """The value at which neither is better."""
        return 0.5 if self.comparing else 0.0

    @property
    def better(self) -> Literal["first", "second"] | None:
        """Who is better, if that is settled."""
        if self.always.low is not None and self.always.low > self.null:
            return "second"
        if self.always.high is not None and self.always.high < self.null:
            return "first"
        return None

    @property
    def enough_prompts(self) -> bool:
        """Whether the campaign has as many prompts left as the forecast asks for."""
        per_prompt = self.ratings / self.always.n if self.always.n else 1.0
        return self.more is not None and self.more <= self.left * per_prompt


@dataclass(frozen=True, slots=True)
class Look:
    """The estimates after so many ratings."""

    ratings: int
    """Ratings of the two so far."""
    alone: Estimate
    """From the ratings alone, for fixed n."""
    combined: Estimate
    """With the metric's scores, for fixed n."""
    always: Estimate
    """With the metric's scores, for every look."""


def settling(pair: Pair, *, estimand: Estimand = LIKE_THESE) -> Settling:
    """How far the question is settled by all ratings of the pair."""
    found = look(pair, estimand=estimand)
    settled = Settling(
        criterion=pair.criterion,
        first=pair.first,
        second=pair.second,
        comparing=pair.comparing,
        metric=pair.metric,
        ratings=found.ratings,
        alone=found.alone,
        combined=found.combined,
        always=found.always,
        equal=pair.equal,
        left=pair.drawn - int(pair.rated().sum()),
        more=None,
    )
    return replace(settled, more=_more(settled))


def looks(pair: Pair, *, most: int = LOOKS) -> tuple[Look, ...]:
    """The estimates as they came to be, in equal steps of the ratings in order."""
    given = len(pair.value)
    steps = sorted({ceil(given * step / most) for step in range(1, most + 1)} - {0})
    return tuple(look(pair, ratings) for ratings in steps)


def look(
    pair: Pair, ratings: int | None = None, *, estimand: Estimand = LIKE_THESE
) -> Look:
    """The estimates from the first so many ratings; None for all.

    Raises:
        UsageError: the estimand needs the noise of raters, and nothing tells it.
    """
    alone = _estimated(pair, ratings, estimand, with_scores=False)
    combined, always = alone, alone
    if pair.scores is not None:
        combined = always = _estimated(pair, ratings, estimand, with_scores=True)
    if pair.comparing:
        # A score interval has no error to be widened by.
        always = _estimated(pair, ratings, estimand, with_scores=True, as_mean=True)
    count = len(pair.value) if ratings is None else ratings
    return Look(count, alone, combined, _within(at_every_look(always), pair))


def _estimated(
    pair: Pair,
    ratings: int | None,
    estimand: Estimand,
    *,
    with_scores: bool,
    as_mean: bool = False,
) -> Estimate:
    if not pair.prompts:
        return _all_equal(pair, estimand)
    first, second = pair.matrices(ratings)
    design = pair.design(pair.rated(ratings))
    scores = pair.scores if with_scores else None
    a, b = (None, None) if scores is None else (scores[:, 0], scores[:, 1])
    if not pair.comparing:
        found = paired_difference(
            first, second, a, b, estimand=estimand, scale=pair.scale, design=design
        )
        return found.with_equal(pair.equal, len(pair.prompts), 0.0)
    gap = None if a is None or b is None else b - a
    if as_mean:
        found = mean(first, gap, estimand=estimand, scale=pair.scale, design=design)
    else:
        found = win_rate(first, gap, estimand=estimand, design=design)
    return found.with_equal(pair.equal, len(pair.prompts), 0.5)


def _all_equal(pair: Pair, estimand: Estimand) -> Estimate:
    """Where both wrote the same for every prompt: known without a rating."""
    known = np.full((pair.equal, 1), 0.5 if pair.comparing else 0.0)
    low, high = pair.scale
    scale = pair.scale if pair.comparing else (low - high, high - low)
    return mean(known, scale=scale, estimand=estimand, noise=0.0)


def _within(found: Estimate, pair: Pair) -> Estimate:
    """An interval cut off where no value can be."""
    low, high = pair.scale if pair.comparing else _differences(pair.scale)
    if found.low is None or found.high is None:
        return found
    return replace(found, low=max(low, found.low), high=min(high, found.high))


def _differences(scale: tuple[float, float]) -> tuple[float, float]:
    return scale[0] - scale[1], scale[1] - scale[0]


def _more(settled: Settling) -> int | None:
    """Further ratings until the interval for every look leaves the null out.

    Its standard error falls with the root of the rated prompts n: the least n at which
    multiplier(n) error sqrt(n0 / n) is below the distance to the null.
    """
    found = settled.always
    if settled.better or None in {found.value, found.error, found.df}:
        return None
    distance, n0 = abs((found.value or 0.0) - settled.null), found.n
    error, df = found.error or 0.0, found.df or 1.0
    per_prompt = settled.ratings / n0

    def settles(n: int) -> bool:
        return multiplier(n, df + n - n0) * error * sqrt(n0 / n) < distance

    low, high = max(n0, LEAST_LOOK - 1), max(n0, 1) * MOST_FORECAST
    if not settles(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settles(middle) else (middle, high)
    return ceil((high - n0) * per_prompt)
