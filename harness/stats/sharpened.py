"""Ratings, sharpened by scores where a rule fixed in advance allows it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness import types
from harness.errors import UsageError
from harness.stats.control_variate import (
    LEAST_RATED,
    Fit,
    Rated,
    fit,
    least_gain,
    metric_helps,
    r_squared,
)
from harness.stats.cross_fitted import FOLDS, predictions
from harness.stats.rated_prompts import RatedPrompts, rated_prompts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.stats.rated_prompts import Design, Ratings

    Floats = NDArray[np.float64]

Estimand = Literal["prompts like these", "exactly these prompts"]
"""What an interval is about: the mean over all prompts of this kind, or over those that
are here, as if all of them had been rated by all raters of this kind."""
Method = Literal["classical", "regression", "exact", "score", "undefined"]

LEVEL = 0.95
"""Of all intervals."""
LIKE_THESE: Estimand = "prompts like these"
EXACTLY_THESE: Estimand = "exactly these prompts"
_SAME = 1e-12
ESTIMANDS = (LIKE_THESE, EXACTLY_THESE)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean or difference of ratings with its 95 % interval and what it rests on."""

    value: float | None
    """In units of the ratings; None where it is undefined."""
    low: float | None
    """Lower end of the interval; None where there is none."""
    high: float | None
    """Upper end of the interval; None where there is none."""
    n: int
    """Rated prompts."""
    method: Method
    """How the interval was made."""
    estimand: Estimand
    """What it is about."""
    effective_n: float
    """Rated prompts with which the classical interval would be as narrow; n if the
    metrics did not help."""
    r2: float | None
    """Share of the ratings' variance that the metrics explain; negative if they
    mislead. None without a metric."""
    why: str
    """Why this method, in a sentence for readers; or why there is no value."""
    error: float | None = None
    """Standard error; None where the interval is not made from one."""
    df: float | None = None
    """Degrees of freedom of its t quantile."""

    @property
    def saved(self) -> int:
        """Ratings that the metrics were worth; 0 where they were worth none."""
        return max(0, int(self.effective_n - self.n))

    def p_value(self, null: float = 0.0) -> float | None:
        """Two-sided p of a true value `null`, from t; None without standard error."""
        from scipy.special import stdtr

        if self.value is None or self.error is None or self.df is None:
            return None
        return float(2 * stdtr(self.df, -abs(self.value - null) / self.error))

    def also_of(self, variance: float, df: float, whom: str) -> Estimate:
        """The estimate with further variance, say of other raters, in its interval.

        The squares of both parts' half-widths add (MOVER, Zou and Donner 2008,
        Statistics in Medicine 27, 1693), which with few raters holds more often than
        Satterthwaite's degrees of freedom; `df` are those of a t interval so wide. What
        was made without standard error stays as it is.

        Args:
            variance: squared standard error that comes to the present one.
            df: degrees of freedom with which it is known.
            whom: what the interval then speaks of, too.
        """
        from scipy.special import stdtridf, stdtrit

        if self.value is None or self.error is None or self.df is None:
            return self
        both, tail = self.error**2 + variance, (1 + LEVEL) / 2
        half = np.hypot(
            stdtrit(self.df, tail) * self.error, stdtrit(df, tail) * np.sqrt(variance)
        )
        freedom = self.df
        if variance > 0:
            freedom = float(stdtridf(tail, half / np.sqrt(both)))
        why = f"{self.why}; the interval is also about {whom}"
        return _of_variance(replace(self, df=freedom, why=why), both)

    def with_equal(self, equal: int, others: int, null: float) -> Estimate:
        """An estimate of prompts that differ, made one of all prompts.

        With a share e of prompts that are known to have the value `null`, and the
        mean m of the others, the mean is (1 - e) m + e null. Its variance is
        (1 - e)^2 var(m), and of prompts like these, of which another share might be
        equal, (m - null)^2 e (1 - e) / N more.

        Args:
            equal: prompts for which both wrote the same.
            others: all other prompts, rated or not.
            null: the value at which neither is better.
        """
        if not equal or self.value is None:
            return self
        total = equal + others
        share = others / total
        value, low, high = (
            None if end is None else null + share * (end - null)
            for end in (self.value, self.low, self.high)
        )
        same = f"both wrote the same for {equal} of {total} prompts"
        why = f"{self.why}; {same}, which needs no rating"
        moved = replace(self, value=value, low=low, high=high, why=why)
        if self.error is None:
            return moved
        variance = (share * self.error) ** 2
        if self.estimand == LIKE_THESE:
            variance += (self.value - null) ** 2 * share * (1 - share) / total
        return _of_variance(moved, variance)

    def as_estimate(self) -> types.Estimate:
        """What reports print of any statistic, with the reason as its method."""
        method = f"{self.method}, {self.estimand}: {self.why}"
        return types.Estimate(self.value, self.low, self.high, self.n, method=method)

    def as_json(self) -> dict[str, types.Json]:
        """All fields by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the ratings."""

    estimand: Estimand
    """What the interval is about."""
    bounds: tuple[float, float] | None
    """Least and largest value that one prompt can have."""
    noise: float | None
    """Variance of what raters say of one prompt, where it is known from elsewhere."""
    slopes: Floats | None
    """(p,), of the metrics, learned elsewhere."""
    design: Design
    """How the prompts were drawn."""


