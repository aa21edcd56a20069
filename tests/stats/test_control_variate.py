"""The regression estimator: by hand, and against the formulas written another way."""

import numpy as np
import pytest
from scipy import stats

from harness.stats.control_variate import (
    Rated,
    fit,
    least_gain,
    metric_helps,
    normal_scores,
    r_squared,
)


def sample(seed=0, n=20, total=120):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=total)
    y = 2 + x[:n] + rng.normal(size=n) * (1 + np.abs(x[:n]))
    every = np.column_stack([np.ones(total), x])
    return y, every[:n], every, np.full(n, n / total)


def test_without_metric_it_is_the_mean_and_its_textbook_variance():
    y, columns, every, chance = sample()
    found = fit(Rated(y, columns[:, :1], every[:, :1], chance), power=1)
    assert found.value == pytest.approx(y.mean())
    assert found.like_these == pytest.approx(y.var(ddof=1) / len(y))
    assert found.df == len(y) - 1


def test_exactly_these_prompts_have_the_finite_population_correction_and_noise():
    y, columns, every, chance = sample()
    found = fit(Rated(y, columns[:, :1], every[:, :1], chance, 0.3), power=1)
    expected = (1 - 20 / 120) * y.var(ddof=1) / 20 + 0.3 / 120
    assert found.exactly_these == pytest.approx(expected)


def test_one_metric_by_hand():
    # y = 0, 1, 2, 5 on x = -1, 0, 1, 2: slope 1.6, intercept 1.2; all x average 1.
    every = np.array([[1, x] for x in (-1, 0, 1, 2, 3, 1)], dtype=float)
    rated = Rated(np.array([0.0, 1, 2, 5]), every[:4], every, np.full(4, 4 / 6))
    found = fit(rated, power=2)
    assert found.value == pytest.approx(1.2 + 1.6)
    assert found.slopes == pytest.approx([1.2, 1.6])


def test_variance_is_hc3_at_the_mean_of_all_scores():
    y, a, every, chance = sample()
    found = fit(Rated(y, a, every, chance), power=2)
    inverse = np.linalg.inv(a.T @ a)
    slopes = inverse @ a.T @ y
    hat = np.diag(a @ inverse @ a.T)
    meat = a.T @ np.diag((y - a @ slopes) ** 2 / (1 - hat) ** 2) @ a
    at = every.mean(axis=0)
    hc3 = at @ inverse @ meat @ inverse @ at
    others = slopes[1] ** 2 * every[:, 1].var(ddof=1) / len(every)
    assert found.value == pytest.approx(at @ slopes)
    assert found.like_these == pytest.approx(hc3 + others)


def test_slopes_and_r2_are_those_of_scipy():
    y, a, every, chance = sample(3)
    expected = stats.linregress(a[:, 1], y)
    base = fit(Rated(y, a[:, :1], every[:, :1], chance), power=1)
    found = fit(Rated(y, a, every, chance), power=2)
    assert found.slopes[1] == pytest.approx(expected.slope)
    assert r_squared(base, found) == pytest.approx(expected.rvalue**2)


def test_strata_are_columns_and_give_the_stratified_mean_and_variance():
    rng = np.random.default_rng(2)
    stratum = np.repeat([0, 1], [30, 70])
    every = np.column_stack([np.ones(100), stratum])
    rated = np.r_[0:10, 30:40]
    y = rng.normal(size=20) + 3 * stratum[rated]
    chance = np.where(stratum[rated] == 0, 10 / 30, 10 / 70)
    found = fit(Rated(y, every[rated], every, chance), power=1)
    low, high = y[:10], y[10:]
    within = 0.3**2 * low.var(ddof=1) / 10 + 0.7**2 * high.var(ddof=1) / 10
    between = (high.mean() - low.mean()) ** 2 * stratum.var(ddof=1) / 100
    assert found.value == pytest.approx(0.3 * low.mean() + 0.7 * high.mean())
    assert found.like_these == pytest.approx(within + between)
    fixed = 0.3**2 * (20 / 30) * low.var(ddof=1) / 10
    fixed += 0.7**2 * (60 / 70) * high.var(ddof=1) / 10
    assert found.exactly_these == pytest.approx(fixed)


def test_unequal_probabilities_give_the_hajek_mean():
    y = np.array([1.0, 2, 4])
    chance = np.array([0.5, 0.25, 0.25])
    ones = np.ones((10, 1))
    found = fit(Rated(y, ones[:3], ones, chance), power=1)
    assert found.value == pytest.approx((2 * 1 + 4 * 2 + 4 * 4) / 10)
    assert found.df == pytest.approx(100 / 36 - 1)


def test_a_given_prediction_makes_the_plain_difference_estimator():
    y, a, every, chance = sample(5)
    said, of_all = 0.8 * a[:, 1], 0.8 * every[:, 1]
    rated = Rated(y, a[:, :1], every[:, :1], chance, 0.0, said, of_all)
    found = fit(rated, power=1)
    left = y - said
    expected = left.var(ddof=1) / 20 + of_all.var(ddof=1) / 120
    expected += 2 * np.cov(left, said, ddof=0)[0, 1] / 120
    assert found.value == pytest.approx(left.mean() + of_all.mean())
    assert found.like_these == pytest.approx(expected)


def test_parts_of_the_error_add_up_to_the_variance():
    y, a, every, chance = sample(6)
    found = fit(Rated(y, a, every, chance), power=2)
    parts = (found.influence**2).sum() + (found.predicted**2).sum() / 120 / 119
    assert parts == pytest.approx(found.like_these)


def test_leading_axes_share_nothing():
    y, a, every, chance = sample(7)
    other = Rated(y[::-1], a, every, chance)
    both = Rated(
        np.stack([y, other.y]), *(np.stack([one] * 2) for one in (a, every, chance))
    )
    found = fit(both, power=2)
    assert found.like_these[1] == pytest.approx(fit(other, power=2).like_these)


def test_a_constant_metric_explains_nothing():
    y, a, every, chance = sample()
    still = Rated(y, a * [1, 0], every * [1, 0], chance)
    base = fit(Rated(y, a[:, :1], every[:, :1], chance), power=1)
    assert r_squared(base, fit(still, power=2)) == pytest.approx(0)


def test_normal_scores_forget_the_scale_and_keep_the_order():
    x = np.random.default_rng(0).normal(size=50)
    found = normal_scores(x)
    assert normal_scores(np.exp(5 * x)) == pytest.approx(found)
    assert normal_scores(-x) == pytest.approx(-found)
    assert (found.mean(), found.std()) == pytest.approx((0, 1))
    assert (np.argsort(found) == np.argsort(x)).all()


def test_equal_scores_stay_equal_and_a_constant_is_nothing():
    assert len(set(normal_scores(np.array([1.0, 1, 2, 3]))[:2])) == 1
    assert normal_scores(np.full(5, 7.0)).tolist() == [0] * 5


@pytest.mark.parametrize(
    ("r2", "n", "total", "helps"),
    [
        *((0.9, 11, 200, False), (0.41, 12, 24, True), (0.39, 12, 24, False)),
        *((0.03, 100, 1000, True), (0.9, 50, 50, False), (0.9, 50, 51, False)),
    ],
)
def test_the_rule_asks_what_a_metric_is_worth(r2, n, total, helps):
    assert metric_helps(np.asarray(r2), n, total) == helps
    assert least_gain(12) == pytest.approx(0.2)
