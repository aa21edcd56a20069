"""Accuracy of the order within pairs, with ties as predictions of their own.

acc_eq counts a pair as right where metric and people order it alike or both tie it.
acc*_eq calls differences of the metric up to epsilon ties and chooses the epsilon that
fits best (Deutsch, Foster and Freitag 2023, arXiv 2305.14324). The choice is exact:
all pairs in the order of their difference, swept once, O(P log P). Unlike correlations
these keep items and systems in which one judgment is constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.stats import coefficients
from harness.stats.bootstrap import undefined
from harness.stats.output_pairs import Grouping, across_items, within_items
from harness.stats.sample import LEAST_PAIR, Sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.types import Estimate

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]
    Bools = NDArray[np.bool_]

FOLDS = 5
"""Parts of the items that are held out in turn."""
_MOST_PAIRS = 1_000_000
"""Pairs beyond which a random sample of them is compared."""
_RESAMPLED = 30_000
"""Most pairs, of all outputs or within systems, that are weighed anew in each draw."""
_BARE_PAIRS = 10_000
"""Pairs beyond which they are a random sample where values alone are wanted."""
_DRAWS = 200
"""Most resamples where the weight of a pair is no sum over items."""
_BLOCKS = 512
"""Stretches of the sweep whose best is bounded before it is looked for."""
_DIGITS = 12
_SAME = 1e-12


@dataclass(frozen=True, slots=True)
class TieAccuracy:
    """How many pairs a metric puts in people's order, ties being right where shared."""

    acc_eq: Estimate
    """A metric ties where its scores are equal; 0 to 1."""
    acc_star_eq: Estimate
    """With the best epsilon of the same data, and so optimistic; 0 to 1. In simulations
    of 60 items 88 of 100 intervals of 95 % held the truth."""
    epsilon: Estimate
    """That epsilon: differences up to it are ties; in units of the metric."""
    held_out: Estimate
    """acc*_eq on items that the epsilon was not fitted on (cross-validation)."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of outputs in ascending order of the metric's difference."""

    gap: Floats
    """Absolute difference of the scores."""
    right: NDArray[np.int8]
    """1 where both order the pair alike or tie it, at epsilon 0."""
    tied: NDArray[np.int8]
    """1 where people tie the pair: it is right once the metric ties it, too."""
    one: Indices
    """Column (item) of the first output."""
    other: Indices
    """Column (item) of the second; the same where pairs are within items."""
    group: Indices
    """Group (item or system) over whose pairs the accuracy is averaged first."""
    place: Indices
    """Number of the pair before they were sorted, the same for all metrics."""
    within_items: bool
    """Whether each group is an item."""
    total: int
    """Pairs that there are; more than are held where they are a sample."""

    @classmethod
    def of(
        cls,
        metric: Floats,
        human: Floats,
        grouping: Grouping,
        seed: int,
        most: int = _MOST_PAIRS,
        system: Indices | None = None,
    ) -> Pairs:
        """The pairs of these (systems, items) judgments, NaN where missing.

        Of all outputs or within systems at most so many, a random sample. `system`
        says which is a copy of which, of resampled systems.
        """
        judged = np.isfinite(metric) & np.isfinite(human)
        rng = np.random.default_rng(seed)
        if grouping == "item":
            first, second, group, total = within_items(judged, _MOST_PAIRS, rng)
        else:
            first, second, group, total = across_items(
                judged, most, rng, grouping=grouping
            )
        if system is not None:
            own = np.repeat(system, judged.shape[1])
            copies = (own[first] == own[second]) & (
                first % judged.shape[1] == second % judged.shape[1]
            )
            first, second, group = (v[~copies] for v in (first, second, group))
            total -= int(copies.sum())
        gaps = metric.ravel()[first] - metric.ravel()[second]
        gap = np.abs(gaps)
        order = np.argsort(gap, kind="stable")
        people = np.sign(human.ravel()[first] - human.ravel()[second])
        right = np.where(gap > 0, np.sign(gaps) * people > 0, people == 0)
        items = judged.shape[1]
        return cls(
            gap=gap[order],
            right=right[order].astype(np.int8),
            tied=(people == 0)[order].astype(np.int8),
            one=(first % items)[order],
            other=(second % items)[order],
            group=group[order],
            place=order,
            within_items=grouping == "item",
            total=total,
        )

    def kept(self, mask: Bools | Indices) -> Pairs:
        """Some of the pairs, still in order."""
        return Pairs(
            gap=self.gap[mask],
            right=self.right[mask],
            tied=self.tied[mask],
            one=self.one[mask],
            other=self.other[mask],
            group=self.group[mask],
            place=self.place[mask],
            within_items=self.within_items,
            total=self.total,
        )

    def outcomes(self, epsilon: float | Floats) -> NDArray[np.int8]:
        """1 where the pair is right with this epsilon (one, or one for each pair)."""
        near = (self.gap <= epsilon) & (self.gap > 0)
        return np.where(near, self.tied, self.right)

    def shares(self, weights: Floats) -> Floats:
        """Each pair's share of the accuracy in one resample; they add up to 1.

        For pairs across items, which are drawn as often as both items together.
        """
        shares = weights[self.one] * weights[self.other]
        pairs = np.bincount(self.group, weights=shares)
        inverse = np.zeros(len(pairs))
        np.divide(1.0, pairs * (pairs > 0).sum(), out=inverse, where=pairs > 0)
        return shares * inverse[self.group]