def answered(
    ratings: Ratings, scores: Floats, question: Question
) -> tuple[Estimate, Floats]:
    """The estimate, and what each prompt adds to its error, shape (prompts,).

    Args:
        ratings: of all rows.
        scores: (rows, metrics).
        question: what is asked.

    Raises:
        UsageError: something in the question does not fit the ratings and scores.
    """
    if question.slopes is not None and question.slopes.shape != scores.shape[1:]:
        raise UsageError(
            f"There must be one slope for each of the {scores.shape[1]} metrics; "
            f"the slopes have the shape {question.slopes.shape}."
        )
    raw = question.slopes is not None
    prompts = rated_prompts(ratings, scores, question.design, raw=raw)
    influence = np.zeros(len(prompts.base))
    if prompts.problem:
        return _undefined(len(prompts.y), question.estimand, prompts.problem), influence
    noise = _noise(prompts, question)
    base = prompts.base
    alone = Rated(prompts.y, base[prompts.rated], base, prompts.chance, noise)
    classical = fit(alone, power=1)
    combined = _with_metrics(alone, prompts, question)
    chosen, r2, why = classical, None, "ratings alone"
    if combined is not None:
        r2 = r_squared(classical, combined)
        helps = bool(metric_helps(r2, len(prompts.y), len(prompts.base)))
        chosen = combined if helps else classical
        why = _why(float(r2), prompts)
    estimate = _estimate(chosen, classical, prompts, question)
    influence[prompts.rated] = chosen.influence
    if question.estimand == LIKE_THESE:
        influence += chosen.predicted / len(influence)
    if estimate.method == "exact":
        return estimate, influence
    return replace(estimate, r2=None if r2 is None else float(r2), why=why), influence


def half_width(found: Fit, estimand: Estimand) -> tuple[Floats, Floats]:
    """Half of the interval's width, and the standard error, both of shape (...)."""
    from scipy.special import stdtrit

    variance = found.like_these if estimand == LIKE_THESE else found.exactly_these
    error = np.sqrt(np.maximum(variance, 0.0))
    return np.asarray(stdtrit(found.df, (1 + LEVEL) / 2) * error), error


def _noise(prompts: RatedPrompts, question: Question) -> float:
    noise = prompts.noise if question.noise is None else question.noise
    if noise is None and question.estimand == EXACTLY_THESE:
        raise UsageError(
            "An interval for exactly these prompts needs the noise of raters: give "
            "the ratings as (prompts, raters), or the noise as a variance."
        )
    return noise or 0.0


