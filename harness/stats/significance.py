"""Whether one metric agrees better with people than another: permutation tests.

PERM-BOTH (Deutsch, Dror and Roth 2021, arXiv 2104.00054) swaps the standardised scores
of outputs between two metrics. acc_eq and acc*_eq swap whether a pair of outputs was
right instead, as each metric has an epsilon of its own (Deutsch, Foster and Freitag
2023, arXiv 2305.14324). One-sided p are (c + 1) / (trials + 1), never 0, where c counts
the swaps with a difference at least as large as the real one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.stats import coefficients, exchange
from harness.stats.exchange import Ranking, Rivals
from harness.stats.outcomes import pair_outcomes, swapped_outcomes
from harness.stats.sample import LEAST_PAIR, LEAST_POINTS, shares_enough
from harness.stats.side_by_side import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from numpy.typing import NDArray

    from harness.stats.output_pairs import Grouping

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Test = Callable[[Bools], Mapping[str, Floats]]

_COEFFICIENTS = ("pearson", "spearman", "kendall")
_ACCURACIES = ("acc_eq", "acc_star_eq")
_GROUPINGS: Mapping[str, Grouping] = {
    "pooled": "none",
    "by_item": "item",
    "by_system": "system",
}
STATISTICS = (
    *(f"system.{name}" for name in (*_COEFFICIENTS, "pairwise_accuracy", "spa")),
    *(f"{level}.{name}" for level in _GROUPINGS for name in _COEFFICIENTS),
    *(f"{level}.{name}" for level in _GROUPINGS for name in _ACCURACIES),
)
"""What can be tested, by its place in `correlation.Agreement`."""

_FEW_PAIRS = 8_000_000
"""Most pairs of outputs whose order is counted once for all swaps."""
_KENDALL_TRIALS = 100
"""Swaps of larger data, each of which sorts all outputs anew."""
_BLOCK = 500_000
"""Swaps of single outputs worked on at once: few enough to stay in the cache."""
_SAME = 1e-12


@dataclass(frozen=True, slots=True)
class Contest:
    """Which of several metrics agree better with people, in one statistic."""

    values: Floats
    """Each metric's value on the outputs that all metrics and people judged."""
    p: Floats
    """Shape (metrics, metrics): one-sided p that the row's metric is better than the
    column's; NaN on the diagonal and where a value is undefined."""
    trials: int
    """Random swaps behind each p."""
    outputs: int
    """Outputs that all metrics and people judged."""
    dropped: int
    """Rated outputs that a metric has no score for."""
    method: str
    """How p was made, or why there is none."""

    def clusters(self, level: float = 0.05) -> tuple[int | None, ...]:
        """Rank of each metric's cluster, as in the tables of the WMT metrics task.

        From the best downwards, a metric opens a new cluster where one of the present
        cluster is significantly better; p are not adjusted for their number. None
        where the metric's value is undefined.
        """
        ranks: list[int | None] = [None] * len(self.values)
        known = np.flatnonzero(np.isfinite(self.values))
        cluster: list[int] = []
        rank = 1
        for metric in known[np.argsort(-self.values[known], kind="stable")]:
            if any(self.p[better, metric] <= level for better in cluster):
                rank, cluster = rank + 1, []
            cluster.append(int(metric))
            ranks[metric] = rank
        return tuple(ranks)