def tie_accuracy(sample: Sample, grouping: Grouping) -> TieAccuracy:
    """acc_eq and acc*_eq of a metric, intervals from resamples of items.

    Epsilon is fitted anew in each resample. Within items the accuracy is the mean over
    items with two judged outputs or more; within systems the mean over systems; else
    all pairs count alike. A resample may draw an item twice: an output is not paired
    with its own copy.

    Args:
        sample: judgments and resamples.
        grouping: which outputs make pairs. Beyond 1 million pairs they are a random
            sample, as large for each item or system; of all outputs or within systems,
            200 resamples weigh at most 30,000 of them. `method` says so.
    """
    most = _BARE_PAIRS if sample.rough else _MOST_PAIRS
    if sample.system is not None:
        most = _RESAMPLED
    pairs = Pairs.of(
        sample.metric, sample.human, grouping, sample.seed, most, sample.system
    )
    n, dropped = _counts(sample, grouping)
    if not pairs.gap.size:
        where = {"none": "of outputs", "item": "within an item"}
        reason = f"no pair {where.get(grouping, 'within a checkpoint')} is judged"
        nothing = undefined(reason, dropped=dropped + n)
        return TieAccuracy(nothing, nothing, nothing, nothing)
    folds = min(FOLDS, sample.weights.shape[1])
    fold = (
        np.random.default_rng(sample.seed).permutation(sample.weights.shape[1]) % folds
    )
    made = _within if pairs.within_items else _across
    plain, best, epsilon, held = made(pairs, sample, fold)
    over = {"none": "all", "item": "an item's", "system": "a checkpoint's"}[grouping]
    what = f"of {over} pairs"
    if pairs.total > pairs.gap.size:
        what += f" (a random {pairs.gap.size:,} of {pairs.total:,})"

    def estimate(series: Floats, name: str) -> Estimate:
        return sample.estimate(series, f"{name} {what}", n=n, dropped=dropped)

    return TieAccuracy(
        acc_eq=estimate(plain, "acc_eq"),
        acc_star_eq=estimate(best, "acc*_eq, epsilon fitted in each resample,"),
        epsilon=estimate(epsilon, "epsilon of acc*_eq"),
        held_out=estimate(held, f"acc*_eq, epsilon of the other items ({folds} folds),")
        if folds > 1 and np.isfinite(held[0])
        else undefined("too few items to hold some out", dropped=n + dropped),
    )


def best_epsilon(pairs: Pairs, weights: Floats) -> tuple[Floats, Floats]:
    """Highest accuracy and the epsilon that reaches it, for each draw.

    Epsilon is 0 unless another is better; of equally good others it is the largest,
    as the published figures have it.

    Args:
        pairs: all pairs, one or more.
        weights: shape (draws, items), how often each item is drawn.

    Returns:
        Accuracies and epsilons, both of shape (draws,). Epsilon is 0 or one of the
        differences, all of which are candidates.
    """
    if pairs.within_items:
        return _bounded_sweep(pairs, weights)
    _, best, epsilon = _weighed(pairs, weights)
    return best, epsilon


def _weighed(pairs: Pairs, weights: Floats) -> Floats:
    """acc_eq, acc*_eq and epsilon of pairs across items, shape (3, draws)."""
    gain = (pairs.tied - pairs.right).astype(float)
    ends = np.flatnonzero(np.diff(pairs.gap, append=np.inf))
    found = np.full((3, len(weights)), np.nan)
    for draw, row in enumerate(weights):
        shares = pairs.shares(row)
        if not shares.any():
            continue
        gains = np.cumsum(gain * shares)[ends]
        top = max(0.0, float(gains.max()))
        best = np.flatnonzero(gains >= top - _SAME)[-1] if top > _SAME else None
        plain = pairs.right @ shares
        found[:, draw] = (
            plain,
            plain + top,
            0 if best is None else pairs.gap[ends[best]],
        )
    return found


