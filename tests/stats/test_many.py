"""Several checkpoints: simultaneous intervals, Holm, and the best of them."""

import numpy as np
import pytest
from scipy import stats

from harness.errors import UsageError
from harness.stats.combine import paired_difference
from harness.stats.many import best, differences
from harness.stats.paired import holm


def campaign(seed=0, gains=(0, 0, 0, 0), n=40, more=100):
    """Ratings (checkpoints, prompts) of the first n prompts, scores of all."""
    rng = np.random.default_rng(seed)
    shape = (len(gains), n + more)
    x = rng.normal(size=shape[1]) + rng.normal(size=shape)
    y = 0.7 * x + rng.normal(size=shape) + np.array(gains)[:, None]
    y[:, n:] = np.nan
    return y, x


def test_each_difference_is_the_paired_one():
    y, x = campaign()
    found = differences(y, x)
    assert [(one.first, one.second) for one in found] == [
        *((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
    ]
    assert found[1].estimate == paired_difference(y[0], y[2], x[0], x[2])
    adjusted = holm([one.estimate.p_value() for one in found])
    assert [one.p for one in found] == pytest.approx(adjusted)


def test_against_one_checkpoint_there_are_fewer_and_so_narrower_intervals():
    y, _ = campaign()
    one, all_pairs = differences(y, against=1)[2], differences(y)[4]
    assert (one.first, one.second) == (1, 3)
    assert one.estimate == all_pairs.estimate
    assert one.high - one.low < all_pairs.high - all_pairs.low


def test_simultaneous_intervals_are_about_as_wide_as_tukey_has_them():
    rng = np.random.default_rng(3)
    y = rng.normal(size=(4, 400))
    found = differences(y)[0]
    critical = (found.high - found.estimate.value) / found.estimate.error
    tukey = stats.studentized_range.ppf(0.95, 4, 399) / np.sqrt(2)
    assert critical == pytest.approx(tukey, rel=0.03)


def test_two_checkpoints_have_the_interval_of_one_pair():
    y, _ = campaign(gains=(0, 1))
    (found,) = differences(y)
    assert found.low == pytest.approx(found.estimate.low, abs=0.03)
    assert found.p == found.estimate.p_value()


def test_equal_ratings_have_no_simultaneous_interval():
    y = np.full((3, 20), 4.0)
    found = differences(y, scale=(1, 5))
    assert {(one.low, one.high, one.p) for one in found} == {(None, None, None)}
    assert {one.may_be_best for one in best(y, scale=(1, 5))} == {True}


def test_a_clear_winner_is_the_best_and_the_others_are_not():
    y, x = campaign(gains=(0, 0.1, 3, 0.2))
    found = best(y, x)
    assert [one.may_be_best for one in found] == [False, False, True, False]
    assert [one.is_best for one in found] == [False, False, True, False]
    assert found[2].low == 0 < found[2].high
    assert found[0].low < -2 < found[0].high == 0


def test_equals_may_all_be_the_best_and_none_is():
    found = best(*campaign())
    assert all(one.may_be_best for one in found)
    assert not any(one.is_best for one in found)
    assert all(one.low < 0 < one.high for one in found)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: differences([[1, 2]]), "two or more checkpoints"),
        (lambda: differences([[1, 2], [1, 2]], [[1, 2]]), "same checkpoints"),
        (lambda: differences([[1, 2], [1, 2]], against=2), "number 2"),
        (lambda: best([1, 2]), "two or more"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call()


@pytest.mark.slow
def test_all_intervals_hold_together_and_the_winner_is_not_favoured():
    gains = (0.0, 0.0, 0.0, -0.2, 0.0)
    others = [max(gains[:k] + gains[k + 1 :]) for k in range(5)]
    together = standing = crowned = 0
    draws = 250
    for seed in range(draws):
        y, x = campaign(seed, gains, n=30)
        found = differences(y, x, seed=seed)
        together += all(
            one.low <= gains[one.second] - gains[one.first] <= one.high for one in found
        )
        stands = best(y, x, seed=seed)
        standing += all(
            one.low <= gains[k] - others[k] <= one.high for k, one in enumerate(stands)
        )
        crowned += any(one.is_best for one in stands)
    assert together / draws >= 0.92
    assert standing / draws >= 0.92
    assert crowned / draws <= 0.05
