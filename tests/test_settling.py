"""Whether ratings have settled which of two checkpoints is better."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t, ttest_1samp

from harness.pairing import Pair
from harness.settling import looks, settling
from harness.stats.sharpened import EXACTLY_THESE


def a_pair(first, second, *, equal=0, scores=None, scale=(1, 5), prompts=None):
    """Prompts rated one after the other by one rater, the first ones of so many."""
    n = len(first)
    return Pair(
        criterion="meaning",
        first="a",
        second="b",
        comparing=False,
        scale=scale,
        prompts=tuple(map(str, range(prompts or n))),
        equal=equal,
        drawn=prompts or n,
        metric=None if scores is None else "chrf|v1",
        scores=scores,
        prompt=np.repeat(np.arange(n), 2),
        side=np.tile([0, 1], n),
        rater=np.zeros(2 * n, dtype=int),
        value=np.column_stack([first, second]).ravel().astype(float),
    )


def compared(outcomes, **about):
    n = len(outcomes)
    both = a_pair(outcomes, outcomes, scale=(0, 1), **about)
    return replace(
        both,
        comparing=True,
        prompt=np.arange(n),
        side=np.zeros(n, dtype=int),
        rater=np.zeros(n, dtype=int),
        value=np.array(outcomes, dtype=float),
    )


def noisy(gap, n=60, seed=1):
    rng = np.random.default_rng(seed)
    first = rng.integers(1, 6, n)
    second = np.clip(first + np.round(rng.normal(gap, 1, n)), 1, 5)
    return first, second


def test_without_scores_the_estimate_is_the_t_interval_of_the_differences():
    first, second = noisy(0.3)
    found = settling(a_pair(first, second))
    expected = ttest_1samp(second - first, 0)
    low, high = expected.confidence_interval()
    assert found.alone == found.combined
    assert found.alone.value == pytest.approx((second - first).mean())
    assert (found.alone.low, found.alone.high) == pytest.approx((low, high))
    assert found.always.high - found.always.low > high - low


def test_equal_outputs_count_as_no_difference_without_a_rating():
    first, second = noisy(0.5)
    gap = second - first
    found = settling(a_pair(first, second, equal=20)).alone
    # By hand: a share 60/80 of prompts with that mean, the rest 0.
    mean, share = gap.mean(), 60 / 80
    variance = share**2 * gap.var(ddof=1) / 60 + mean**2 * share * (1 - share) / 80
    assert found.value == pytest.approx(share * mean)
    assert found.error == pytest.approx(variance**0.5)
    assert found.high - found.value == pytest.approx(t.ppf(0.975, 59) * variance**0.5)
    assert "same for 20 of 80 prompts" in found.why


def test_equal_outputs_pull_a_win_rate_towards_a_half():
    outcomes = [1] * 20 + [0] * 10
    alone = settling(compared(outcomes)).alone
    found = settling(compared(outcomes, equal=30)).alone
    assert alone.value == pytest.approx(2 / 3)
    assert found.value == pytest.approx(0.5 + (2 / 3 - 0.5) / 2)


def test_only_equal_outputs_are_no_difference_with_an_exact_interval():
    found = settling(a_pair([], [], equal=40))
    assert found.alone.value == 0
    assert found.alone.low < 0 < found.alone.high
    assert found.better is None
    assert found.more is None


def test_a_clear_difference_is_settled_and_an_unclear_one_is_forecast():
    clear = settling(a_pair(*noisy(1.5)))
    assert (clear.better, clear.more) == ("second", None)
    swapped = settling(a_pair(*reversed(noisy(1.5))))
    assert swapped.better == "first"
    unclear = settling(a_pair(*noisy(0.4, n=30), prompts=500))
    assert unclear.better is None
    assert unclear.more > 0
    assert unclear.enough_prompts
    assert not settling(a_pair(*noisy(0.4, n=30))).enough_prompts


def test_the_forecast_is_where_as_many_ratings_alike_settle_the_question():
    first, second = noisy(0.4, n=30)
    found = settling(a_pair(first, second, prompts=500))
    prompts = 30 + found.more // 2

    def alike(n):
        """So many prompts whose differences have the mean and spread of these."""
        gap = second - first
        z = np.random.default_rng(2).normal(size=n)
        z = (z - z.mean()) / z.std(ddof=1)
        return settling(a_pair(np.zeros(n), gap.mean() + gap.std(ddof=1) * z))

    assert alike(prompts + 1).better == "second"
    assert alike(prompts - 2).better is None


def test_too_few_ratings_settle_nothing_however_clear():
    found = settling(a_pair([1, 2, 1, 2, 1], [5, 5, 4, 5, 4]))
    assert found.better is None
    assert found.always.low is None


def test_nearly_unanimous_win_rates_are_settled_though_their_interval_is_a_score_one():
    found = settling(compared([1.0] * 50 + [0.0] * 2))
    assert found.alone.method == "score"
    assert found.better == "second"
    assert 0 <= found.always.low <= found.always.high <= 1


def test_scores_that_say_what_people_say_save_ratings():
    rng = np.random.default_rng(5)
    truth = rng.normal(0.5, 1, 400)
    scores = np.column_stack([np.zeros(400), 100 * truth])
    said = 3 + truth[:40] + rng.normal(0, 0.3, 40)
    pair = a_pair(np.full(40, 3.0), said, scores=scores, prompts=400)
    found = settling(pair)
    assert found.combined.method == "regression"
    assert found.combined.saved > 20
    assert found.alone.method == "classical"
    width = found.combined.high - found.combined.low
    assert width < found.alone.high - found.alone.low


def test_looks_go_through_the_ratings_in_order_and_end_with_all():
    pair = a_pair(*noisy(0.5))
    found = looks(pair, most=12)
    assert [one.ratings for one in found] == list(range(10, 121, 10))
    assert found[-1].combined == settling(pair).combined
    assert found[3].alone.n == 20
    errors = [one.alone.error for one in found]
    assert errors[-1] < errors[1]


def test_before_any_rating_there_is_nothing_to_look_at():
    pair = a_pair([], [], prompts=5)
    assert looks(pair) == ()
    found = settling(pair)
    assert found.alone.value is None
    assert (found.better, found.more, found.left) == (None, None, 5)


def test_exactly_these_prompts_can_be_asked_for_where_raters_noise_is_known():
    first, second = noisy(0.5, n=30)
    pair = a_pair(first, second, prompts=40)
    again = replace(
        pair,
        prompt=np.concatenate([pair.prompt, pair.prompt]),
        side=np.concatenate([pair.side, pair.side]),
        rater=np.concatenate([pair.rater, pair.rater + 1]),
        value=np.concatenate([pair.value, pair.value[::-1]]),
    )
    found = settling(again, estimand=EXACTLY_THESE)
    assert found.alone.estimand == EXACTLY_THESE
    assert found.alone.value is not None
