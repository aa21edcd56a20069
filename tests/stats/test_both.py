"""Intervals over systems and items: against loops, refusal, simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from harness.errors import UsageError
from harness.stats import coefficients
from harness.stats.correlation import agreement
from harness.stats.sample import Sample
from harness.stats.system_level import of_pairs
from harness.stats.ties import Pairs


def judgments(rng, systems=9, items=30, spread=1.0):
    """Scores and ratings of systems that differ in quality."""
    quality = spread * rng.normal(size=(systems, 1))
    metric, human = (quality + rng.normal(size=(systems, items)) for _ in range(2))
    return metric, human


def redrawn(metric, human, rng):
    return Sample.of(metric, human, 0, 0).redrawn(rng)


def test_a_resample_draws_systems_and_items_and_its_values_are_those_of_copies():
    metric, human = judgments(np.random.default_rng(1))
    for seed in range(5):
        got = redrawn(metric, human, np.random.default_rng(seed))
        rng = np.random.default_rng(seed)
        rows = rng.choice(np.arange(9), 9)
        drawn = rng.integers(30, size=30)
        x, y = metric[np.ix_(rows, drawn)], human[np.ix_(rows, drawn)]
        means = x.mean(axis=1), y.mean(axis=1)
        values = of_pairs(got)
        assert values.pearson.value == pytest.approx(stats.pearsonr(*means)[0])
        assert values.kendall.value == pytest.approx(stats.kendalltau(*means)[0])
        assert values.pearson.low is None
        pairs = [
            np.sign(means[0][a] - means[0][b]) == np.sign(means[1][a] - means[1][b])
            for a in range(9)
            for b in range(a)
            if rows[a] != rows[b]
        ]
        assert values.accuracy.value == pytest.approx(np.mean(pairs))
        pooled = coefficients.pearson(
            got.weights[0] @ coefficients.moments(got.metric, got.human).sum(axis=0)
        )
        assert pooled == pytest.approx(stats.pearsonr(x.ravel(), y.ravel())[0])


def test_a_resample_draws_as_many_systems_as_are_judged():
    metric, human = judgments(np.random.default_rng(5), systems=12)
    human[:4] = np.nan
    got = redrawn(metric, human, np.random.default_rng(6))
    assert len(got.system) == len(got.metric) == 8
    assert set(got.system) <= set(range(4, 12))
    judged = agreement(metric[4:], human[4:], draws=20, over="both").system.pearson
    got = agreement(metric, human, draws=20, over="both").system.pearson
    assert got == replace(judged, dropped=4)


def test_no_output_is_paired_with_a_copy_of_its_own():
    metric, human = judgments(np.random.default_rng(2))
    got = redrawn(metric, human, np.random.default_rng(3))
    assert len(set(got.system)) < 9
    for grouping in ("item", "none", "system"):
        pairs = Pairs.of(got.metric, got.human, grouping, 0, system=got.system)
        assert (pairs.gap > 0).all()
        copied = Pairs.of(got.metric, got.human, grouping, 0)
        assert (copied.gap == 0).any() == (grouping != "system")


def test_every_value_stays_and_every_interval_says_what_was_resampled():
    metric, human = judgments(np.random.default_rng(4))
    human = np.round(human)
    items = agreement(metric, human, draws=30)
    both = agreement(metric, human, draws=30, over="both")
    for level in ("system", "pooled", "by_item", "by_system"):
        for name in ("pearson", "spearman", "kendall"):
            a, b = (getattr(getattr(each, level), name) for each in (items, both))
            assert (b.value, b.n, b.dropped) == (pytest.approx(a.value), a.n, a.dropped)
            assert "bootstrap of checkpoints and items, 30 draws" in b.method
            assert b.low < b.value < b.high
    assert both.spa.value == items.spa.value
    for name in ("acc_eq", "acc_star_eq", "acc_star_eq_held_out", "epsilon", "pdp"):
        a, b = (getattr(each.by_item, name) for each in (items, both))
        assert b.value == pytest.approx(a.value)
        assert "checkpoints and items" in b.method
    again = agreement(metric, human, draws=30, over="both")
    assert again == both
    assert (both.systems, both.items, both.outputs) == (9, 30, 270)


def test_systems_that_differ_widen_the_interval():
    metric, human = judgments(np.random.default_rng(5), systems=10, items=60)
    items, both = (
        agreement(metric, human, draws=100, over=over).by_item.kendall
        for over in ("items", "both")
    )
    assert both.high - both.low > 1.5 * (items.high - items.low)


def test_at_most_200_resamples_are_made():
    metric, human = judgments(np.random.default_rng(6), systems=8, items=4)
    got = agreement(metric, human, draws=1000, over="both")
    assert "200 draws" in got.pooled.pearson.method


def test_fewer_than_eight_systems_are_refused_with_the_reason():
    metric, human = judgments(np.random.default_rng(7), systems=8)
    human[3] = np.nan
    with pytest.raises(UsageError, match=r"8 checkpoints or more, and 7 .*dependent"):
        agreement(metric, human, over="both")


def test_what_is_undefined_stays_so():
    metric, human = judgments(np.random.default_rng(8), systems=8, items=5)
    got = agreement(metric, np.full_like(human, 2), draws=20, over="both")
    assert got.system.pearson.value is None
    assert got.system.pearson.method.startswith("undefined: ")


@pytest.mark.slow
def test_the_interval_over_both_holds_the_truth_of_other_systems():
    rng = np.random.default_rng(9)
    truth = 2 / np.pi * np.arcsin(0.5)  # of outputs whose systems vary as they do
    covered = {"items": [], "both": []}
    for _ in range(150):
        metric, human = judgments(rng, systems=20, items=25)
        sample = Sample.of(metric, human, 200, 1)
        x, y = coefficients.concordance(sample.metric, sample.human)
        of_items = np.quantile(x.tau_b(sample.weights)[1:, 0], [0.025, 0.975])
        assert y.agree.shape[0] == 25
        drawn = [
            pooled_tau(replace(sample, bare=True).redrawn(rng)) for _ in range(200)
        ]
        of_both = np.quantile(drawn, [0.025, 0.975])
        for name, (low, high) in (("items", of_items), ("both", of_both)):
            covered[name].append(low <= truth <= high)
    # Over items alone it is an interval for these systems, and not for others.
    assert np.mean(covered["items"]) < 0.8
    assert 0.89 < np.mean(covered["both"]) < 0.99


def pooled_tau(sample):
    """Tau-b of all outputs of a resample, in which items repeat."""
    drawn = np.repeat(np.arange(len(sample.weights[0])), sample.weights[0].astype(int))
    columns = (values[:, drawn].ravel() for values in (sample.metric, sample.human))
    return stats.kendalltau(*columns)[0]
