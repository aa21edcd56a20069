"""Tau-b of very many outputs: against counting pairs, scipy and the bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from harness.stats import coefficients
from harness.stats.bootstrap import weights
from harness.stats.kendall import Influence, below, concordant, tau_bs


def clustered(rng, systems, items, levels=None):
    """Scores and ratings that share an item's difficulty, with ties in levels."""
    item = rng.normal(size=(1, items))
    metric, human = (item + rng.normal(size=(systems, items)) for _ in range(2))
    return (metric, np.round(human * levels) / levels) if levels else (metric, human)


def weighted_tau(x, y, weight):
    """Tau-b where a pair counts as often as both its outputs together."""
    pair = np.outer(weight, weight)
    one, other = (np.sign(np.subtract.outer(v, v)) for v in (x, y))
    free = [(pair * np.abs(sign)).sum() for sign in (one, other)]
    return (pair * one * other).sum() / np.sqrt(free[0] * free[1])


def test_the_smaller_in_both_are_counted_by_hand():
    x, y = np.array([1, 2, 3, 2, 0]), np.array([1, 3, 2, 2, 1])
    # The third, (3, 2), is above (1, 1) and (0, 1), but not above (2, 2).
    assert list(below(x, y)) == [0, 2, 2, 2, 0]


@pytest.mark.parametrize("values", [1, 2, 7, 1000])
def test_the_smaller_in_both_are_those_of_comparing_all_pairs(values):
    x, y = np.random.default_rng(values).integers(values, size=(2, 130))
    both = (x[None] < x[:, None]) & (y[None] < y[:, None])
    assert (below(x, y) == both.sum(axis=1)).all()


@pytest.mark.parametrize("levels", [None, 1], ids=["no ties", "ties"])
def test_tau_is_scipys_and_the_slope_is_the_derivative_by_weight(levels):
    metric, human = clustered(np.random.default_rng(1), 1, 25, levels)
    x, y = metric[0], human[0]
    got = Influence.of_tau_b(x, y)
    assert got.value == pytest.approx(kendalltau(x, y).statistic)
    step = 1e-5
    for at in range(len(x)):
        up, down = (np.ones(len(x)) for _ in range(2))
        up[at], down[at] = 1 + step, 1 - step
        slope = (weighted_tau(x, y, up) - weighted_tau(x, y, down)) / (2 * step)
        assert got.slope[at] == pytest.approx(slope, abs=1e-7)
    assert got.slope.sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("levels", [None, 1], ids=["no ties", "ties"])
def test_the_error_is_that_of_resampling_items_which_hold_several_outputs(levels):
    rng = np.random.default_rng(2)
    metric, human = clustered(rng, 4, 300, levels)
    metric[rng.random(metric.shape) < 0.1] = np.nan
    human = np.where(np.isnan(metric), np.nan, human)
    pooled, within = tau_bs(metric, human)
    drawn = weights(300, 2000, rng)
    forms = coefficients.concordance(metric, human)
    of_all, of_systems = (form.tau_b(drawn) for form in forms)
    mean = Influence.mean(list(within))
    for got, resampled in ((pooled, of_all[:, 0]), (mean, of_systems.mean(axis=1))):
        error = np.sqrt((got.slope**2).sum())
        assert error == pytest.approx(resampled.std(), rel=0.06)
        found = got.estimate("tau", n=1, dropped=0)
        expected = np.quantile(resampled, [0.025, 0.975])
        assert (found.low, found.high) == pytest.approx(expected, abs=0.2 * error)
    # Were outputs independent, the error would be too small by far.
    judged = np.isfinite(metric)
    alone = Influence.of_tau_b(metric[judged], human[judged])
    assert np.sqrt((alone.slope**2).sum()) < 0.85 * of_all.std()


@pytest.mark.slow
@pytest.mark.parametrize("levels", [None, 1], ids=["no ties", "ties"])
def test_the_interval_holds_the_truth_as_often_as_it_says(levels):
    rng = np.random.default_rng(3)
    of_many, _ = tau_bs(*clustered(rng, 2, 200_000, levels))
    if not levels:
        assert of_many.value == pytest.approx(1 / 3, abs=0.005)  # 2 asin(.5) / pi
    covered = []
    for _ in range(1000):
        pooled, _ = tau_bs(*clustered(rng, 3, 100, levels))
        got = pooled.estimate("tau", n=1, dropped=0)
        covered.append(got.low <= of_many.value <= got.high)
    assert 0.93 < np.mean(covered) < 0.97


def test_what_is_constant_has_no_value_and_one_item_no_interval():
    assert np.isnan(Influence.of_tau_b(np.ones(5), np.arange(5.0)).value)
    assert np.isnan(Influence.of_tau_b(np.empty(0), np.empty(0)).value)
    assert np.isnan(Influence.mean([]).value)
    pooled, _ = tau_bs(np.arange(4.0)[:, None], np.array([[1.0], [2], [4], [3]]))
    got = pooled.estimate("tau", n=4, dropped=0)
    assert (got.value, got.low, got.high) == (pytest.approx(2 / 3), None, None)
    assert "fewer than two items" in got.method


def test_limits_stay_within_what_tau_can_be():
    metric, human = clustered(np.random.default_rng(5), 2, 6)
    pooled, _ = tau_bs(metric, np.where(human > 3, human, metric))
    got = pooled.estimate("tau", n=12, dropped=0)
    assert -1 <= got.low <= got.value <= got.high <= 1


@pytest.mark.parametrize("levels", [1, 2, 5, 16, 17, 300])
def test_concordance_value_by_value_is_that_of_comparing_all_pairs(levels):
    rng = np.random.default_rng(levels)
    x, y = rng.integers(40, size=200), np.unique(rng.integers(levels, size=200))
    y = np.searchsorted(y, rng.choice(y, 200))
    for first, second in ((x, y), (y, x), (y, y)):
        signs = [np.sign(v[:, None] - v) for v in (first, second)]
        expected = (signs[0] * signs[1]).sum(axis=1)
        found = concordant(
            *(np.unique(v, return_inverse=True)[1] for v in (first, second))
        )
        assert (found == expected).all()
