"""Values of very many single outputs rest on a random share of the items."""

import numpy as np
import pytest

from harness.stats import correlation
from harness.stats.correlation import agreement
from harness.stats.sample import Sample

SYSTEMS, ITEMS = 6, 400


@pytest.fixture
def judged():
    """Scores and ratings that follow each other, some missing."""
    rng = np.random.default_rng(4)
    quality = rng.normal(size=(SYSTEMS, ITEMS)) + rng.normal(size=(SYSTEMS, 1))
    metric, human = (quality + rng.normal(size=quality.shape) for _ in range(2))
    human[rng.random(quality.shape) < 0.1] = np.nan
    return metric, human


def test_systems_rest_on_all_items_and_single_outputs_on_a_share(judged, monkeypatch):
    whole = agreement(*judged, draws=50)
    monkeypatch.setattr(correlation, "_MOST_OUTPUTS", SYSTEMS * ITEMS // 4)
    some = agreement(*judged, draws=50)
    assert some.system == whole.system
    assert (some.spa, some.pairwise_accuracy) == (whole.spa, whole.pairwise_accuracy)
    assert (some.outputs, some.items) == (whole.outputs, whole.items)
    for level in ("pooled", "by_item", "by_system"):
        for name in ("pearson", "spearman", "kendall", "acc_eq", "pdp"):
            one = getattr(getattr(some, level), name)
            assert "on a random 110 of 400 items" in one.method, name
            assert one.low <= getattr(getattr(whole, level), name).value <= one.high
    assert some.by_item.kendall.n < whole.by_item.kendall.n
    assert some == agreement(*judged, draws=50)


def test_a_sample_that_is_small_enough_stays_itself(judged):
    sample = Sample.of(*judged, 20, 0)
    assert sample.thinned(SYSTEMS * ITEMS) is sample


def test_resamples_of_a_share_draw_as_many_items_as_it_has(judged):
    some = Sample.of(*judged, 20, 0).thinned(600)
    assert some.weights.shape == (21, some.judged.shape[1])
    assert (some.weights.sum(axis=1) == some.judged.shape[1]).all()
