"""Bootstrap intervals: against loops over resamples, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from harness.errors import UsageError
from harness.stats import bootstrap
from harness.stats.bootstrap import (
    corpus_estimate,
    corpus_estimates,
    fewer_draws,
    mean_estimate,
    resampled_sums,
    weights,
    whole_estimate,
)


def ratio(tally):
    return tally[..., 0] / tally[..., 1]


def test_weights_are_multinomial():
    drawn = weights(20, 20_000, np.random.default_rng(0))
    assert drawn.shape == (20_000, 20)
    assert (drawn.sum(axis=1) == 20).all()
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=0.04)
    np.testing.assert_allclose(drawn.var(axis=0), 1 - 1 / 20, atol=0.06)
    pairs = np.cov(drawn[:, 0], drawn[:, 1])[0, 1]
    assert pairs == pytest.approx(-1 / 20, abs=0.02)


def test_a_corpus_value_is_that_of_the_sum_not_the_mean_of_values():
    tallies = np.array([[1.0, 1.0], [0.0, 3.0]])
    assert corpus_estimate(tallies, ratio).value == 0.25


def test_the_interval_is_that_of_resampling_the_rows_themselves():
    rng = np.random.default_rng(1)
    tallies = rng.integers(1, 9, size=(30, 2)).astype(float)
    got = corpus_estimate(tallies, ratio, draws=400, seed=5)
    rows = np.random.default_rng(5).integers(30, size=(400, 30))
    values = [tallies[row, 0].sum() / tallies[row, 1].sum() for row in rows]
    assert (got.low, got.high) == pytest.approx(np.quantile(values, [0.025, 0.975]))
    assert (got.n, got.dropped) == (30, 0)
    assert "400 draws" in got.method


def test_outputs_without_tally_are_counted_and_change_nothing():
    tallies = np.random.default_rng(2).random((12, 2))
    holes = np.insert(tallies, [3, 7], np.nan, axis=0)
    full, part = corpus_estimate(tallies, ratio), corpus_estimate(holes, ratio)
    assert part.dropped == 2
    assert (part.value, part.low, part.high) == (full.value, full.low, full.high)


def test_samples_of_one_item_are_drawn_together():
    values = np.random.default_rng(3).normal(size=40)
    single = mean_estimate(values)
    repeated = mean_estimate(np.tile(values, 4), np.tile(np.arange(40), 4))
    assert repeated.n == 40
    assert repeated.low == pytest.approx(single.low)
    assert repeated.high == pytest.approx(single.high)
    apart = mean_estimate(np.tile(values, 4))
    share = (apart.high - apart.low) / (single.high - single.low)
    assert share == pytest.approx(0.5, abs=0.06)


def test_an_item_stays_while_one_of_its_samples_has_a_tally():
    got = mean_estimate([1.0, np.nan, 2.0, np.nan], ["a", "a", "b", "c"])
    assert (got.value, got.n, got.dropped) == (1.5, 2, 2)


@pytest.mark.parametrize(
    ("values", "groups", "reason"),
    [
        ([3.0], None, "fewer than two items"),
        ([3.0, 4.0], [0, 0], "fewer than two items"),
        ([3.0, 3.0, 3.0], None, "every resample gives the same value"),
    ],
)
def test_no_interval_says_why(values, groups, reason):
    got = mean_estimate(values, groups)
    assert got.value == pytest.approx(np.mean(values))
    assert (got.low, got.high) == (None, None)
    assert reason in got.method


def test_nothing_scorable_is_undefined_not_zero():
    got = mean_estimate([np.nan, np.nan])
    assert (got.value, got.low, got.n, got.dropped) == (None, None, 0, 2)
    assert "no output could be scored" in got.method


def test_an_undefined_corpus_value_is_none():
    with np.errstate(invalid="ignore"):
        got = corpus_estimate(np.zeros((3, 2)), ratio)
    assert got.value is None
    assert got.method.startswith("undefined")


def test_blocks_bound_the_memory_without_changing_the_interval(monkeypatch):
    values = np.random.default_rng(4).normal(size=50)
    whole = mean_estimate(values)
    monkeypatch.setattr(bootstrap, "_BLOCK", 50 * 7)
    assert mean_estimate(values) == whole


@pytest.mark.parametrize("draws", [999, 1000, 1500])
def test_as_many_resamples_are_drawn_as_are_asked_for(monkeypatch, draws):
    monkeypatch.setattr(bootstrap, "_BLOCK", 50 * 700)
    drawn = []

    def counting(tally):
        drawn.append(tally[..., 0].size)
        return ratio(tally)

    got = corpus_estimate(np.ones((50, 2)) + np.eye(50, 2), counting, draws=draws)
    assert sum(drawn) == draws + 1  # the value itself
    assert f"{draws} draws" in got.method


def test_an_interval_does_not_shrink_with_the_number_of_resamples():
    values = np.random.default_rng(8).normal(size=100)
    few, many = (mean_estimate(values, draws=draws) for draws in (500, 8000))
    assert many.high - many.low == pytest.approx(few.high - few.low, rel=0.15)


def test_the_same_seed_gives_the_same_interval_and_another_one_another():
    values = np.random.default_rng(4).normal(size=50)
    assert mean_estimate(values, seed=1) == mean_estimate(values, seed=1)
    assert mean_estimate(values, seed=1) != mean_estimate(values, seed=2)


def test_intervals_of_means_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(7)
    runs = [mean_estimate(rng.normal(size=50), draws=300) for _ in range(1000)]
    covered = np.mean([run.low <= 0 <= run.high for run in runs])
    # The percentile interval of 50 normal values covers 94 %, give or take .7 here.
    assert 0.915 < covered < 0.965


def test_the_width_is_that_of_the_standard_error():
    values = np.random.default_rng(8).exponential(size=200)
    got = mean_estimate(values, draws=20_000)
    error = values.std(ddof=1) / np.sqrt(200)
    assert (got.high - got.low) / (2 * 1.96) == pytest.approx(error, rel=0.03)


def test_a_whole_value_keeps_items_together_and_asks_at_most_201_times():
    seen = []

    def value_of(rows):
        seen.append(np.bincount(rows, minlength=6).tolist())
        return float(np.median(rows))

    got = whole_estimate(6, value_of, groups=[0, 0, 1, 1, 2, 2], draws=1000)
    assert got.n == 3
    assert len(seen) == 201
    assert seen[0] == [1] * 6
    assert all(counts[0::2] == counts[1::2] for counts in seen)


def test_repeats_in_a_resample_do_not_push_diversity_below_its_value():
    words = np.random.default_rng(9).integers(400, size=200)

    def distinct(rows):
        return len(np.unique(words[rows])) / len(rows)

    got = whole_estimate(200, distinct)
    assert got.low < got.value < got.high
    assert got.high - got.low < 0.15


def test_a_whole_median_has_the_interval_of_the_order_statistics():
    values = np.random.default_rng(10).normal(size=101)
    got = whole_estimate(101, lambda rows: float(np.median(values[rows])))
    ordered = np.sort(values)
    assert ordered[35] < got.low < ordered[47]
    assert ordered[53] < got.high < ordered[65]


@pytest.mark.parametrize("outputs", [0, 1])
def test_a_whole_value_of_few_outputs_has_no_interval(outputs):
    got = whole_estimate(outputs, len)
    assert got.value == (1 if outputs else None)
    assert got.low is None


def test_wrong_shapes_are_refused():
    with pytest.raises(UsageError, match=r"\(outputs, width\)"):
        corpus_estimate(np.ones(3), ratio)
    with pytest.raises(UsageError, match="3 outputs"):
        mean_estimate([1.0, 2.0, 3.0], [0, 1])


def test_very_many_units_have_fewer_resamples_but_never_fewer_than_200():
    assert [fewer_draws(units, 1000) for units in (20_000, 40_000, 10**6)] == [
        1000,
        500,
        200,
    ]
    assert fewer_draws(10**6, 50) == 50


def test_very_many_corpora_have_200_resamples_and_say_so(monkeypatch):
    rng = np.random.default_rng(6)
    corpora = [rng.uniform(1, 2, size=(40, 2)) for _ in range(3)]
    monkeypatch.setattr(bootstrap, "_MOST_PRODUCTS", 3 * 40 * 2 * 300)
    for asked, made in ((300, 300), (301, 200), (150, 150)):
        found = corpus_estimates(corpora, ratio, draws=asked, seed=1)
        alone = [corpus_estimate(one, ratio, draws=made, seed=1) for one in corpora]
        for one, other in zip(found, alone, strict=True):
            assert one.method.endswith(f", {made} draws")
            assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_sums_of_many_corpora_are_those_of_each_alone():
    rng = np.random.default_rng(2)
    corpora = [rng.normal(size=(size, 2)) for size in (30, 40, 30, 1)]
    found = resampled_sums(corpora, 20, 3)
    assert [len(one) for one in found] == [20, 20, 20, 0]
    for sums, one in zip(corpora[:3], found, strict=False):
        drawn = weights(len(sums), 20, np.random.default_rng(3))
        assert one == pytest.approx(drawn @ sums)
