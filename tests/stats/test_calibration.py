"""Ratings on scores: by hand, against scipy, by simulation."""

import numpy as np
import pytest
from scipy import stats

from harness.errors import UsageError
from harness.stats.calibration import calibrate


def test_a_perfect_line_by_hand():
    scores = np.arange(10.0)
    found = calibrate(1 + 2 * scores, scores, np.arange(10))
    assert (found.intercept, found.slope) == pytest.approx((1, 2))
    assert (found.low, found.high) == pytest.approx((2, 2))
    assert found.predict(7.5) == pytest.approx(16)
    assert found.tells


def test_slope_and_intercept_are_those_of_scipy_and_the_error_is_the_jackknifes():
    rng = np.random.default_rng(4)
    items = np.repeat(np.arange(15), 3)
    x = rng.normal(size=45)
    y = 3 + 0.4 * x + rng.normal(size=45) + rng.normal(size=15)[items]
    y[7] = np.nan
    found = calibrate(y, x, items)
    known = np.isfinite(y)
    line = stats.linregress(x[known], y[known])
    assert (found.slope, found.intercept) == pytest.approx((line.slope, line.intercept))
    left = [
        stats.linregress(x[known & (items != one)], y[known & (items != one)]).slope
        for one in range(15)
    ]
    half = stats.t.ppf(0.975, 14) * np.sqrt(14 * np.var(left))
    assert (found.low, found.high) == pytest.approx(
        (line.slope - half, line.slope + half)
    )


def test_the_interval_covers_a_slope_as_often_as_promised():
    rng = np.random.default_rng(1)
    items = np.repeat(np.arange(40), 3)
    covered = []
    for _ in range(1000):
        own, effect = rng.normal(size=40)[items], rng.normal(size=40)[items]
        x = own + rng.normal(size=120)
        found = calibrate(0.5 * x + effect + rng.normal(size=120), x, items)
        covered.append(found.low <= 0.5 <= found.high)
    # Two standard errors of a share of 95 % in 1,000 runs.
    assert 0.936 <= np.mean(covered) <= 0.97


def test_a_metric_without_a_bearing_on_ratings_mostly_tells_nothing():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 1000, 30))
    told = [calibrate(b, a, np.arange(30)).tells for a, b in zip(x, y, strict=True)]
    assert np.mean(told) <= 0.07


def test_too_few_items_and_equal_scores_are_refused():
    with pytest.raises(UsageError, match="9 prompts with ratings"):
        calibrate(np.arange(18), np.arange(18), np.repeat(np.arange(9), 2))
    with pytest.raises(UsageError, match="tell nothing of ratings"):
        calibrate(np.arange(12), np.ones(12), np.arange(12))
