"""Permutation tests between metrics: against loops over scipy, level and power."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from harness.errors import UsageError
from harness.stats import significance
from harness.stats.correlation import agreement
from harness.stats.significance import STATISTICS, Contest, contests
from harness.stats.system_level import limiting_p

SCIPY = {
    "pearson": stats.pearsonr,
    "spearman": stats.spearmanr,
    "kendall": stats.kendalltau,
}
LEVELS = ("pooled", "by_item", "by_system")


def judgments(rng, shape=(5, 12), noise=(1.0, 1.0), levels=None, missing=0.0):
    """Scores of several metrics and ratings, with ties in levels."""
    quality = rng.normal(size=shape) + rng.normal(size=(shape[0], 1)) / 2
    human = np.round(quality + rng.normal(size=shape))
    scores = np.stack([quality + n * rng.normal(size=shape) for n in noise])
    if levels:
        scores = np.round(scores * levels)
    scores[rng.random(scores.shape) < missing] = np.nan
    return scores, human


def standard(scores, human):
    """Scores standardised on the outputs that all judged, NaN elsewhere."""
    both = np.isfinite(human) & np.isfinite(scores).all(axis=0)
    kept = np.where(both, scores, np.nan)
    spread = np.nanstd(kept, axis=(1, 2), keepdims=True)
    return (kept - np.nanmean(kept, axis=(1, 2), keepdims=True)) / spread, both


def one(name, x, y, least=3):
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if len(x) < least or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    return SCIPY[name](x, y)[0]


def soft_p(values):
    gaps = np.array(
        [values[a] - values[b] for a, b in combinations(range(len(values)), 2)]
    )
    return limiting_p(gaps.sum(axis=1), (gaps**2).sum(axis=1))


def looped(statistic, metric, human):
    """One value, by loops over scipy."""
    level, name = statistic.split(".")
    if level == "system":
        means = metric.mean(axis=1), human.mean(axis=1)
        if name == "pairwise_accuracy":
            pairs = combinations(range(len(human)), 2)
            signs = [[np.sign(m[a] - m[b]) for m in means] for a, b in pairs]
            return np.mean([x == y for x, y in signs])
        if name == "spa":
            return 1 - np.abs(soft_p(metric) - soft_p(human)).mean()
        return one(name, *means)
    if level == "pooled":
        return one(name, metric.ravel(), human.ravel())
    rows = (metric.T, human.T) if level == "by_item" else (metric, human)
    least = 2 if (level, name) == ("by_item", "kendall") else 3
    return np.nanmean([one(name, x, y, least) for x, y in zip(*rows, strict=True)])


def looped_p(statistic, scores, human, trials, seed):
    """How likely the first metric's lead is by chance, swap by swap."""
    (first, second), both = standard(scores, human)
    human = np.where(both, human, np.nan)
    rng = np.random.default_rng(seed)

    def gap(swap):
        left, right = np.where(swap, second, first), np.where(swap, first, second)
        return looped(statistic, left, human) - looped(statistic, right, human)

    real = gap(np.zeros(human.shape, dtype=bool))
    swaps = rng.integers(2, size=(trials, *human.shape), dtype=np.bool_)
    return (sum(gap(swap) >= real - 1e-12 for swap in swaps) + 1) / (trials + 1)


EXCHANGED = [s for s in STATISTICS if not s.split(".")[1].startswith("acc")]


@pytest.mark.parametrize("statistic", EXCHANGED)
@pytest.mark.parametrize("levels", [None, 1], ids=["no ties", "ties"])
def test_p_is_that_of_a_loop_over_the_same_swaps(statistic, levels):
    scores, human = judgments(np.random.default_rng(1), levels=levels, noise=(1, 1.3))
    got = contests(scores, human, statistics=[statistic], trials=60, seed=4)[statistic]
    assert got.p[0, 1] == pytest.approx(looped_p(statistic, scores, human, 60, 4))
    standardised, _ = standard(scores, human)
    values = [looped(statistic, metric, human) for metric in standardised]
    assert got.values == pytest.approx(values)


@pytest.mark.parametrize(
    "statistic", [".".join(parts) for parts in product(LEVELS, SCIPY)]
)
def test_holes_in_one_metric_are_holes_for_both(statistic):
    scores, human = judgments(np.random.default_rng(2), levels=2, missing=0.15)
    got = contests(scores, human, statistics=[statistic], trials=40, seed=1)[statistic]
    assert got.p[0, 1] == pytest.approx(looped_p(statistic, scores, human, 40, 1))
    both = np.isfinite(scores).all(axis=0)
    assert (got.outputs, got.dropped) == (both.sum(), (~both).sum())


