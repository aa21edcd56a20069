"""Means and differences of ratings and scores: claims, refusals, simulations."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from harness.errors import UsageError
from harness.stats.combine import (
    Design,
    mean,
    paired_difference,
    slopes_of,
    win_rate,
)

NAN = np.nan


def study(seed=0, n=30, more=170, r=0.8):
    """Ratings of the first n prompts, scores of all."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n + more)
    y = r * x + np.sqrt(1 - r**2) * rng.normal(size=n + more)
    y[n:] = NAN
    return y, x


def test_without_scores_it_is_the_t_interval_of_scipy():
    y, _ = study()
    found = mean(y)
    expected = stats.ttest_1samp(y[:30], 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.p_value() == pytest.approx(stats.ttest_1samp(y[:30], 0).pvalue)
    assert (found.method, found.n, found.effective_n) == ("classical", 30, 30)
    assert found.r2 is None


def test_a_good_metric_narrows_the_interval_and_says_what_it_was_worth():
    y, x = study(seed=1)
    alone, found = mean(y), mean(y, x)
    assert found.method == "regression"
    assert found.high - found.low < 0.9 * (alone.high - alone.low)
    narrower = (alone.high - alone.low) / (found.high - found.low)
    assert found.effective_n == pytest.approx(30 * narrower**2)
    assert found.saved == int(found.effective_n) - 30 > 0
    assert "worth" in found.why


def test_a_metric_that_says_nothing_leaves_the_classical_interval():
    y, _ = study()
    noise = np.random.default_rng(10).normal(size=len(y))
    found, alone = mean(y, noise), mean(y)
    assert (found.low, found.high) == (alone.low, alone.high)
    assert (found.method, found.saved) == ("classical", 0)
    assert found.why.endswith("scores help from 7% on")


def test_where_every_prompt_is_rated_scores_add_nothing():
    y, x = study(more=0)
    found = mean(y, x)
    assert (found.method, found.low) == ("classical", mean(y).low)
    assert found.why.endswith("but every prompt is rated")


def test_eleven_ratings_stand_alone_however_good_the_metric():
    y, x = study(n=11, r=0.99)
    found = mean(y, x)
    assert found.method == "classical"
    assert found.why == "11 rated prompts; scores help from 12 on"


@pytest.mark.parametrize("change", [lambda x: -x, np.exp, lambda x: 1000 + x / 7])
def test_scale_and_direction_of_the_metric_do_not_matter(change):
    y, x = study()
    assert mean(y, change(x)).low == pytest.approx(mean(y, x).low)


def test_a_difference_is_b_minus_a():
    y, x = study()
    forth = paired_difference(y, y + 1 + x, 0 * x, x)
    back = paired_difference(y + 1 + x, y, x, 0 * x)
    assert forth.value == pytest.approx(-back.value)
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low))
    assert forth.value > 0
    assert forth.estimand == "prompts like these"


def test_a_difference_is_of_prompts_that_both_have():
    a = np.array([1, 2, NAN, 4, 3.0])
    b = np.array([2, NAN, 5, 5, 3.0])
    found = paired_difference(a, b)
    assert (found.value, found.n) == (pytest.approx(2 / 3), 3)


def test_an_unknown_score_costs_no_rating():
    y, x = study()
    x[3] = NAN
    x[50] = np.inf
    found = mean(y, x)
    assert (found.n, found.method) == (30, "regression")
    assert "2 prompts without a score" in found.why


def test_several_metrics_are_cross_fitted():
    y, x = study(r=0.9)
    noise = np.random.default_rng(1).normal(size=(len(x), 2))
    found, alone = mean(y, np.column_stack([x, noise])), mean(y)
    assert found.method == "regression"
    assert found.high - found.low < alone.high - alone.low
    assert mean(y, np.column_stack([x, noise])) == found


def test_several_metrics_that_say_nothing_explain_less_than_nothing():
    y, _ = study()
    noise = np.random.default_rng(1).normal(size=(len(y), 4))
    found = mean(y, noise)
    assert found.method == "classical"
    assert found.r2 < 0.07


def test_slopes_of_earlier_checkpoints_are_used_as_they_are():
    earlier, scores = study(seed=1, n=150, more=0)
    slopes = slopes_of(earlier, scores)
    assert slopes == pytest.approx([stats.linregress(scores, earlier).slope])
    y, x = study()
    found = mean(y, x, slopes=slopes)
    expected = (y[:30] - slopes * x[:30]).mean() + slopes[0] * x.mean()
    assert (found.value, found.df) == pytest.approx((expected, 29))


def test_exactly_these_prompts_need_the_noise_of_raters():
    y, x = study()
    with pytest.raises(UsageError, match="noise of raters"):
        mean(y, x, estimand="exactly these prompts")


def test_a_census_of_prompts_keeps_the_noise_of_raters():
    y, _ = study(n=40, more=0)
    found = mean(y, estimand="exactly these prompts", noise=0.4)
    assert found.error == pytest.approx(np.sqrt(0.4 / 40))
    assert found.estimand == "exactly these prompts"


