"""The human ceiling: against loops, and on raters whose ceiling is known."""

import numpy as np
import pytest
from scipy import stats

from harness.errors import UsageError
from harness.stats.ceiling import ceiling

NONE = np.nan


def simulated(rng, outputs=300, raters=4, noise=1.0, metric_noise=1.0):
    quality = rng.normal(size=outputs)
    ratings = quality[:, None] + rng.normal(0, noise, (outputs, raters))
    return quality + rng.normal(0, metric_noise, outputs), ratings


def looped(metric, ratings, correlate):
    """Rater by rater, output by output."""
    of_raters, of_metric, sizes = [], [], []
    for rater in range(ratings.shape[1]):
        own, rest, score = [], [], []
        for row, value in zip(ratings, metric, strict=True):
            others = [v for n, v in enumerate(row) if n != rater and not np.isnan(v)]
            if others and not np.isnan(row[rater]) and not np.isnan(value):
                own.append(row[rater])
                rest.append(np.mean(others))
                score.append(value)
        of_raters.append(correlate(own, rest)[0])
        of_metric.append(correlate(score, rest)[0])
        sizes.append(len(own))
    return np.average(of_raters, weights=sizes), np.average(of_metric, weights=sizes)


@pytest.mark.parametrize(
    ("coefficient", "correlate"),
    [("pearson", stats.pearsonr), ("spearman", stats.spearmanr)],
    ids=["pearson", "spearman"],
)
def test_the_same_as_leaving_out_one_by_one(coefficient, correlate):
    rng = np.random.default_rng(1)
    metric, ratings = simulated(rng, 120)
    ratings[rng.random(ratings.shape) < 0.4] = NONE
    metric[:7] = NONE
    of_rater, of_metric = looped(metric, ratings, correlate)
    got = ceiling(metric, ratings, np.arange(120), coefficient=coefficient, draws=50)
    assert got.rater.value == pytest.approx(of_rater)
    assert got.metric.value == pytest.approx(of_metric)
    assert got.difference.value == pytest.approx(of_metric - of_rater)
    assert got.rater.n == 4


def test_a_metric_as_noisy_as_a_rater_reaches_the_ceiling():
    rng = np.random.default_rng(2)
    held = 0
    for seed in range(60):
        metric, ratings = simulated(rng)
        got = ceiling(metric, ratings, np.arange(300), draws=200, seed=seed).difference
        held += got.low <= 0 <= got.high
    assert held >= 52


def test_a_better_metric_is_above_and_a_worse_one_below():
    rng = np.random.default_rng(3)
    for noise, above in ((0.2, True), (3.0, False)):
        metric, ratings = simulated(rng, metric_noise=noise)
        got = ceiling(metric, ratings, np.arange(300)).difference
        assert (got.low > 0) if above else (got.high < 0)


def test_items_are_resampled_whole():
    rng = np.random.default_rng(4)
    metric, ratings = simulated(rng, 60)
    once = ceiling(metric, ratings, np.arange(60)).rater
    copied = ceiling(
        np.tile(metric, 5), np.tile(ratings, (5, 1)), np.tile(np.arange(60), 5)
    ).rater
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))


@pytest.mark.parametrize(
    "ratings",
    [np.ones((30, 1)), np.where(np.eye(30) > 0, 1.0, NONE)],
    ids=["one rater", "nothing shared"],
)
def test_without_two_raters_who_share_outputs_there_is_no_ceiling(ratings):
    got = ceiling(np.arange(30.0), ratings, np.arange(30))
    assert got.rater.value is None
    assert "fewer than two raters" in got.metric.method


def test_a_constant_metric_has_no_correlation_but_raters_do():
    _, ratings = simulated(np.random.default_rng(5), 50)
    got = ceiling(np.ones(50), ratings, np.arange(50))
    assert got.metric.value is None
    assert got.difference.value is None
    assert got.rater.value > 0
    assert got.metric.method == (
        "undefined: the metric scores all outputs of 4 of 4 raters alike"
    )


def test_a_rater_for_whom_nothing_varies_is_left_out_and_counted():
    metric, ratings = simulated(np.random.default_rng(5), 60)
    steady = np.column_stack([ratings, np.full(60, 3.0)])
    got = ceiling(metric, steady, np.arange(60))
    assert (got.rater.n, got.rater.dropped) == (4, 1)
    assert (got.metric.n, got.metric.dropped) == (4, 1)
    assert got.rater.low < got.rater.value < got.rater.high
    two = ceiling(metric, steady[:, 3:], np.arange(60))
    assert two.rater.value is None
    assert "1 of 2 raters rate all outputs alike" in two.rater.method


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(UsageError, match="outputs"):
        ceiling(np.ones(3), np.ones((4, 2)), np.arange(3))