SYSTEM = [name for name in STATISTICS if name.startswith("system.")]


@pytest.mark.parametrize("statistic", SYSTEM)
def test_each_pair_of_systems_is_tested_on_the_items_that_the_two_share(statistic):
    rng = np.random.default_rng(14)
    scores, human = judgments(rng, shape=(5, 40), noise=(1, 1.3), missing=0.15)
    human[0, 10:] = np.nan
    made, both = standard(scores, human)
    got = contests(scores, human, statistics=[statistic], trials=40, seed=2)[statistic]
    people = np.where(both, human, np.nan)
    name = statistic.split(".")[1]

    def value(metric):
        found = agreement(metric, people, draws=0)
        part = found if name in {"pairwise_accuracy", "spa"} else found.system
        return getattr(part, name).value

    if name == "spa":
        assert got.values == pytest.approx([value(m) for m in made], abs=0.02)
        return
    swaps = np.random.default_rng(2).integers(2, size=(40, 5, 40), dtype=np.bool_)
    gaps = [
        value(np.where(swap, made[1], made[0]))
        - value(np.where(swap, made[0], made[1]))
        for swap in [np.zeros((5, 40), bool), *swaps]
    ]
    assert got.values == pytest.approx([value(m) for m in made])
    above = sum(gap >= gaps[0] - 1e-12 for gap in gaps[1:])
    assert got.p[0, 1] == (above + 1) / 41


@pytest.mark.parametrize("statistic", STATISTICS)
def test_values_are_those_of_the_report(statistic):
    scores, human = judgments(np.random.default_rng(3), shape=(5, 30))
    found = contests(scores, human, statistics=[statistic], trials=5)[statistic]
    level, name = statistic.split(".")
    for value, metric in zip(found.values, scores, strict=True):
        got = agreement(metric, human, draws=0)
        part = got if name in {"pairwise_accuracy", "spa"} else getattr(got, level)
        # SPA is tested by the limit of its sign flips.
        near = 0.02 if name == "spa" else 1e-9
        assert value == pytest.approx(getattr(part, name).value, abs=near)


def test_the_sorted_and_the_counted_tau_are_the_same(monkeypatch):
    scores, human = judgments(np.random.default_rng(4), levels=1, missing=0.1)
    names = ["pooled.kendall", "by_item.kendall", "by_system.kendall"]
    counted = contests(scores, human, statistics=names, trials=50)
    monkeypatch.setattr(significance, "_FEW_PAIRS", 0)
    sorted_ = contests(scores, human, statistics=names, trials=50)
    for name in names:
        assert sorted_[name].p[0, 1] == counted[name].p[0, 1]
    monkeypatch.setattr(significance, "_KENDALL_TRIALS", 20)
    assert contests(scores, human, statistics=names)["pooled.kendall"].trials == 20


def test_swapped_outcomes_of_pairs_by_hand():
    # Both metrics order two of three pairs as people do, the first the third, too.
    human = np.array([[1.0], [2], [3]])
    scores = np.array([[[1.0], [2], [3]], [[2.0], [1], [3]]])
    got = contests(scores, human, statistics=["by_item.acc_eq"], trials=4000)
    found = got["by_item.acc_eq"]
    assert found.values == pytest.approx([1, 2 / 3])
    # One pair differs: half of all swaps leave the difference as large as it is.
    assert found.p[0, 1] == pytest.approx(0.5, abs=0.03)
    assert found.p[1, 0] == 1


def test_outcomes_are_swapped_pair_by_pair_as_a_loop_has_it():
    scores, human = judgments(np.random.default_rng(5), levels=1, missing=0.1)
    both = np.isfinite(scores).all(axis=0)
    rows = []
    for item in range(human.shape[1]):
        pairs = list(combinations(np.flatnonzero(both[:, item]), 2))
        for a, b in pairs:
            signs = [np.sign(m[a, item] - m[b, item]) for m in (*scores, human)]
            gap = float(signs[0] == signs[2]) - float(signs[1] == signs[2])
            rows.append(gap / len(pairs))
    rows = np.array(rows)
    turned = np.random.default_rng(0).choice([-1, 1], size=(20_000, len(rows))) @ rows
    expected = np.mean(turned >= rows.sum() - 1e-12)
    got = contests(scores, human, statistics=["by_item.acc_eq"], trials=20_000)
    assert got["by_item.acc_eq"].p[0, 1] == pytest.approx(expected, abs=0.015)