def _with_metrics(
    alone: Rated, prompts: RatedPrompts, question: Question
) -> Fit | None:
    """The fit that uses metrics; None where they cannot be used."""
    metrics, base, learned = prompts.x.shape[1], prompts.base, 0
    if question.slopes is not None:
        said = prompts.x @ question.slopes, prompts.x_all @ question.slopes
    else:
        columns = np.column_stack([alone.columns, prompts.x])
        every = np.column_stack([base, prompts.x_all])
        if metrics == 1:
            return fit(replace(alone, columns=columns, everyone=every), power=2)
        if not metrics or len(prompts.y) < FOLDS:
            return None
        said = predictions(prompts.y, columns, every, base=base.shape[1])
        learned = metrics
    offset = replace(alone, offset=said[0], offset_everyone=said[1], learned=learned)
    return fit(offset, power=1)


def _estimate(
    chosen: Fit, classical: Fit, prompts: RatedPrompts, question: Question
) -> Estimate:
    n, value = len(prompts.y), float(chosen.value)
    half, error = (float(one) for one in half_width(chosen, question.estimand))
    if np.ptp(prompts.y) <= _SAME * max(1.0, abs(value)) or error == 0:
        return _exact(prompts, classical, question)
    alone = float(half_width(classical, question.estimand)[0])
    return Estimate(
        value=value,
        low=value - half,
        high=value + half,
        n=n,
        method="classical" if chosen is classical else "regression",
        estimand=question.estimand,
        effective_n=float(n if chosen is classical else n * (alone / half) ** 2),
        r2=None,
        why="",
        error=error,
        df=float(chosen.df),
    )


def _exact(prompts: RatedPrompts, classical: Fit, question: Question) -> Estimate:
    """Where all prompts have one value: Clopper and Pearson (1934) on the others.

    A share q of prompts that differ stays unseen in n with probability (1 - q)^n, so
    that q < 1 - 0.025^(1/n); how far these can move the mean follows from the scale.
    """
    value, n = float(classical.value), len(prompts.y)
    low = high = None
    why = f"all {n} ratings are equal, and their scale is not given"
    if question.bounds is not None:
        # Unequal weights tell as much as that many equal ones.
        effective = float(classical.df) + prompts.base.shape[1]
        unseen = unseen_share(effective)
        low = value - unseen * (value - question.bounds[0])
        high = value + unseen * (question.bounds[1] - value)
        why = f"all {n} ratings are equal: at most {unseen:.0%} of prompts differ"
    method: Method = "exact"
    return Estimate(value, low, high, n, method, question.estimand, float(n), None, why)


def unseen_share(n: float) -> float:
    """Most prompts that can differ from n equal ones, as a share (97.5 %)."""
    return float(1 - ((1 - LEVEL) / 2) ** (1 / n))


def _of_variance(found: Estimate, variance: float) -> Estimate:
    """With the t interval of that squared standard error."""
    from scipy.special import stdtrit

    if found.value is None or found.df is None:
        return found
    error = float(np.sqrt(variance))
    half = float(stdtrit(found.df, (1 + LEVEL) / 2)) * error
    low, high = found.value - half, found.value + half
    return replace(found, low=low, high=high, error=error)


def _undefined(n: int, estimand: Estimand, why: str) -> Estimate:
    return Estimate(None, None, None, n, "undefined", estimand, float(n), None, why)


def _why(r2: float, prompts: RatedPrompts) -> str:
    n, total = len(prompts.y), len(prompts.base)
    explained = f"the scores explain R² {r2:.2f} of the ratings"
    worth = r2 * (total - n) / total
    if n < LEAST_RATED:
        said = f"{n} rated prompts; scores help from {LEAST_RATED} on"
    elif n == total:
        said = f"{explained}, but every prompt is rated"
    elif worth > least_gain(n):
        said = f"{explained}, which is worth {worth:.0%} of them"
    else:
        said = (
            f"{explained}, which is worth {max(0.0, worth):.0%} of them; scores help "
            f"from {least_gain(n):.0%} on"
        )
    if prompts.unscored:
        said += f"; {prompts.unscored} prompts without a score took the mean score"
    return said