def _bounded_sweep(pairs: Pairs, weights: Floats) -> tuple[Floats, Floats]:
    """The sweep of all draws at once, where a pair weighs what its item weighs.

    The sweep is cut into stretches. Their gains, and the most that each can gain on
    its way, are two matrix products; only a stretch that can hold the best is swept.
    """
    size = np.bincount(pairs.group, minlength=weights.shape[1])
    drawn = weights @ (size > 0)
    shares = weights / np.maximum(size, 1) / np.maximum(drawn, 1)[:, None]
    base = shares @ np.bincount(pairs.group, pairs.right, weights.shape[1])
    moving = pairs.kept(pairs.tied != pairs.right)
    gain = (moving.tied - moving.right).astype(float)
    bounds = _stretches(moving.gap)
    if len(bounds) == 1:
        return base, np.zeros(len(weights))
    number = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    place = moving.group * (len(bounds) - 1) + number
    cells = (weights.shape[1], len(bounds) - 1)
    gains, rises = (
        shares @ np.bincount(place, rise, cells[0] * cells[1]).reshape(cells)
        for rise in (gain, np.maximum(gain, 0.0))
    )
    before = np.cumsum(gains, axis=1) - gains
    top = np.maximum(before.max(axis=1), before[:, -1] + gains[:, -1])
    best, epsilon = np.zeros(len(weights)), np.zeros(len(weights))
    hopeful = before + rises >= top[:, None] - 10.0**-_DIGITS
    for stretch in np.flatnonzero(hopeful.any(axis=0)):
        draws = np.flatnonzero(hopeful[:, stretch])
        part = slice(bounds[stretch], bounds[stretch + 1])
        ends = np.flatnonzero(np.diff(moving.gap[part], append=np.inf))
        steps = shares[np.ix_(draws, moving.group[part])] * gain[part]
        reached = before[draws, stretch, None] + np.cumsum(steps, axis=1)[:, ends]
        reached = np.round(reached, _DIGITS)
        at = reached.shape[1] - 1 - np.argmax(reached[:, ::-1], axis=1)
        most = reached[np.arange(len(draws)), at]
        better = (most > 0) & (most >= best[draws])
        best[draws[better]] = most[better]
        epsilon[draws[better]] = moving.gap[part][ends[at[better]]]
    return np.where(drawn > 0, base + best, np.nan), epsilon


def _stretches(gap: Floats) -> Indices:
    """Where stretches of about equal length begin and the last ends; ties stay."""
    if not gap.size:
        return np.zeros(1, dtype=np.intp)
    starts = np.flatnonzero(np.diff(gap, prepend=-1.0))
    wanted = np.linspace(0, len(gap), min(_BLOCKS, len(starts)), endpoint=False)
    at = np.searchsorted(starts, wanted, side="right") - 1
    return np.append(np.unique(starts[at]), len(gap))


def _within(pairs: Pairs, sample: Sample, fold: Indices) -> tuple[Floats, ...]:
    """acc_eq, acc*_eq, epsilon and the held-out accuracy of pairs within items."""
    weights = sample.weights
    outcomes = pairs.outcomes(_of_others(pairs, fold)[fold[pairs.one]])
    size = np.bincount(pairs.group, minlength=weights.shape[1])
    drawn = weights @ (size > 0)
    plain, held = (
        weights @ (np.bincount(pairs.group, right, len(size)) / np.maximum(size, 1))
        for right in (pairs.right, outcomes)
    )
    return (
        coefficients.ratio(plain, drawn),
        *best_epsilon(pairs, weights),
        coefficients.ratio(held, drawn),
    )


def _across(pairs: Pairs, sample: Sample, fold: Indices) -> tuple[Floats, ...]:
    """The same of pairs across items; fewer resamples, which may weigh fewer pairs."""
    few, draws = pairs, sample.weights[: 1 + _DRAWS]
    if pairs.gap.size > _RESAMPLED:
        rng = np.random.default_rng(sample.seed)
        some = rng.choice(pairs.gap.size, _RESAMPLED, replace=False)
        few = pairs.kept(np.sort(some))
    found = _weighed(few, draws)
    if few is not pairs:
        # Resamples of a part of the pairs scatter about the part's own value.
        found += _weighed(pairs, draws[:1]) - found[:, :1]
    held = few.kept(fold[few.one] == fold[few.other])
    outcomes = held.outcomes(_of_others(few, fold)[fold[held.one]])
    shares = [held.shares(row) for row in draws]
    apart = np.array([outcomes @ part if part.any() else np.nan for part in shares])
    return found[0], found[1], np.maximum(found[2], 0.0), apart


def _of_others(pairs: Pairs, fold: Indices) -> Floats:
    """Epsilon of the items outside each fold, shape (folds,)."""
    others = fold != np.unique(fold)[:, None]
    if len(others) == 1:
        return np.full(1, np.nan)
    return best_epsilon(pairs, others.astype(float))[1]


def _counts(sample: Sample, grouping: Grouping) -> tuple[int, int]:
    """Groups (or outputs) with a pair, and the others."""
    if grouping == "none":
        return int(sample.judged.sum()), sample.unscored
    judged = sample.judged.sum(axis=0 if grouping == "item" else 1)
    judged = judged[judged > 0]
    used = int((judged >= LEAST_PAIR).sum())
    return used, len(judged) - used
