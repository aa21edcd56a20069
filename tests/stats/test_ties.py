"""acc_eq, acc*_eq and pairwise differences: by hand, by loops, golden values."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from real_ratings import matrices

from harness.stats import ties
from harness.stats.correlation import agreement
from harness.stats.sample import Sample
from harness.stats.system_level import flipped_p, limiting_p, of_pairs
from harness.stats.ties import tie_accuracy

GROUPINGS = {"none": "pooled", "item": "by_item", "system": "by_system"}


def judgments(rng, systems=4, items=9, missing=0.0):
    """Ratings and scores with many ties, some missing."""
    quality = rng.normal(size=(systems, items))
    human = np.round(quality + rng.normal(size=quality.shape))
    metric = np.round(2 * quality + rng.normal(size=quality.shape)) / 2
    metric[rng.random(metric.shape) < missing] = np.nan
    return metric, human


def groups(metric, human, drawn, grouping):
    """Lists of (copy's name, score, rating), one for each group of a resample."""
    cells = [
        ((s, i), at, metric[s, i], human[s, i])
        for at, i in enumerate(drawn)
        for s in range(len(metric))
        if np.isfinite(metric[s, i] + human[s, i])
    ]
    key = {"none": lambda c: 0, "item": lambda c: c[1], "system": lambda c: c[0][0]}
    names = dict.fromkeys(key[grouping](cell) for cell in cells)
    return [[c for c in cells if key[grouping](c) == name] for name in names]


def looped_accuracy(metric, human, drawn, grouping, epsilon):
    """Mean over groups of the share of pairs that are right, pair by pair."""
    means = []
    for group in groups(metric, human, drawn, grouping):
        right = [
            (abs(a[2] - b[2]) <= epsilon) == (a[3] == b[3])
            and (a[3] == b[3] or (a[2] > b[2]) == (a[3] > b[3]))
            for a, b in combinations(group, 2)
            if a[0] != b[0]
        ]
        means += [np.mean(right)] if right else []
    return np.mean(means) if means else np.nan


def looped_best(metric, human, drawn, grouping):
    """Highest accuracy over all epsilons, and that epsilon as the module has it."""
    gaps = {
        abs(a[2] - b[2])
        for group in groups(metric, human, drawn, grouping)
        for a, b in combinations(group, 2)
    }
    found = [
        (looped_accuracy(metric, human, drawn, grouping, epsilon), epsilon)
        for epsilon in sorted({0.0, *gaps})
    ]
    best = max(value for value, _ in found)
    if best <= found[0][0] + 1e-12:
        return found[0]
    return max((v, e) for v, e in found if v >= best - 1e-12)


@pytest.mark.parametrize("missing", [0.0, 0.3], ids=["rectangular", "holes"])
@pytest.mark.parametrize("grouping", GROUPINGS)
def test_values_and_every_resample_are_those_of_a_loop(grouping, missing):
    metric, human = judgments(np.random.default_rng(5), missing=missing)
    got = tie_accuracy(Sample.of(metric, human, 12, 3), grouping)
    items = human.shape[1]
    drawn = np.random.default_rng(3).integers(items, size=(12, items))
    every = [range(items), *drawn]
    plain = [looped_accuracy(metric, human, d, grouping, 0.0) for d in every]
    best = [looped_best(metric, human, d, grouping)[0] for d in every]
    assert got.acc_eq.value == pytest.approx(plain[0])
    assert got.acc_star_eq.value == pytest.approx(best[0])
    assert got.epsilon.value == looped_best(metric, human, every[0], grouping)[1]
    for estimate, series in ((got.acc_eq, plain), (got.acc_star_eq, best)):
        low, high = np.quantile(series[1:], [0.025, 0.975])
        assert estimate.low == pytest.approx(min(low, series[0]))
        assert estimate.high == pytest.approx(max(high, series[0]))


@pytest.mark.parametrize("grouping", GROUPINGS)
def test_held_out_items_take_the_epsilon_of_the_others(grouping):
    metric, human = judgments(np.random.default_rng(6), items=11)
    got = tie_accuracy(Sample.of(metric, human, 0, 4), grouping).held_out
    fold = np.random.default_rng(4).permutation(11) % ties.FOLDS
    right, count = np.zeros(4), np.zeros(4)
    by_item = []
    for number in range(ties.FOLDS):
        epsilon = looped_best(metric, human, np.flatnonzero(fold != number), grouping)[
            1
        ]
        held = np.flatnonzero(fold == number)
        for group in groups(metric, human, held, grouping):
            pairs = [p for p in combinations(group, 2) if p[0][0] != p[1][0]]
            value = looped_accuracy(metric, human, held, grouping, epsilon)
            if grouping == "item":
                value = looped_accuracy(
                    metric, human, [held[group[0][1]]], "item", epsilon
                )
                by_item.append(value)
            elif grouping == "system" and pairs:
                row = group[0][0][0]
                one = slice(row, row + 1)
                value = looped_accuracy(
                    metric[one], human[one], held, "system", epsilon
                )
                right[row] += value * len(pairs)
                count[row] += len(pairs)
            elif pairs:
                right[0] += value * len(pairs)
                count[0] += len(pairs)
    used = count > 0
    expected = np.mean(by_item) if by_item else np.mean(right[used] / count[used])
    assert got.value == pytest.approx(expected)


def test_the_vectors_of_the_reference_implementations_own_tests():
    human, metric = np.array([[1.0, 2, 2, 3, 4]]), np.array([[2, 1, 1.5, 5, 3]])
    got = agreement(metric, human).by_system
    assert got.acc_eq.value == pytest.approx(0.6)
    assert got.acc_star_eq.value == pytest.approx(0.7)
    pairs = ties.Pairs.of(metric, human, "system", 0)
    assert np.mean(pairs.outcomes(2.0)) == pytest.approx(0.4)
    human = np.array([[1.0, 2, 3], [4, 5, 6]])
    metric = np.array([[2.0, 1, 4], [3, 3, 7]])
    got = agreement(metric, human)
    expected = {"by_item": 0.926, "pooled": 0.776, "by_system": 0.766}
    for level, value in expected.items():
        assert getattr(got, level).pdp.value == pytest.approx(value, abs=5e-4)


def test_the_p_of_soft_pairwise_accuracy_by_hand():
    # Of the 8 sign flips all reach people's sum of -3, and 7 the metric's of -1.
    people, metric = np.array([[-1.0, -1, -1]]), np.array([[1.0, -1, -1]])
    assert flipped_p(people) == 1
    assert flipped_p(metric, flips=40_000) == pytest.approx(7 / 8, abs=0.01)
    # The reference implementation's own example, with its 1,000 flips of seed 4.
    assert 1 - abs(flipped_p(people) - flipped_p(metric)) == pytest.approx(0.872)


def test_the_limit_of_the_flips_is_near_them():
    gaps = np.random.default_rng(1).normal(0.1, 1, size=(20, 200))
    limit = limiting_p(gaps.sum(axis=1), (gaps**2).sum(axis=1))
    assert flipped_p(gaps, flips=20_000) == pytest.approx(limit, abs=0.02)
    assert limiting_p(np.zeros(1), np.zeros(1)) == 1


def test_constant_rows_count_where_correlations_leave_them_out():
    metric, human = judgments(np.random.default_rng(1), items=12)
    human[:, 5] = 3
    got = agreement(metric, human).by_item
    assert (got.acc_eq.n, got.acc_eq.dropped) == (12, 0)
    assert got.kendall.n < 12
    ties_of_5 = np.mean([a == b for a, b in combinations(metric[:, 5], 2)])
    rest = agreement(np.delete(metric, 5, 1), np.delete(human, 5, 1)).by_item.acc_eq
    assert got.acc_eq.value == pytest.approx((ties_of_5 + 11 * rest.value) / 12)


def test_an_item_with_one_output_has_no_pair_and_is_counted():
    metric, human = judgments(np.random.default_rng(2))
    metric[1:, 0] = np.nan
    got = agreement(metric, human).by_item
    for estimate in (got.acc_eq, got.acc_star_eq, got.epsilon, got.pdp):
        assert (estimate.n, estimate.dropped) == (8, 1)


@pytest.mark.parametrize("grouping", ["item", "system"])
def test_without_a_pair_everything_is_undefined_with_the_reason(grouping):
    metric = human = np.where(np.eye(3) > 0, 1.0, np.nan)
    got = tie_accuracy(Sample.of(metric, human, 10, 0), grouping)
    assert got.acc_star_eq.value is None
    assert "no pair within" in got.acc_star_eq.method
    assert got.acc_star_eq.dropped == 3


def test_one_item_cannot_be_held_out():
    got = agreement(np.array([[1.0], [2]]), np.array([[1.0], [3]])).by_item
    assert got.acc_star_eq.value == 1
    assert got.acc_star_eq_held_out.value is None
    assert "hold some out" in got.acc_star_eq_held_out.method


def test_many_pairs_are_a_sample_near_all_of_them(monkeypatch):
    metric, human = judgments(np.random.default_rng(3), systems=5, items=60)
    sample = Sample.of(metric, human, 300, 0)
    exact = tie_accuracy(sample, "none")
    monkeypatch.setattr(ties, "_RESAMPLED", 5_000)
    few = tie_accuracy(sample, "none")
    assert few.acc_star_eq.value == exact.acc_star_eq.value
    assert few.acc_star_eq.low == pytest.approx(exact.acc_star_eq.low, abs=0.02)
    monkeypatch.setattr(ties, "_MOST_PAIRS", 20_000)
    drawn = tie_accuracy(sample, "none")
    assert drawn.acc_eq.value == pytest.approx(exact.acc_eq.value, abs=0.02)
    assert "a random 20,000 of 44,850" in drawn.acc_eq.method


@pytest.mark.parametrize("grouping", GROUPINGS)
def test_pairwise_differences_are_pearsons_r_of_all_pairs(grouping):
    metric, human = judgments(np.random.default_rng(4), missing=0.2)
    got = getattr(agreement(metric, human, draws=0), GROUPINGS[grouping]).pdp
    x, y = [], []
    for group in groups(metric, human, range(human.shape[1]), grouping):
        for a, b in combinations(group, 2):
            x += [a[2] - b[2], b[2] - a[2]]
            y += [a[3] - b[3], b[3] - a[3]]
    assert got.value == pytest.approx(np.corrcoef(x, y)[0, 1])


def test_intervals_of_acc_eq_cover_the_truth():
    rng = np.random.default_rng(8)

    def draw(items):
        quality = rng.normal(size=(3, items)) + rng.normal(size=(1, items))
        human = np.round(quality + rng.normal(size=quality.shape))
        return np.round(quality + rng.normal(size=quality.shape)), human

    truth = tie_accuracy(Sample.of(*draw(200_000), 0, 0), "item").acc_eq.value
    found = [
        tie_accuracy(Sample.of(*draw(100), 400, seed), "item").acc_eq
        for seed in range(1000)
    ]
    # 0.935 in 2,000 simulations with 60 items: percentiles are a little narrow there.
    assert 0.925 < np.mean([f.low <= truth <= f.high for f in found]) < 0.97


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("metric", "spa", "acc_eq", "acc_star_eq", "epsilon"),
    [
        ("rouge_1_recall", 0.878987, 0.568767, 0.568933, 0.0064),
        ("rouge_2_recall", 0.926130, 0.536967, 0.537733, 0.00472),
        ("rouge_l_recall", 0.870320, 0.561667, 0.561667, 0),
        ("bert_recall_score", 0.784300, 0.552167, 0.552167, 0),
        ("js-2", 0.776457, 0.512000, 0.512000, 0),
    ],
)
def test_realsumm(realdata, metric, spa, acc_eq, acc_star_eq, epsilon):
    scores, ratings = matrices(realdata / "realsumm", metric, "content_recall")
    sample = Sample.of(scores, ratings, 50, 0)
    got = tie_accuracy(sample, "item")
    assert got.acc_eq.value == pytest.approx(acc_eq, abs=6e-7)
    assert got.acc_star_eq.value == pytest.approx(acc_star_eq, abs=6e-7)
    assert got.epsilon.value == pytest.approx(epsilon, abs=5e-6)
    assert of_pairs(sample).spa.value == pytest.approx(spa, abs=0.01)


def test_a_sample_of_pairs_within_items_is_as_large_for_each_and_stays_close(
    monkeypatch,
):
    metric, human = judgments(np.random.default_rng(8), 12, 200, missing=0.2)
    sample = Sample.of(metric, human, 20, seed=0)
    whole = tie_accuracy(sample, "item")
    monkeypatch.setattr(ties, "_MOST_PAIRS", 4000)
    some = tie_accuracy(sample, "item")
    assert "(a random 4,000 of" in some.acc_eq.method
    assert some.acc_eq.n == whole.acc_eq.n
    assert some.acc_eq.value == pytest.approx(whole.acc_eq.value, abs=0.03)
