"""Agreement of metric and people: by hand, against scipy in loops, golden values."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from real_ratings import matrices
from scipy import stats

from harness.errors import UsageError
from harness.stats import correlation
from harness.stats.correlation import agreement

SCIPY = {
    "pearson": stats.pearsonr,
    "spearman": stats.spearmanr,
    "kendall": stats.kendalltau,
}


def noisy(rng, systems, items, *, missing=0.0, levels=None):
    """Ratings, and scores related to them, some missing, with ties in levels."""
    quality = rng.normal(size=(systems, 1)) + rng.normal(size=(1, items))
    human = quality + rng.normal(size=(systems, items))
    metric = quality + rng.normal(size=(systems, items))
    if levels:
        human, metric = np.round(human * levels), np.round(metric * levels)
    human[rng.random(human.shape) < missing] = np.nan
    metric[rng.random(metric.shape) < missing] = np.nan
    return metric, human


def one(name, x, y, least=3):
    """Scipy's coefficient of what both have; NaN where it is undefined."""
    both = ~np.isnan(x) & ~np.isnan(y)
    x, y = x[both], y[both]
    if len(x) < least or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    return SCIPY[name](x, y)[0]


def averaged(name, rows_x, rows_y, least=3):
    values = [one(name, x, y, least) for x, y in zip(rows_x, rows_y, strict=True)]
    kept = [value for value in values if not np.isnan(value)]
    return np.mean(kept) if kept else np.nan


def looped(level, name, metric, human):
    if level == "pooled":
        return one(name, metric.ravel(), human.ravel())
    if level == "by_item":
        least = 2 if name == "kendall" else 3
        return averaged(name, metric.T, human.T, least)
    if level == "by_system":
        return averaged(name, metric, human)
    return one(name, metric.mean(axis=1), human.mean(axis=1))


@pytest.mark.parametrize(
    ("level", "missing", "levels"),
    [
        *product(("system", "pooled", "by_item", "by_system"), [0], [None, 1]),
        *product(("pooled", "by_item", "by_system"), [0.25], [1]),
    ],
)
@pytest.mark.parametrize("name", list(SCIPY))
def test_value_and_interval_are_those_of_scipy_on_each_resample(
    level, name, missing, levels
):
    rng = np.random.default_rng(11)
    metric, human = noisy(rng, 5, 14, missing=missing, levels=levels)
    got = getattr(getattr(agreement(metric, human, draws=40, seed=2), level), name)
    drawn = np.random.default_rng(2).integers(14, size=(40, 14))
    resampled = np.array(
        [looped(level, name, metric[:, d], human[:, d]) for d in drawn]
    )
    assert got.value == pytest.approx(looped(level, name, metric, human))
    low, high = np.quantile(resampled[~np.isnan(resampled)], [0.025, 0.975])
    assert got.low == pytest.approx(min(low, got.value))
    assert got.high == pytest.approx(max(high, got.value))


def test_the_three_groupings_of_a_two_by_three_example():
    human = np.array([[1.0, 2, 3], [4, 5, 6]])
    metric = np.array([[2.0, 1, 4], [3, 3, 7]])
    got = agreement(metric, human)
    assert got.pooled.pearson.value == pytest.approx(0.776, abs=5e-4)
    assert got.by_system.pearson.value == pytest.approx(0.760, abs=5e-4)
    # Second system up at items 1, 2 and 3: each of the three pairs is concordant.
    assert got.by_item.kendall.value == 1
    assert got.by_item.kendall.n == 3


def test_tau_b_corrects_for_ties():
    human, metric = np.array([[1.0, 2, 2, 3, 4]]), np.array([[2, 1, 1.5, 5, 3]])
    got = agreement(metric, human).pooled.kendall
    assert got.value == pytest.approx(0.316227766)


def test_two_checkpoints_have_no_system_correlation_but_an_order_within_items():
    metric, human = noisy(np.random.default_rng(0), 2, 40)
    got = agreement(metric, human)
    estimates = [got.system.pearson, got.system.spearman, got.system.kendall]
    for estimate in [*estimates, got.pairwise_accuracy]:
        assert estimate.value is None
        assert "fewer than 3 checkpoints" in estimate.method
    assert got.by_item.pearson.value is None
    assert "no item has enough outputs" in got.by_item.pearson.method
    same = np.sign(metric[1] - metric[0]) == np.sign(human[1] - human[0])
    assert got.by_item.kendall.value == pytest.approx(2 * same.mean() - 1)


def test_constant_rows_are_left_out_and_counted():
    metric, human = noisy(np.random.default_rng(1), 4, 12)
    human[0] = 3
    metric[:, 5] = 0.5
    got = agreement(metric, human)
    for name in SCIPY:
        by_system = getattr(got.by_system, name)
        by_item = getattr(got.by_item, name)
        assert (by_system.n, by_system.dropped) == (3, 1)
        assert (by_item.n, by_item.dropped) == (11, 1)
        rest = agreement(metric[1:], human[1:])
        assert by_system.value == pytest.approx(getattr(rest.by_system, name).value)


