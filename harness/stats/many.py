"""Several checkpoints at once: all differences, and which may be the best.

Each difference is that of `combine.paired_difference`. Simultaneous intervals take the
largest standardised error of all differences, from a multiplier bootstrap over prompts
(Chernozhukov, Chetverikov and Kato 2013, arXiv 1212.6906); p-values are Holm's (1979).
What is best is told by multiple comparisons with the best (Hsu 1984, Annals of
Statistics 12, 1136-1144), which hold although the best is found by looking: testing the
winner against the rest would favour it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import exp
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.stats.combine import (
    AT_RANDOM,
    bounds_of,
    of_pair,
    question_of,
)
from harness.stats.paired import holm
from harness.stats.sharpened import LEVEL, LIKE_THESE, Estimand, Estimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from harness.stats.rated_prompts import Design

    Floats = NDArray[np.float64]

DRAWS = 4000
"""Of the multiplier bootstrap."""
_TWO = 2


@dataclass(frozen=True, slots=True)
class Difference:
    """Two of several checkpoints."""

    first: int
    """Number of the checkpoint that is subtracted."""
    second: int
    """Number of the checkpoint that it is subtracted from."""
    estimate: Estimate
    """Their paired difference, its interval for this pair alone."""
    low: float | None
    """Lower end of the simultaneous 95 % interval; None where ratings are all equal."""
    high: float | None
    """Upper end of it."""
    p: float | None
    """Two-sided p that there is no difference, adjusted by Holm's method."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One checkpoint beside the best of the others."""

    checkpoint: int
    """Its number."""
    low: float
    """Lower end of the interval for its mean less that of the best other one; at most
    0. All such intervals hold together with 95 %."""
    high: float
    """Upper end of it, at least 0."""

    @property
    def may_be_best(self) -> bool:
        """Whether the ratings leave open that none is better."""
        return self.high > 0

    @property
    def is_best(self) -> bool:
        """Whether the ratings say that none is better."""
        return self.low == 0 and self.high > 0


def differences(  # noqa: PLR0913 - what is asked, beside what is known
    human: ArrayLike,
    scores: ArrayLike | None = None,
    *,
    against: int | None = None,
    estimand: Estimand = LIKE_THESE,
    scale: tuple[float, float] | None = None,
    design: Design = AT_RANDOM,
    seed: int = 0,
) -> tuple[Difference, ...]:
    """All paired differences, or those against one checkpoint.

    Args:
        human: (checkpoints, prompts) or (checkpoints, prompts, raters), NaN where
            nobody rated.
        scores: (checkpoints, prompts) or (checkpoints, prompts, metrics).
        against: the checkpoint that the others are compared with; None: all pairs, the
            earlier one being subtracted.
        estimand: as in `combine.mean`.
        scale: as in `combine.mean`.
        design: as in `combine.mean`.
        seed: of the multiplier bootstrap.

    Raises:
        UsageError: as `combine.mean`, or fewer than two checkpoints.
    """
    ratings, metric = _checked(human, scores)
    pairs = list(combinations(range(len(ratings)), 2))
    if against is not None:
        if not 0 <= against < len(ratings):
            raise UsageError(
                f"There is no checkpoint number {against}; there are {len(ratings)}."
            )
        pairs = [(against, other) for other in range(len(ratings)) if other != against]
    found = _asked(ratings, metric, pairs, (estimand, scale, design))
    estimates = [estimate for estimate, _ in found]
    errors = _standardised(found, _multipliers(found, seed))
    known = [place for place, one in enumerate(estimates) if one.error is not None]
    largest = np.abs(errors[known]).max(axis=0) if known else np.zeros(1)
    ends = [_interval(one, float(np.quantile(largest, LEVEL))) for one in estimates]
    adjusted = holm([one.p_value() for one in estimates])
    return tuple(
        Difference(first, second, estimate, low, high, p)
        for (first, second), estimate, (low, high), p in zip(
            pairs, estimates, ends, adjusted, strict=True
        )
    )


