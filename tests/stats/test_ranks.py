"""Spearman's rho of resamples to first order, against ranking them anew."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from harness.stats.bootstrap import weights
from harness.stats.coefficients import spearman
from harness.stats.ranks import expanded_spearman
from harness.stats.sample import Sample


def judgments(items, seed=5):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=3 * items)
    y = np.clip(np.round(3 + x + rng.normal(size=x.shape)), 1, 5)
    return np.round(x, 1), y, np.tile(np.arange(items), 3)


def test_the_data_themselves_have_the_value_of_scipy():
    x, y, item = judgments(200)
    [rho] = expanded_spearman(x, y, item, np.ones((1, 200)))
    assert rho == pytest.approx(spearmanr(x, y).statistic)


def test_resamples_scatter_as_if_they_were_ranked_anew():
    x, y, item = judgments(2000)
    drawn = weights(2000, 200, np.random.default_rng(1))
    fast = expanded_spearman(x, y, item, drawn)
    slow = spearman(x, y, item, drawn)
    assert np.std(fast) == pytest.approx(np.std(slow), rel=0.02)
    assert np.abs(fast - slow).max() < 0.1 * np.std(slow)


def test_a_resample_of_systems_and_items_is_close_to_ranking_it_anew():
    rng = np.random.default_rng(2)
    quality = rng.normal(size=(9, 1)) + rng.normal(size=(9, 600))
    # What the metric is worth differs between items, so that their shares matter.
    noise = rng.normal(size=quality.shape) * np.exp(rng.normal(size=600))
    sample = Sample.of(quality + noise, quality + rng.normal(size=(9, 600)), 0, 0)
    for seed in range(20):
        drawn = sample.redrawn(np.random.default_rng(seed))
        item = np.nonzero(drawn.judged)[1]
        flat = drawn.metric[drawn.judged], drawn.human[drawn.judged]
        [fast] = expanded_spearman(*flat, item, drawn.weights)
        [slow] = spearman(*flat, item, drawn.weights)
        assert fast == pytest.approx(slow, abs=0.002)


def test_a_constant_judgment_has_no_value():
    x, _, item = judgments(50)
    found = expanded_spearman(x, np.ones_like(x), item, np.ones((2, 50)))
    assert np.isnan(found).all()