def test_equal_ratings_throughout_make_everything_undefined():
    metric, human = noisy(np.random.default_rng(1), 4, 12)
    got = agreement(metric, np.full_like(human, 4))
    for level in ("system", "pooled", "by_item", "by_system"):
        for name in SCIPY:
            estimate = getattr(getattr(got, level), name)
            assert (estimate.value, estimate.low) == (None, None)
            assert estimate.method.startswith("undefined: ")
            assert estimate.n == 0
            assert estimate.dropped > 0
    assert got.pairwise_accuracy.value is None


def test_outputs_without_score_are_counted_and_unrated_ones_are_not():
    metric, human = noisy(np.random.default_rng(2), 4, 12)
    metric[0, :3] = np.nan
    metric[1, 0] = np.inf
    human[2, :5] = np.nan
    got = agreement(metric, human)
    assert (got.pooled.pearson.n, got.pooled.pearson.dropped) == (48 - 9, 4)
    assert (got.systems, got.items, got.outputs) == (4, 12, 39)


def of_shared_pairs(metric, human):
    """Pearson, Spearman and tau-b from pairs of systems, each on its shared items."""
    found = []
    for a, b in combinations(range(len(metric)), 2):
        both = np.isfinite(metric[a] + human[a] + metric[b] + human[b])
        if both.sum() >= 10:
            gaps = [(m[a] - m[b])[both].mean() for m in (metric, human)]
            found.append((a, b, *gaps))
    above = np.zeros((2, len(metric)))
    opponents = np.zeros(len(metric))
    for a, b, *gaps in found:
        above[:, a] += np.sign(gaps)
        above[:, b] -= np.sign(gaps)
        opponents[[a, b]] += 1
    met = opponents > 0
    ranks = above[:, met] / opponents[met]
    x, y = np.array([gaps for _, _, *gaps in found]).T

    def correlation_of(x, y):
        return (x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum())

    tau = correlation_of(np.sign(x), np.sign(y))
    return correlation_of(x, y), stats.pearsonr(*ranks)[0], tau


def test_each_pair_of_systems_is_compared_on_the_items_that_the_two_share():
    rng = np.random.default_rng(3)
    for missing in (0.2, 0.3):
        metric, human = noisy(rng, 6, 50, missing=missing)
        assert not np.isfinite(metric + human).all(axis=0).sum() > 10
        got = agreement(metric, human, draws=20).system
        expected = of_shared_pairs(metric, human)
        values = got.pearson.value, got.spearman.value, got.kendall.value
        assert values == pytest.approx(expected)
        assert "by their means over shared items" in got.pearson.method


def test_intervals_of_systems_come_from_the_shared_items_of_each_resample():
    metric, human = noisy(np.random.default_rng(13), 5, 60, missing=0.15)
    got = agreement(metric, human, draws=80, seed=3).system
    rows = np.random.default_rng(3).integers(60, size=(80, 60))
    # All pairs share enough for that no resample loses one.
    resampled = [of_shared_pairs(metric[:, row], human[:, row]) for row in rows]
    quantiles = np.quantile(resampled, [0.025, 0.975], axis=0).T
    for estimate, expected in zip(
        (got.pearson, got.spearman, got.kendall), quantiles, strict=True
    ):
        assert (estimate.low, estimate.high) == pytest.approx(tuple(expected))


def test_a_hardly_rated_checkpoint_is_left_out_and_counted():
    metric, human = noisy(np.random.default_rng(3), 5, 30)
    human[0, 4:] = np.nan
    got, rest = agreement(metric, human).system, agreement(metric[1:], human[1:]).system
    for name in SCIPY:
        estimate = getattr(got, name)
        assert (estimate.n, estimate.dropped) == (4, 1)
        assert estimate.value == pytest.approx(getattr(rest, name).value)


def test_systems_are_compared_though_all_of_them_share_no_item():
    rng = np.random.default_rng(4)
    metric, human = noisy(rng, 3, 30)
    for system in range(3):
        human[system, 10 * system : 10 * system + 10] = np.nan
    got = agreement(metric, human)
    pearson, *_ = of_shared_pairs(metric, human)
    assert got.system.pearson.value == pytest.approx(pearson)
    order = []
    for a, b in ((0, 1), (0, 2), (1, 2)):
        both = ~np.isnan(human[a]) & ~np.isnan(human[b])
        up = [np.sign((m[a] - m[b])[both].sum()) for m in (metric, human)]
        order.append(up[0] * up[1])
    assert got.system.kendall.value == pytest.approx(np.mean(order))
    assert got.pairwise_accuracy.value == pytest.approx(np.mean(np.array(order) > 0))
    assert got.pairwise_accuracy.n == 3