def test_noise_is_told_from_several_ratings_of_a_prompt():
    rng = np.random.default_rng(4)
    ratings = rng.normal(size=(60, 1)) + rng.normal(size=(60, 3))
    found = mean(ratings, estimand="exactly these prompts")
    expected = ratings.var(axis=1, ddof=1).mean() / 3 / 60
    assert found.error**2 == pytest.approx(expected)


def test_severity_of_a_rater_of_both_cancels():
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(2, 60, 2))
    asked = {"estimand": "exactly these prompts"}
    severe = np.array([0.0, 9.0])
    calm = paired_difference(a, b, **asked)
    shifted = paired_difference(a + severe, b + severe, **asked)
    assert shifted.error == pytest.approx(calm.error)


def test_samples_of_a_prompt_are_averaged():
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(40, 3))
    clusters = np.repeat(np.arange(40), 3)
    found = mean(rows.ravel(), design=Design(clusters=clusters))
    alone = mean(rows.mean(axis=1))
    assert (found.value, found.n) == (pytest.approx(alone.value), 40)
    assert found.low == pytest.approx(alone.low)


def test_one_rated_sample_of_three_still_meets_the_scores_of_all_three():
    y, x = study(n=60, r=0.9)
    scores = np.column_stack([x, x + 0.1, x - 0.1])
    ratings = np.full(scores.shape, NAN)
    ratings[:, 0] = y
    clusters = np.repeat(np.arange(len(y)), 3)
    found = mean(ratings.ravel(), scores.ravel(), design=Design(clusters=clusters))
    assert (found.n, found.method) == (60, "regression")


def test_strata_weigh_as_many_prompts_as_they_have():
    y = np.array([1, 2, 3, NAN, NAN, NAN, 10, 12, NAN, NAN])
    strata = ["easy"] * 6 + ["hard"] * 4
    found = mean(y, design=Design(strata=strata))
    assert found.value == pytest.approx(0.6 * 2 + 0.4 * 11)


def test_a_stratum_with_one_rating_leaves_the_mean_undefined():
    y = np.array([1, 2, NAN, 3, NAN])
    found = mean(y, design=Design(strata=[0, 0, 0, 1, 1]))
    assert (found.value, found.method) == (None, "undefined")
    assert found.why == "a stratum has fewer than two rated prompts"


@pytest.mark.parametrize(("ratings", "n"), [([], 0), ([NAN, NAN], 0), ([3, NAN], 1)])
def test_fewer_than_two_ratings_are_undefined_with_the_reason(ratings, n):
    found = mean(ratings)
    assert (found.value, found.low, found.n) == (None, None, n)
    assert found.why == f"{n} rated prompts: two are needed"


def test_equal_ratings_get_the_exact_interval_of_those_that_may_differ():
    found = mean([5.0] * 20 + [NAN] * 5, np.arange(25), scale=(1, 5))
    unseen = stats.binomtest(0, 20).proportion_ci(method="exact").high
    assert found.method == "exact"
    assert (found.low, found.high) == pytest.approx((5 - 4 * unseen, 5))


def test_equal_differences_reach_as_far_as_the_scale_on_either_side():
    found = paired_difference([3.0] * 10, [3.0] * 10, scale=(1, 5))
    assert found.low == pytest.approx(-found.high)
    assert found.high > 1


def test_equal_ratings_on_an_unknown_scale_have_no_interval():
    found = mean([5.0] * 20)
    assert (found.value, found.low, found.high) == (5, None, None)
    assert "scale is not given" in found.why


def test_few_wins_get_the_score_interval():
    outcomes = [1.0] * 9 + [0.0]
    found = win_rate(outcomes)
    expected = stats.binomtest(9, 10).proportion_ci(method="wilson")
    assert found.method == "score"
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_many_wins_are_sharpened_like_any_mean():
    y, x = study(n=60)
    found = win_rate(np.where(np.isnan(y), NAN, y > 0), x)
    assert found.method == "regression"
    assert 0 < found.low < found.value < found.high < 1


