"""What makes differences of checkpoints vary: prompts, raters, what metrics see.

Every pair of checkpoints gives one difference a prompt. Their variance about each
pair's mean, pooled over pairs, less the noise that the raters of each difference
bring, is the variance of true differences (method of moments). Noise and severity come
from outputs that several raters rated (`severity`, REML). Severity cancels as far as
the same raters rated both outputs.

What a metric explains is measured on prompts that taught neither its slope nor which
metric is the best (five-fold cross-fitting, pooled over pairs), so that the best of
many metrics does not flatter itself. How far a plan can be off is told by leaving out
prompts (the delete-a-group jackknife, on the logarithm of the variance).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.stats.control_variate import LEAST_RATED, normal_scores
from harness.stats.planning import Spread
from harness.stats.severity import severities
from harness.stats.sharpened import LEVEL

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

LEAST_PROMPTS = 6
"""Prompts rated for both of a pair, below which nothing is told from ratings."""
FOLDS = 5
REPEATS = 4
"""Divisions into folds that are averaged."""
GROUPS = 40
"""Most groups of prompts that are left out in turn."""
SHARE_OF_NOISE = 0.6
"""Of the variance of one rater's differences, where no output was rated twice: as in
WebNLG 2017 (0.65 and 0.57 of a scale from 1 to 3)."""
_NOTHING = 1e-12


@dataclass(frozen=True, slots=True)
class Differences:
    """What raters said of pairs of checkpoints, prompt by prompt."""

    value: Floats
    """(pairs, prompts), the second less the first, or how often the second won; NaN
    where not both were rated."""
    noise: Floats
    """(pairs, prompts), how many times one rating's noise variance is in it."""
    severity: Floats
    """(pairs, prompts), how many times the variance of severities is in it."""
    units: Floats
    """(units, raters), single ratings of what raters judge, NaN where they did not."""
    prompt: NDArray[np.intp]
    """(units,), the prompt of each."""
    scores: Floats
    """(metrics, pairs, prompts), each metric's difference as normal scores."""
    ratings: int
    """Ratings that a difference takes of each rater: 2, or 1 if outputs are compared
    directly."""

    @classmethod
    def of_ratings(
        cls, ratings: ArrayLike, texts: ArrayLike, scores: ArrayLike
    ) -> Differences:
        """From single ratings of outputs.

        Args:
            ratings: (checkpoints, prompts, raters), NaN where nobody rated.
            texts: (checkpoints, prompts), equal numbers for equal outputs to a prompt:
                these are rated once, and do not differ.
            scores: (metrics, checkpoints, prompts), NaN where a metric has none.

        Raises:
            UsageError: the shapes do not fit together.
        """
        given, text = np.asarray(ratings, dtype=float), np.asarray(texts)
        score = np.asarray(scores, dtype=float)
        _check(given.shape[:2] == text.shape == score.shape[1:], given, text, score)
        count = (~np.isnan(given)).sum(axis=2)
        weight = ~np.isnan(given) / np.maximum(count, 1)[..., None]
        mean = np.where(count > 0, np.nansum(given, axis=2), np.nan)
        mean /= np.maximum(count, 1)
        pairs = list(combinations(range(len(given)), 2))
        a, b = np.array(pairs, dtype=int).reshape(-1, 2).T
        equal = text[a] == text[b]
        new = np.array(
            [(text[:place] != text[place]).all(axis=0) for place in range(len(text))]
        )
        checkpoint, prompt = np.nonzero(new & (count > 0))
        return cls(
            value=mean[b] - mean[a],
            noise=_unless(equal, 1 / np.maximum(count, 1)[[a, b]].astype(float)),
            severity=np.where(equal, 0, ((weight[b] - weight[a]) ** 2).sum(axis=2)),
            units=given[checkpoint, prompt],
            prompt=prompt,
            scores=_standing(score[:, b] - score[:, a]),
            ratings=2,
        )

    @classmethod
    def of_outcomes(
        cls, outcomes: ArrayLike, equal: ArrayLike, scores: ArrayLike
    ) -> Differences:
        """From direct comparisons.

        Args:
            outcomes: (pairs, prompts, raters), 1 where the second output won, 0 where
                the first did, 0.5 for a tie, NaN where nobody compared.
            equal: (pairs, prompts), whether both outputs are the same, which is a tie
                that nobody is asked about.
            scores: (metrics, pairs, prompts), the second's less the first's.

        Raises:
            UsageError: the shapes do not fit together.
        """
        given, same = np.asarray(outcomes, dtype=float), np.asarray(equal, dtype=bool)
        score = np.asarray(scores, dtype=float)
        _check(given.shape[:2] == same.shape == score.shape[1:], given, same, score)
        count = (~np.isnan(given)).sum(axis=2)
        mean = np.where(count > 0, np.nansum(given, axis=2), np.nan)
        pair, prompt = np.nonzero(~same & (count > 0))
        return cls(
            value=np.where(same, 0.5, mean / np.maximum(count, 1)),
            noise=_unless(same, 1 / np.maximum(count, 1)[None].astype(float)),
            severity=np.zeros(same.shape),
            units=given[pair, prompt],
            prompt=prompt,
            scores=_standing(score),
            ratings=1,
        )

    @property
    def rated(self) -> Bools:
        """(prompts,), where some pair has a difference."""
        return np.asarray((~np.isnan(self.value)).any(axis=0))

    def without(self, left_out: Bools) -> Differences:
        """As if nobody had rated those prompts, shape (prompts,)."""
        return replace(
            self,
            value=np.where(left_out, np.nan, self.value),
            units=self.units[~left_out[self.prompt]],
            prompt=self.prompt[~left_out[self.prompt]],
        )