def test_pairs_that_share_too_few_items_are_undefined_with_the_reason():
    metric, human = noisy(np.random.default_rng(4), 3, 30)
    for system in range(3):
        rest = np.arange(30) // 10 != system
        human[system, rest] = np.nan
    got = agreement(metric, human)
    assert got.system.kendall.value is None
    assert "share 10 judged items" in got.pairwise_accuracy.method
    assert got.pairwise_accuracy.dropped == 3
    assert got.system.pearson.method == got.system.kendall.method
    assert (got.system.pearson.value, got.system.pearson.dropped) == (None, 3)


def test_ten_shared_items_are_enough_and_nine_are_not():
    metric, human = noisy(np.random.default_rng(14), 3, 12)
    human[0, :2] = np.nan
    assert agreement(metric, human).system.pearson.n == 3
    human[0, 2] = np.nan
    assert agreement(metric, human).system.pearson.value is None
    # Where there are fewer than ten items, a pair needs all of them.
    assert agreement(metric[:, 3:], human[:, 3:]).system.pearson.n == 3
    human[0, 3] = np.nan
    assert agreement(metric[:, 3:], human[:, 3:]).system.pearson.value is None


def test_pairwise_accuracy_counts_a_tie_as_right_only_where_both_tie():
    human = np.array([[1.0, 1], [1, 1], [2, 2], [3, 3]])
    metric = np.array([[1.0, 1], [1, 1], [2, 2], [2, 2]])
    assert agreement(metric, human).pairwise_accuracy.value == pytest.approx(5 / 6)


def test_equal_sums_in_another_order_tie():
    values = np.array([0.1, 0.2, 0.3])
    assert sum(values) != sum(values[::-1])
    metric = np.vstack([values, values[::-1], values + 1])
    human = np.vstack([values, values + 1, values + 2])
    got = agreement(metric, human)
    assert got.pairwise_accuracy.value == pytest.approx(2 / 3)
    assert got.system.spearman.value == pytest.approx(
        stats.spearmanr([1, 1, 2], [1, 2, 3])[0]
    )


def test_turning_the_metric_turns_every_sign():
    metric, human = noisy(np.random.default_rng(5), 4, 20, missing=0.1)
    up, down = agreement(metric, human), agreement(-metric, human)
    for level in ("system", "pooled", "by_item", "by_system"):
        for name in SCIPY:
            one_way = getattr(getattr(up, level), name)
            other_way = getattr(getattr(down, level), name)
            if one_way.value is None:
                assert other_way.value is None
            else:
                assert other_way.value == pytest.approx(-one_way.value)
                assert other_way.low == pytest.approx(-one_way.high)


def test_order_of_systems_and_scale_of_scores_do_not_matter():
    metric, human = noisy(np.random.default_rng(6), 5, 20, missing=0.1, levels=2)
    plain = agreement(metric, human)
    moved = agreement(1e6 + 1e-3 * metric[::-1], human[::-1] - 50)
    for level in ("pooled", "by_item", "by_system"):
        for name in SCIPY:
            a, b = (getattr(getattr(each, level), name) for each in (plain, moved))
            assert (b.value, b.low, b.high) == pytest.approx((a.value, a.low, a.high))


def test_large_data_take_fewer_draws_and_the_same_value(monkeypatch):
    metric, human = noisy(np.random.default_rng(7), 3, 15, missing=0.1, levels=1)
    counted = agreement(metric, human, draws=100)
    monkeypatch.setattr(correlation, "_EXACT_KENDALL", 0)
    monkeypatch.setattr(correlation, "_KENDALL_DRAWS", 100)
    sorted_ = agreement(metric, human, draws=100)
    for level in ("pooled", "by_system"):
        a, b = (getattr(each, level).kendall for each in (counted, sorted_))
        assert (b.value, b.low, b.high) == pytest.approx((a.value, a.low, a.high))
    monkeypatch.setattr(correlation, "_KENDALL_DRAWS", 30)
    assert "30 draws" in agreement(metric, human).pooled.kendall.method


def test_above_20_000_outputs_tau_takes_an_analytic_interval_and_says_so():
    metric, human = noisy(np.random.default_rng(15), 20, 1001, levels=1)
    got = agreement(metric, human, draws=5)
    for level in (got.pooled, got.by_system):
        assert "analytic interval: infinitesimal jackknife" in level.kendall.method
        assert level.kendall.low < level.kendall.value < level.kendall.high
    assert "bootstrap" in got.pooled.pearson.method
    assert "bootstrap" in got.by_item.kendall.method
    assert got.pooled.kendall.value == pytest.approx(
        stats.kendalltau(metric.ravel(), human.ravel())[0]
    )
    assert got.by_system.kendall.value == pytest.approx(
        averaged("kendall", metric, human)
    )
    fewer = agreement(metric[:, :1000], human[:, :1000], draws=5)
    assert "bootstrap" in fewer.pooled.kendall.method