@pytest.mark.parametrize(
    "statistic", ["pooled.pearson", "by_item.kendall", "system.spa"]
)
def test_p_is_uniform_where_the_metrics_are_exchangeable(statistic):
    rng = np.random.default_rng(6)
    found = []
    for number in range(300):
        scores, human = judgments(rng, shape=(4, 20))
        got = contests(scores, human, statistics=[statistic], trials=99, seed=number)
        found.append(got[statistic].p[0, 1])
    assert stats.kstest(found, "uniform").pvalue > 0.01
    assert np.mean(np.array(found) <= 0.05) < 0.085


def test_a_clearly_better_metric_is_found():
    rng = np.random.default_rng(7)
    names = ["pooled.pearson", "by_item.kendall", "by_item.acc_star_eq"]
    found = []
    for _ in range(40):
        scores, human = judgments(rng, shape=(5, 60), noise=(0.5, 2))
        got = contests(scores, human, statistics=names, trials=99)
        found.append([got[name].p[0, 1] <= 0.05 for name in names])
    assert np.mean(found, axis=0).min() > 0.8


def test_equal_metrics_are_never_told_apart():
    scores, human = judgments(np.random.default_rng(8))
    got = contests(scores[[0, 0]], human, trials=20)
    assert got.keys() == set(STATISTICS)
    for found in got.values():
        assert found.p[0, 1] == found.p[1, 0] == 1
        assert np.isnan(found.p[0, 0])


def test_p_is_never_zero_and_the_seed_decides():
    scores, human = judgments(np.random.default_rng(9), (6, 50), noise=(0.1, 9))
    names = ["pooled.pearson"]
    got = contests(scores, human, statistics=names, trials=50, seed=1)[names[0]]
    assert got.p[0, 1] == pytest.approx(1 / 51)
    scores, human = judgments(np.random.default_rng(9))
    one_, again, other = (
        contests(scores, human, statistics=names, seed=s)[names[0]].p[0, 1]
        for s in (1, 1, 2)
    )
    assert one_ == again != other


def test_a_constant_metric_has_no_value_and_no_p():
    scores, human = judgments(np.random.default_rng(10), noise=(1, 1, 1))
    scores[2] = 4
    got = contests(scores, human, statistics=["pooled.kendall"], trials=20)
    found = got["pooled.kendall"]
    assert np.isnan(found.values[2])
    assert np.isnan(found.p[2]).all()
    assert np.isfinite(found.p[0, 1])
    assert found.clusters()[2] is None


def test_too_few_systems_and_nothing_judged_are_undefined():
    scores, human = judgments(np.random.default_rng(11), shape=(2, 20))
    got = contests(scores, human, statistics=["system.pearson"], trials=10)
    assert "undefined" in got["system.pearson"].method
    nothing = contests(scores, np.full_like(human, np.nan), trials=10)
    assert all(np.isnan(found.p).all() for found in nothing.values())
    assert contests(scores[:1], human, trials=10)["pooled.pearson"].p.shape == (1, 1)


def test_progress_counts_pairs_of_metrics():
    scores, human = judgments(np.random.default_rng(12), noise=(1, 1, 1))
    told = []
    contests(
        *(scores, human),
        statistics=["pooled.pearson"],
        trials=5,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_clusters_open_below_a_significantly_better_metric():
    p = np.full((5, 5), 0.5)
    # Best first: 2, 0, 1, 3; metric 4 has no value.
    p[2, 1] = 0.01  # 1 is worse than 2, though not than 0: a new cluster
    p[2, 3] = 0.01  # but 2 is not of the present cluster any more
    values = np.array([0.8, 0.7, 0.9, 0.6, np.nan])
    found = Contest(values, p, 99, 10, 0, "by hand")
    assert found.clusters() == (1, 2, 1, 2, None)
    assert found.clusters(level=0.001) == (1, 1, 1, 1, None)


def test_wrong_shapes_and_names_are_refused():
    scores, human = judgments(np.random.default_rng(13))
    with pytest.raises(UsageError, match="metrics, systems, items"):
        contests(scores[0], human)
    with pytest.raises(UsageError, match=r"No statistic 'pooled\.tau'"):
        contests(scores, human, statistics=["pooled.tau"])
