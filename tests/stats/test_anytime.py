"""Intervals for repeated looks: the paper's formula, and false alarms by simulation."""

from math import log, sqrt

import numpy as np
import pytest
from scipy import stats

from harness.errors import UsageError
from harness.stats.anytime import LEAST_LOOK, at_every_look, multiplier
from harness.stats.combine import mean


def ratings(n, seed=0, total=150):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=total)
    y = 0.6 * x + 0.8 * rng.normal(size=total)
    return np.where(np.arange(total) < n, y, np.nan), x


def test_with_many_degrees_of_freedom_it_is_the_published_boundary():
    squared = (-2 * log(0.05) + log(-2 * log(0.05) + 1)) / 50
    grown = 30 * squared + 1
    expected = sqrt(2 * grown / (30 * squared) * log(sqrt(grown) / 0.05))
    assert multiplier(30, 1e9) == pytest.approx(expected, rel=1e-5)


def test_few_ratings_take_the_same_tail_of_student():
    normal = multiplier(30, 1e9)
    tail = stats.norm.sf(normal)
    assert multiplier(30, 12) == pytest.approx(stats.t.isf(tail, 12), rel=1e-5)


def test_it_is_narrowest_about_where_it_was_tuned():
    near = min(range(10, 400), key=lambda n: multiplier(n, 1e9, expected=100))
    assert 50 <= near <= 200


def test_it_is_wider_than_one_look_allows():
    found = mean(*ratings(40))
    often = at_every_look(found)
    assert often.value == found.value
    assert often.high - often.low > 1.3 * (found.high - found.low)
    assert "every look" in often.why


def test_nothing_is_settled_before_the_first_look():
    often = at_every_look(mean(*ratings(LEAST_LOOK - 1)))
    assert (often.low, often.high) == (None, None)
    assert "looks begin at 10" in often.why


def test_equal_ratings_keep_the_exact_interval():
    found = mean([5.0] * 20, scale=(1, 5))
    assert at_every_look(found) == found


def test_expected_ratings_are_some():
    with pytest.raises(UsageError, match="expected"):
        at_every_look(mean(*ratings(40)), expected=0)


def test_false_alarms_at_all_looks_together_stay_below_five_percent():
    once = often = 0
    for seed in range(300):
        looks = [mean(*ratings(n, seed)) for n in range(10, 101, 10)]
        once += any(not one.low <= 0 <= one.high for one in looks)
        later = [at_every_look(one) for one in looks]
        often += any(not one.low <= 0 <= one.high for one in later)
    assert once / 300 > 0.1
    assert often / 300 <= 0.05