def test_the_analytic_interval_agrees_with_the_resampled(monkeypatch):
    metric, human = noisy(np.random.default_rng(16), 5, 200, missing=0.1, levels=2)
    resampled = agreement(metric, human)
    monkeypatch.setattr(correlation, "MANY_OUTPUTS", 0)
    analytic = agreement(metric, human)
    for level in ("pooled", "by_system"):
        a, b = (getattr(each, level).kendall for each in (resampled, analytic))
        assert (a.value, a.n, a.dropped) == (pytest.approx(b.value), b.n, b.dropped)
        near = pytest.approx((a.low, a.high), abs=0.12 * (a.high - a.low))
        assert (b.low, b.high) == near
    constant = agreement(metric, np.full_like(human, 3)).pooled.kendall
    assert (constant.value, constant.n) == (None, 0)


@pytest.mark.slow
def test_intervals_of_the_pooled_r_cover_the_truth_though_items_cluster():
    rng = np.random.default_rng(8)
    covered = []
    for _ in range(200):
        # Items share quality: within an item both judgments go up together.
        item = rng.normal(size=(1, 80))
        metric = item + rng.normal(size=(3, 80))
        human = item + rng.normal(size=(3, 80))
        got = agreement(metric, human, draws=200).pooled.pearson
        covered.append(got.low <= 0.5 <= got.high)
    assert 0.89 < np.mean(covered) < 0.985


def test_one_item_has_values_but_no_interval():
    metric, human = noisy(np.random.default_rng(9), 5, 1)
    got = agreement(metric, human)
    assert got.pooled.kendall.value == pytest.approx(
        stats.kendalltau(metric.ravel(), human.ravel())[0]
    )
    assert got.pooled.kendall.low is None
    assert "fewer than two items" in got.pooled.kendall.method
    assert got.by_system.kendall.value is None


@pytest.mark.parametrize("shape", [(0, 0), (3, 0), (0, 4), (3, 4)])
def test_nothing_judged_is_undefined(shape):
    human = np.full(shape, np.nan)
    got = agreement(np.ones(shape), human)
    assert got.outputs == 0
    assert got.pooled.pearson.value is None
    assert "no output has both" in got.pooled.pearson.method


def test_unequal_shapes_are_refused():
    with pytest.raises(UsageError, match=r"\(2, 3\) and \(3, 2\)"):
        agreement(np.ones((2, 3)), np.ones((3, 2)))


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("metric", "pearson", "kendall", "right", "by_item"),
    [
        ("rouge_1_recall", 0.914237, 0.772575, 266, 0.406364),
        ("rouge_2_recall", 0.962190, 0.859532, 279, 0.348774),
        ("rouge_l_recall", 0.871148, 0.759197, 264, 0.392906),
        ("bert_recall_score", 0.768422, 0.551839, 233, 0.347377),
        ("js-2", 0.780292, 0.511706, 227, 0.256946),
    ],
)
def test_realsumm(realdata, metric, pearson, kendall, right, by_item):
    scores, ratings = matrices(realdata / "realsumm", metric, "content_recall")
    got = agreement(scores, ratings)
    assert got.system.pearson.value == pytest.approx(pearson, abs=1e-6)
    assert got.system.kendall.value == pytest.approx(kendall, abs=1e-6)
    assert got.pairwise_accuracy.value * 300 == pytest.approx(right)
    assert got.by_item.kendall.value == pytest.approx(by_item, abs=1e-6)
    assert (got.systems, got.items, got.outputs) == (25, 100, 2500)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("overall", (0.632796, 0.662583, 0.487272)),
        ("naturalness", (0.443666, 0.513986, 0.373973)),
    ],
)
def test_topical_chat(realdata, name, expected):
    folder = realdata / "topical_chat"
    got = agreement(*matrices(folder, f"unieval_{name}", name)).pooled
    values = got.pearson.value, got.spearman.value, got.kendall.value
    assert values == pytest.approx(expected, abs=1e-6)


@pytest.mark.realdata
def test_simplicity_da_where_no_item_is_judged_for_all_systems(realdata):
    metric, human = matrices(realdata / "simplicity_da", "bertscore_P", "simplicity")
    judged = np.isfinite(metric) & np.isfinite(human)
    assert judged.all(axis=0).sum() < 10
    got = agreement(metric, human, draws=200)
    expected = of_shared_pairs(metric, human)
    values = [getattr(got.system, name) for name in ("pearson", "spearman", "kendall")]
    assert [one.value for one in values] == pytest.approx(expected)
    assert values[0].low < values[0].value