def test_unanimous_wins_are_not_certain():
    found = win_rate([1.0] * 30)
    assert found.method == "exact"
    assert 0.8 < found.low < 0.9
    assert found.high == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean([1, 2], [1, 2, 3]), "2 ratings and 3 scores"),
        (lambda: paired_difference([1, 2], [1]), "2 prompts for the first and 1"),
        (lambda: paired_difference([1, 2], [1, 2], [1, 2]), "1 for the first and 0"),
        (lambda: mean([1, 2], estimand="these"), "prompts like these"),
        (lambda: mean(["good", "bad"]), "must be numbers"),
        (lambda: mean([1, np.inf]), "finite"),
        (lambda: paired_difference([1, np.inf], [1, np.inf]), "finite"),
        (lambda: mean([1, 2], scale=(5, 1)), "larger largest"),
        (lambda: mean([1, 2], noise=-1), "0 or more"),
        (lambda: mean([1, 2], [1, 2], slopes=[1, 2]), "one slope for each"),
        (lambda: mean([1, 2], design=Design(strata=[1])), "one label for each"),
        (lambda: mean([1, 2], design=Design(probabilities=[0, 1])), "above 0"),
        (lambda: mean([1, 2], design=Design(probabilities=[1])), "1 drawing"),
        (lambda: win_rate([1, 2]), "between 0"),
        (lambda: slopes_of([1, 2], [1, 2]), "too few"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call()


def test_reports_print_it_as_any_other_estimate():
    y, x = study()
    found = mean(y, x)
    plain = found.as_estimate()
    assert (plain.value, plain.low, plain.n) == (found.value, found.low, 30)
    assert plain.method.startswith("regression, prompts like these: the scores")
    assert found.as_json()["estimand"] == "prompts like these"


def covered(estimates, truth):
    return np.mean([found.low <= truth <= found.high for found in estimates])


@pytest.mark.parametrize("r", [0.0, 0.7])
def test_intervals_hold_as_often_as_they_say(r):
    found = [mean(*study(seed, n=25, r=r)) for seed in range(1000)]
    assert 0.93 <= covered(found, 0) <= 0.975


def test_intervals_for_exactly_these_prompts_hold_for_them():
    held = []
    for seed in range(600):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=60)
        truth = x + 0.5 * rng.normal(size=60)
        ratings = truth[:, None] + rng.normal(size=(60, 2))
        ratings[30:] = NAN
        found = mean(ratings, x, estimand="exactly these prompts")
        held.append(found.low <= truth.mean() <= found.high)
    assert 0.925 <= np.mean(held) <= 0.98


@pytest.mark.slow
def test_unequal_probabilities_are_undone():
    held, naive = [], []
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=300)
        y = x + rng.normal(size=300)
        chance = np.where(x > 0, 0.25, 0.1)
        rated = np.where(rng.random(300) < chance, y, NAN)
        found = mean(rated, x, design=Design(probabilities=chance))
        held.append(found.low <= 0 <= found.high)
        naive.append(covered([mean(rated)], 0))
    assert 0.93 <= np.mean(held) <= 0.975
    assert np.mean(naive) < 0.85


def test_the_raters_part_adds_its_squared_half_width_by_hand():
    y, _ = study(n=30)
    own = mean(y)
    found = own.also_of(0.04, 4, "other raters")
    half = np.hypot(own.high - own.value, stats.t.ppf(0.975, 4) * 0.2)
    assert found.high - found.value == pytest.approx(half)
    assert found.error**2 == pytest.approx(own.error**2 + 0.04)
    assert 4 < found.df < 29
    assert found.p_value(found.high) == pytest.approx(0.05)
    same = own.also_of(0.0, 4, "other raters")
    assert (same.low, same.df) == (pytest.approx(own.low), own.df)


def test_the_readme_s_examples_run_and_say_what_the_text_says():
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    section = readme.split("## Ratings and scores together")[1]
    [code] = re.findall(r"```python\n(.*?)```", section.split("\n## ")[0], re.DOTALL)
    rng, named = np.random.default_rng(0), {}
    for prefix, rated in (("", 40), ("earlier_", 200)):
        for side in "ab":
            truth = rng.normal(size=200)
            named[f"{prefix}bleu_{side}"] = 10 * truth + rng.normal(0, 6, 200)
            named[f"{prefix}chrf_{side}"] = 10 * truth + rng.normal(0, 6, 200)
            given = np.where(np.arange(200) < rated, 3 + truth, NAN)
            named[prefix + (side if prefix else f"human_{side}")] = given
    exec(code, named)  # noqa: S102 - our own README
    found, several, known = (named[name] for name in ("found", "several", "known"))
    assert found.method == several.method == known.method == "regression"
    assert several.saved > found.saved > 0
    # Given slopes cost no degree of freedom.
    assert known.df == found.df + 1 == 39


def test_prompts_known_to_be_equal_join_the_others_by_hand():
    y = np.array([1.0, 2, 0, 3, 1, 2])
    alone = mean(y, scale=(-4, 4))
    found = alone.with_equal(4, 6, 0.0)
    value, share = y.mean(), 6 / 10
    variance = share**2 * y.var(ddof=1) / 6 + value**2 * share * (1 - share) / 10
    half = stats.t.ppf(0.975, 5) * np.sqrt(variance)
    assert found.value == pytest.approx(share * value)
    assert (found.low, found.high) == pytest.approx(
        (share * value - half, share * value + half)
    )
    assert "same for 4 of 10 prompts" in found.why
    assert alone.with_equal(0, 6, 0.0) == alone


@pytest.mark.parametrize("null", [0.0, 0.5])
def test_with_equal_prompts_an_interval_holds_the_mean_of_all_prompts(null):
    rng = np.random.default_rng(7)
    held, trials = 0, 800
    for _ in range(trials):
        others = int(rng.binomial(60, 0.6))
        y = rng.normal(null + 0.8, 1, others)
        y[25:] = NAN
        found = mean(y).with_equal(60 - others, others, null)
        held += found.low <= null + 0.6 * 0.8 <= found.high
    assert 0.93 < held / trials < 0.975
