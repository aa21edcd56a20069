"""Values of systems: of very many pairs as of few."""

from dataclasses import fields, replace

import numpy as np
import pytest

from harness.stats import system_level
from harness.stats.sample import Sample
from harness.stats.system_level import of_pairs

DRAWS = 200
"""As many as are made of very many pairs."""


@pytest.fixture(params=[0.1, 0.0], ids=["some missing", "none missing"])
def sample(request):
    """Systems that differ in spread, each judged on most items or on all."""
    rng = np.random.default_rng(9)
    spread = np.linspace(0.1, 5, 8)[:, None]
    quality = rng.normal(size=(8, 60)) * spread + rng.normal(size=(8, 1))
    metric, human = (quality + rng.normal(size=(8, 60)) * spread for _ in range(2))
    metric[rng.random(metric.shape) < request.param] = np.nan
    return Sample.of(metric, np.round(human), DRAWS, seed=0)


def both_ways(sample, monkeypatch):
    """The same values at once and in blocks of a few pairs."""
    whole = of_pairs(sample)
    monkeypatch.setattr(system_level, "_MOST_GAPS", 0)
    monkeypatch.setattr(system_level, "_BLOCK", 3 * sample.judged.shape[1])
    return whole, of_pairs(sample)


def numbers(one):
    return pytest.approx((one.value, one.low, one.high), rel=1e-6)


def test_very_many_pairs_in_blocks_give_the_same_values_and_intervals(
    sample, monkeypatch
):
    whole, blocks = both_ways(sample, monkeypatch)
    for name in ("pearson", "spearman", "kendall", "accuracy"):
        expected, got = getattr(whole, name), getattr(blocks, name)
        assert (got.value, got.low, got.high) == numbers(expected)
        assert got.method == expected.method
    assert blocks.spa.value == pytest.approx(whole.spa.value, abs=0.02)
    ends = pytest.approx((whole.spa.low, whole.spa.high), abs=1e-6)
    assert (blocks.spa.low, blocks.spa.high) == ends
    assert "200 resamples as pairs are many" in blocks.spa.method


@pytest.mark.parametrize("kind", ["rough", "redrawn"])
def test_values_alone_are_the_same_in_blocks(sample, kind, monkeypatch):
    if kind == "redrawn":
        sample = sample.redrawn(np.random.default_rng(1))
    else:
        one = sample.weights[:1]
        sample = replace(sample, weights=one, bare=True, rough=True)
    whole, blocks = both_ways(sample, monkeypatch)
    for field in fields(whole):
        expected, got = (getattr(found, field.name) for found in (whole, blocks))
        assert got.value == pytest.approx(expected.value, rel=1e-6)
        assert got.low is None