@dataclass(frozen=True, slots=True)
class Components:
    """Variances in squared units of the ratings, and what they rest on."""

    item: float
    """Of true differences from prompt to prompt."""
    noise: float
    """That one rating brings, beside severity."""
    severity: float
    """Of raters' severities; 0 where it cannot be told from noise."""
    shared: float
    """How far the same raters rated both outputs of a pair, 0 to 1."""
    asked: float
    """Share of prompts on which two checkpoints differ at all, so that people are
    asked."""
    ratings: int
    """Ratings that a difference takes of each rater."""
    split: bool
    """Whether outputs with several raters told noise from true differences."""
    metric: int | None
    """Number of the metric that explains most; None without one."""
    r2: float
    """Share of the variance seen that the best metric explains on held-out prompts,
    0 to 1."""
    explained: float
    """The same in squared units of the ratings."""

    def spread(self, *, metric: bool = False) -> Spread:
        """For a plan, with raters shared between outputs as they were."""
        one = self.noise + self.severity * (1 - self.shared)
        used = self.explained if metric else 0.0
        return Spread(self.item, self.ratings * self.asked * one, used)


@dataclass(frozen=True)
class Pilot:
    """Components with what they would be without some of the prompts."""

    found: Components
    """From all prompts."""
    replicates: tuple[Components, ...]
    """Each without one group of prompts."""
    prompts: int
    """Rated prompts, of whatever pairs."""
    pairs: int
    """Pairs of checkpoints that were pooled."""

    def spread(self, *, metric: bool = False) -> Spread:
        """For a plan, with or without the best metric."""
        return self.found.spread(metric=metric)

    @cached_property
    def _quantile(self) -> float:
        from scipy.special import stdtrit

        return float(stdtrit(len(self.replicates) - 1, (1 + LEVEL) / 2))

    def range_of(self, raters: int, *, metric: bool = False) -> tuple[float, float]:
        """Factors by which a prompt's variance may be smaller or larger (95 %)."""
        left = [
            max(one.spread(metric=metric).unexplained(raters), _NOTHING)
            for one in self.replicates
        ]
        groups = len(left)
        error = np.sqrt((groups - 1) * np.var(np.log(left)))
        factor = float(np.exp(self._quantile * error))
        return 1 / factor, factor


def pilot(differences: Differences) -> Pilot | None:
    """What ratings so far say of the variance; None if they say too little."""
    rated = np.flatnonzero(differences.rated)
    found = components(differences)
    if found is None:
        return None
    order = np.random.default_rng(0).permutation(rated)
    replicates = []
    for group in np.array_split(order, min(GROUPS, len(order))):
        left_out = np.zeros(differences.value.shape[1], dtype=bool)
        left_out[group] = True
        one = components(differences.without(left_out), least=2)
        if one is not None:
            replicates.append(one)
    pairs = int((~np.isnan(differences.value)).any(axis=1).sum())
    return Pilot(found, tuple(replicates), len(rated), pairs)