def contests(
    metrics: Floats,
    human: Floats,
    *,
    statistics: Collection[str] = STATISTICS,
    trials: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Contest]:
    """Compare each metric with each other in how far they agree with people.

    Only outputs that people and all metrics judged are compared, so that all metrics
    are tested on the same ones. Each pair of systems is compared on the items that the
    two share, 10 or more (all, where there are fewer). Kendall's tau of very many
    outputs takes 100 swaps. Swapping pairs one by one, as acc_eq and acc*_eq have it,
    treats the pairs of one output as independent: such p are rather too small.

    Args:
        metrics: shape (metrics, systems, items), higher is better; not finite where
            missing.
        human: shape (systems, items), mean ratings; not finite where missing.
        statistics: some of `STATISTICS`.
        trials: number of random swaps.
        seed: seed of the swaps, which are the same for all pairs of metrics.
        progress: told after each pair of metrics how many of how many are done.

    Raises:
        UsageError: the shapes do not fit, or a statistic is none of `STATISTICS`.
    """
    scores, human = np.asarray(metrics, float), np.asarray(human, float)
    if scores.ndim != 3 or scores.shape[1:] != human.shape:  # noqa: PLR2004
        raise UsageError(
            "Scores must have the shape (metrics, systems, items) and ratings "
            f"(systems, items); these have {scores.shape} and {human.shape}."
        )
    unknown = [name for name in statistics if name not in STATISTICS]
    if unknown:
        raise UsageError(
            f"No statistic {unknown[0]!r} to test; there are {', '.join(STATISTICS)}."
        )
    rated = np.isfinite(human)
    judged = rated & np.isfinite(scores).all(axis=0)
    made = _Made.of(scores, human, judged, statistics, (trials, seed))
    found = {name: _Table(len(scores)) for name in statistics}
    pairs = list(combinations(range(len(scores)), 2))

    def series(pair: tuple[int, int]) -> list[tuple[str, Floats]]:
        return list(made.series(*pair, statistics))

    with side_by_side() as threads:
        results = zip(pairs, threads.map(series, pairs), strict=True)
        for done, (pair, values) in enumerate(results, 1):
            for name, one in values:
                found[name].add(*pair, one)
            if progress:
                progress(done, len(pairs))
    counts = int(judged.sum()), int((rated & ~judged).sum())
    return {name: table.contest(name, *counts) for name, table in found.items()}


class _Table:
    """The p of one statistic, filled pair by pair."""

    def __init__(self, metrics: int) -> None:
        self.values = np.full(metrics, np.nan)
        self.p = np.full((metrics, metrics), np.nan)
        self.trials = 0

    def add(self, one: int, other: int, series: Floats) -> None:
        """Values of both, shape (2, 1 + trials), the first without swaps."""
        self.values[[one, other]] = series[:, 0]
        gaps = series[0] - series[1]
        real, swapped = gaps[0], gaps[1:]
        self.trials = len(swapped)
        if not np.isfinite(real):
            return
        near = _SAME * max(1.0, abs(float(real)))
        # A swap without value counts as if it were as large.
        above = int((~(swapped < real - near)).sum())
        below = int((~(swapped > real + near)).sum())
        self.p[one, other] = (above + 1) / (self.trials + 1)
        self.p[other, one] = (below + 1) / (self.trials + 1)

    def contest(self, name: str, outputs: int, dropped: int) -> Contest:
        swapped = "pairs' outcomes" if name.split(".")[1] in _ACCURACIES else "scores"
        method = f"{self.trials} random swaps of {swapped} between two metrics"
        if not np.isfinite(self.p).any():
            method = "undefined: no two metrics have a value on the outputs they share"
        return Contest(self.values, self.p, self.trials, outputs, dropped, method)