def best(
    human: ArrayLike,
    scores: ArrayLike | None = None,
    *,
    estimand: Estimand = LIKE_THESE,
    scale: tuple[float, float] | None = None,
    design: Design = AT_RANDOM,
    seed: int = 0,
) -> tuple[Standing, ...]:
    """Every checkpoint beside the best of the others.

    The arguments are those of `differences`.

    Returns:
        One standing for each checkpoint, in order. A difference without standard error
        (all ratings equal) leaves open which of both is better.

    Raises:
        UsageError: as `differences`.
    """
    ratings, metric = _checked(human, scores)
    many = len(ratings)
    gap, margin = np.zeros((many, many)), np.full((many, many), np.inf)
    multipliers = None
    for one in range(many):
        # What is subtracted comes first: `one` less each other.
        pairs = [(other, one) for other in range(many) if other != one]
        found = _asked(ratings, metric, pairs, (estimand, scale, design))
        known = [place for place, (of, _) in enumerate(found) if of.error is not None]
        if multipliers is None:
            multipliers = _multipliers(found, seed)
        errors = _standardised(found, multipliers)[known]
        critical = np.quantile(errors.max(axis=0), LEVEL) if known else np.inf
        for (other, _), (estimate, _) in zip(pairs, found, strict=True):
            gap[one, other] = estimate.value or 0.0
            margin[one, other] = _half(estimate, float(critical))
    apart = ~np.eye(many, dtype=bool)
    high = np.where(apart, gap + margin, np.inf).min(axis=1).clip(min=0.0)
    hopeful = high > 0
    # The margin of the one that may be best is that of its own row.
    below = np.where(apart & hopeful[None, :], gap - margin.T, np.inf).min(axis=1)
    return tuple(
        Standing(one, min(0.0, float(below[one])), float(high[one]))
        for one in range(many)
    )


def _checked(human: ArrayLike, scores: ArrayLike | None) -> tuple[Floats, Floats]:
    ratings = np.asarray(human, dtype=float)
    if ratings.ndim < _TWO or len(ratings) < _TWO:
        raise UsageError(
            "Ratings must be of two or more checkpoints, (checkpoints, prompts); "
            f"they have the shape {ratings.shape}."
        )
    if scores is None:
        return ratings, np.empty((*ratings.shape[:2], 0))
    metric = np.asarray(scores, dtype=float)
    if metric.shape[:2] != ratings.shape[:2]:
        raise UsageError(
            "Ratings and scores must be of the same checkpoints and prompts; they have "
            f"the shapes {ratings.shape} and {metric.shape}."
        )
    return ratings, metric


def _asked(
    ratings: Floats,
    metric: Floats,
    pairs: list[tuple[int, int]],
    asked: tuple[Estimand, tuple[float, float] | None, Design],
) -> list[tuple[Estimate, Floats]]:
    """The second of each pair less the first, with each prompt's part of the error."""
    estimand, scale, design = asked
    bounds = bounds_of(scale)
    if bounds is not None:
        bounds = (bounds[0] - bounds[1], bounds[1] - bounds[0])
    question = question_of(estimand, bounds, None, None, design)
    return [
        of_pair(
            (ratings[first], ratings[second]),
            (metric[first], metric[second]),
            question,
        )
        for first, second in pairs
    ]


def _multipliers(found: list[tuple[Estimate, Floats]], seed: int) -> Floats:
    """Of each prompt, shape (prompts, DRAWS)."""
    return np.random.default_rng(seed).normal(size=(len(found[0][1]), DRAWS))


def _standardised(found: list[tuple[Estimate, Floats]], multipliers: Floats) -> Floats:
    """Errors of all estimates in units of their own spread, shape (pairs, DRAWS)."""
    parts = np.stack([influence for _, influence in found])
    spread = np.sqrt((parts**2).sum(axis=1, keepdims=True))
    return np.asarray(parts @ multipliers / np.where(spread > 0, spread, 1.0))


def _half(estimate: Estimate, critical: float) -> float:
    """Half of an interval whose normal quantile is known, made one of Student's t."""
    from scipy.special import log_ndtr, stdtrit

    if estimate.error is None or estimate.df is None or not np.isfinite(critical):
        return np.inf
    tail = exp(float(log_ndtr(-critical)))
    return float(-stdtrit(estimate.df, tail) * estimate.error)


def _interval(estimate: Estimate, critical: float) -> tuple[float | None, float | None]:
    half = _half(estimate, critical)
    if estimate.value is None or not np.isfinite(half):
        return None, None
    return estimate.value - half, estimate.value + half