def components(seen: Differences, *, least: int = LEAST_PROMPTS) -> Components | None:
    """The variances, pooled over pairs; None with fewer prompts or no variance.

    Args:
        seen: the differences.
        least: prompts that the pair with most of them must have.
    """
    known = ~np.isnan(seen.value)
    count = known.sum(axis=1)
    free = np.maximum(count - 1, 0)
    if count.max(initial=0) < least:
        return None
    pairs = free > 0
    inside = np.where(known, seen.value, 0.0)
    centred = inside - inside.sum(axis=1, keepdims=True) / np.maximum(count, 1)[:, None]
    total = float((np.where(known, centred, 0.0) ** 2).sum() / free.sum())
    if total <= _NOTHING:
        return None
    weight = np.where(known, (free / np.maximum(count, 1))[:, None], 0.0)[pairs]
    weight /= weight.sum()
    times = float((weight * seen.noise[pairs]).sum())
    severe = float((weight * seen.severity[pairs]).sum())
    asked = float((weight * (seen.noise[pairs] > 0)).sum())
    noise, severity, split = _of_raters(seen)
    if not split and times > 0:
        noise, severity = SHARE_OF_NOISE * total / times, 0.0
    metric, r2 = _best_metric(seen, known)
    return Components(
        item=max(0.0, total - times * noise - severe * severity),
        noise=noise,
        severity=severity,
        shared=min(1.0, max(0.0, 1 - severe / times)) if times else 1.0,
        asked=asked,
        ratings=seen.ratings,
        split=split,
        metric=metric,
        r2=r2,
        explained=r2 * total,
    )


def _of_raters(seen: Differences) -> tuple[float, float, bool]:
    """Noise and severity of one rating, and whether they could be told."""
    if seen.ratings > 1:
        found = severities(seen.units)
        if found is not None:
            return found.noise_sd**2, found.severity_sd**2, True
    several = (~np.isnan(seen.units)).sum(axis=1) > 1
    free = int((~np.isnan(seen.units[several])).sum() - several.sum())
    if free < LEAST_PROMPTS:
        return 0.0, 0.0, False
    units = seen.units[several]
    within = np.nansum((units - np.nanmean(units, axis=1, keepdims=True)) ** 2)
    return float(within) / free, 0.0, True


def _best_metric(seen: Differences, known: Bools) -> tuple[int | None, float]:
    """The metric that fits best, and what metrics so chosen explain elsewhere."""
    prompts = np.flatnonzero(known.any(axis=0))
    if not len(seen.scores) or len(prompts) < LEAST_RATED:
        return None, 0.0
    y, x = np.where(known, seen.value, 0.0), np.where(known, seen.scores, 0.0)
    best, _ = _fit(y, x, known)
    random = np.random.default_rng(0)
    left = whole = 0.0
    for _ in range(REPEATS):
        order = random.permutation(prompts)
        for part in range(FOLDS):
            out = np.zeros(known.shape[1], dtype=bool)
            out[order[part::FOLDS]] = True
            train, test = known & ~out, known & out
            test &= (train.sum(axis=1) > 1)[:, None]
            chosen, slope = _fit(y, x, train)
            off = (y - _mean(y, train))[test]
            said = slope * (x[chosen] - _mean(x[chosen], train))[test]
            left += float(((off - said) ** 2).sum())
            whole += float((off**2).sum())
    return best, max(0.0, 1 - left / whole) if whole > _NOTHING else 0.0


def _fit(y: Floats, x: Floats, known: Bools) -> tuple[int, float]:
    """The metric with the largest R^2 within pairs, and its slope."""
    off = np.where(known, y - _mean(y, known), 0.0)
    scores = np.where(known, x - _mean(x, known), 0.0)
    both = (scores * off).sum(axis=(1, 2))
    own = (scores**2).sum(axis=(1, 2))
    gain = np.divide(both**2, own, out=np.zeros_like(own), where=own > _NOTHING)
    best = int(gain.argmax())
    return best, float(both[best] / own[best]) if own[best] > _NOTHING else 0.0


def _mean(values: Floats, known: Bools) -> Floats:
    """Of each pair's known prompts, shape (..., pairs, 1)."""
    total = np.where(known, values, 0.0).sum(axis=-1, keepdims=True)
    return np.asarray(total / np.maximum(known.sum(axis=-1, keepdims=True), 1))


def _standing(scores: Floats) -> Floats:
    """Normal scores of each metric and pair; where there is none, their mean."""
    known = np.isfinite(scores)
    if not scores.size:
        return scores
    return normal_scores(np.where(known, scores, _mean(scores, known)))


def _unless(equal: Bools, shares: Floats) -> Floats:
    """The sum over the first axis, 0 where outputs are equal."""
    return np.where(equal, 0.0, shares.sum(axis=0))


def _check(fits: bool, *arrays: NDArray[np.generic]) -> None:  # noqa: FBT001 - a check
    if not fits:
        shapes = ", ".join(str(one.shape) for one in arrays)
        raise UsageError(
            "Ratings, texts and scores must be of the same checkpoints and prompts; "
            f"their shapes are {shapes}."
        )