@dataclass(frozen=True, slots=True)
class _Made:
    """All that is needed to test two metrics."""

    scores: Floats
    """Standardised, NaN where not all are there."""
    human: Floats
    """Likewise."""
    outcomes: Mapping[str, tuple[NDArray[np.int8], NDArray[np.intp]]]
    """Of each level, what `pair_outcomes` gives."""
    trials: int
    seed: int

    @classmethod
    def of(
        cls,
        scores: Floats,
        human: Floats,
        judged: Bools,
        wanted: Collection[str],
        trials_seed: tuple[int, int],
    ) -> _Made:
        """Of the outputs that all judged; what belongs to one metric is made once."""
        scores = np.array([_standard(one, judged) for one in scores]).reshape(
            scores.shape
        )
        human = _standard(human, judged)
        trials, seed = trials_seed
        outcomes = {
            level: pair_outcomes(scores, human, grouping, seed)
            for level, grouping in _GROUPINGS.items()
            if len(scores) and any(f"{level}.{name}" in wanted for name in _ACCURACIES)
        }
        return cls(scores, human, outcomes, trials, seed)

    def series(
        self, one: int, other: int, wanted: Collection[str]
    ) -> Iterator[tuple[str, Floats]]:
        """Each statistic of both metrics, shape (2, 1 + trials)."""
        rivals = Rivals(self.scores[one], self.scores[other], self.human)
        for names, test, trials in _tests(rivals, wanted, self.trials):
            blocks = [test(swaps) for swaps in self._swaps(trials)]
            for name in names:
                if name in wanted and name in blocks[0]:
                    yield name, np.concatenate([b[name] for b in blocks], axis=1)
        for level, (right, group) in self.outcomes.items():
            for at, accuracy in enumerate(_ACCURACIES):
                if (name := f"{level}.{accuracy}") in wanted:
                    rng = np.random.default_rng(self.seed)
                    first, second = right[one, at], right[other, at]
                    yield name, swapped_outcomes(first, second, group, self.trials, rng)

    def _swaps(self, trials: int) -> Iterator[Bools]:
        """Blocks of swaps, (swaps, systems, items); the very first swaps nothing."""
        rng = np.random.default_rng(self.seed)
        yield np.zeros((1, *self.human.shape), dtype=bool)
        size = max(1, _BLOCK // max(1, self.human.size))
        for at in range(0, trials, size):
            shape = (min(size, trials - at), *self.human.shape)
            yield rng.integers(2, size=shape, dtype=np.bool_)


def _tests(
    rivals: Rivals, wanted: Collection[str], trials: int
) -> Iterator[tuple[list[str], Test, int]]:
    """Names of statistics, the function of swaps that gives them, and its trials."""
    systems = [name for name in wanted if name.startswith("system.")]
    comparable = shares_enough(rivals.present)
    if systems and comparable.sum() // 2 >= LEAST_POINTS:
        yield systems, _system_test(rivals, comparable), trials
    for level in _GROUPINGS:
        names = [f"{level}.{name}" for name in _COEFFICIENTS]
        pearson, spearman, kendall = (name in wanted for name in names)
        arranged, view = _arranged(rivals, level)
        test: Callable[[Bools], Floats]
        least = LEAST_PAIR if level == "by_item" else LEAST_POINTS
        if pearson:
            test = partial(exchange.pearsons, arranged)
            yield (
                names[:1],
                _mean_of(names[0], test, view, arranged, LEAST_POINTS),
                trials,
            )
        if spearman:
            test = Ranking.of(arranged).spearmans
            yield (
                names[1:2],
                _mean_of(names[1], test, view, arranged, LEAST_POINTS),
                trials,
            )
        if kendall:
            groups, outputs = arranged.human.shape
            if groups * outputs**2 <= _FEW_PAIRS:
                test, most = exchange.tau_bs(arranged), trials
            else:
                test = partial(exchange.tau_bs_sorted, arranged)
                most = min(trials, _KENDALL_TRIALS)
            yield names[2:], _mean_of(names[2], test, view, arranged, least), most


def _arranged(rivals: Rivals, level: str) -> tuple[Rivals, Callable[[Bools], Bools]]:
    """The outputs as (groups, outputs), and how to bring swaps into that form."""
    if level == "by_system":
        return rivals, lambda swaps: swaps
    columns = rivals.first, rivals.second, rivals.human
    if level == "by_item":
        turned = Rivals(*(values.T for values in columns))
        return turned, lambda swaps: swaps.transpose(0, 2, 1)
    present = rivals.present
    flat = Rivals(*(values[present][None] for values in columns))
    return flat, lambda swaps: swaps[:, None, present]


def _mean_of(
    name: str,
    within: Callable[[Bools], Floats],
    view: Callable[[Bools], Bools],
    arranged: Rivals,
    least: int,
) -> Test:
    """The mean over groups with enough outputs whose value is defined."""
    enough = arranged.present.sum(axis=1) >= least

    def test(swaps: Bools) -> Mapping[str, Floats]:
        values = within(view(swaps))
        used = np.isfinite(values) & enough
        above = np.where(used, values, 0.0).sum(axis=2)
        return {name: coefficients.ratio(above, used.sum(axis=2))}

    return test


def _system_test(rivals: Rivals, comparable: Bools) -> Test:
    def test(swaps: Bools) -> Mapping[str, Floats]:
        found = exchange.of_systems(rivals, comparable, swaps)
        return {f"system.{name}": values for name, values in found.items()}

    return test


def _standard(values: Floats, judged: Bools) -> Floats:
    return coefficients.standard(np.where(judged, values, np.nan))
