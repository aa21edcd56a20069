"""Sample sizes: by hand, against published and independent figures, by simulation."""

import numpy as np
import pytest

from harness.errors import UsageError
from harness.stats.combine import paired_difference, win_rate
from harness.stats.components import Differences, components
from harness.stats.planning import (
    Goal,
    Spread,
    detectable,
    power,
    prompts_needed,
    variance,
)
from harness.stats.typical import typical_comparisons, typical_ratings

LIKE_THESE, EXACTLY_THESE = "prompts like these", "exactly these prompts"
TAU, NOISE = 0.65, 0.57
WEBNLG = Spread(TAU**2, 2 * NOISE**2)
ALONE = Spread(1.0, 0.0)


# statsmodels 0.14, TTestPower: solve_power and power, alpha .05, two-sided
SIZES = [
    (0.2, 0.5, 97.958235),
    (0.2, 0.8, 198.150821),
    (0.2, 0.9, 264.613685),
    (0.35, 0.8, 66.018819),
    (0.5, 0.8, 33.367131),
    (0.5, 0.9, 43.995480),
    (0.8, 0.8, 14.302765),
    (1.2, 0.8, 7.587724),
]
POWERS = [
    (0.1, 5, 0.053555438),
    (0.1, 20, 0.070941157),
    (0.3, 20, 0.247089089),
    (0.3, 100, 0.843947103),
    (0.6, 20, 0.721005099),
    (0.6, 100, 0.999965689),
]


@pytest.mark.parametrize(("effect", "wanted", "exact"), SIZES)
def test_sizes_are_those_of_statsmodels(effect, wanted, exact):
    assert prompts_needed(ALONE, Goal(effect, wanted), 1) == np.ceil(exact)


@pytest.mark.parametrize(("effect", "n", "expected"), POWERS)
def test_power_is_that_of_statsmodels(effect, n, expected):
    assert power(ALONE, Goal(effect), n, 1) == pytest.approx(expected, abs=1e-8)


def test_sizes_are_the_measured_ones_of_webnlg_but_for_the_quantiles_of_t():
    # Computed with normal quantiles from tau^2 .4281 and s_r .5733; t adds about two.
    spread = Spread(0.4281, 2 * 0.5733**2)
    for detect, measured in ((0.2, (213, 149, 127, 110)), (0.3, (95, 66, 57, 49))):
        sizes = [prompts_needed(spread, Goal(detect), k) for k in (1, 2, 3, 5)]
        assert all(0 < n - m <= 3 for n, m in zip(sizes, measured, strict=True))


def test_variances_by_hand():
    spread = Spread(item=4.0, noise=6.0, explained=1.0)
    alone = Spread(item=4.0, noise=6.0)
    these = Goal(1, estimand=EXACTLY_THESE, total=40)
    like = Goal(1, total=40)
    assert variance(alone, like, 10, 2) == pytest.approx((4 + 3) / 10)
    # A quarter is rated: (V - E) c / n + E / N_t with c = 1 + .75 / 7.
    assert variance(spread, like, 10, 2) == pytest.approx(
        6 / 10 * (1 + 0.75 / 7) + 1 / 40
    )
    assert variance(alone, these, 10, 2) == pytest.approx((4 * 0.75 + 3) / 10)
    assert variance(alone, these, 40, 2) == pytest.approx(3 / 40)


def test_one_rater_of_more_prompts_beats_several_at_a_given_number_of_ratings():
    for raters in (2, 3, 5):
        few = power(WEBNLG, Goal(0.3), 120 // raters, raters)
        assert power(WEBNLG, Goal(0.3), 120, 1) > few


def test_fifty_prompts_of_one_rater_detect_about_four_tenths():
    found = detectable(WEBNLG, Goal(1.0), 50, 1)
    assert found == pytest.approx(0.42, abs=0.005)
    assert power(WEBNLG, Goal(found), 50, 1) == pytest.approx(0.8)


def test_a_metric_lowers_the_number_only_as_far_as_there_are_unrated_prompts():
    helped = Spread(TAU**2, 2 * NOISE**2, explained=0.3)
    many, few = (
        prompts_needed(helped, Goal(0.3, total=total), 1) for total in (None, 60)
    )
    assert many < 75 < few == prompts_needed(WEBNLG, Goal(0.3), 1)


def test_a_metric_that_is_worth_less_than_its_slope_costs_is_not_used():
    weak = Spread(TAU**2, 2 * NOISE**2, explained=0.005)
    n = np.array([5, 11, 20, 50])
    assert power(weak, Goal(0.3), n, 1) == pytest.approx(power(WEBNLG, Goal(0.3), n, 1))


def test_a_small_held_out_set_never_reaches_the_power_with_too_few_raters():
    these = Goal(0.2, estimand=EXACTLY_THESE, total=60)
    found = [prompts_needed(WEBNLG, these, k) for k in (1, 2, 3, 5)]
    assert found[:2] == [None, None]
    assert 0 < found[3] < found[2] <= 60
    assert power(WEBNLG, these, 60, 2) < 0.8


def test_a_tiny_difference_beyond_all_bounds_is_never_found():
    assert prompts_needed(ALONE, Goal(1e-5), 1) is None
    assert prompts_needed(ALONE, Goal(1e-3), 1) > 7e6


@pytest.mark.parametrize("effect", [3.0, 20.0, 500.0])
def test_a_huge_difference_needs_few_prompts(effect):
    assert 2 <= prompts_needed(ALONE, Goal(effect), 1) <= 4


@pytest.mark.parametrize(
    ("goal", "told"),
    [
        ({"detect": 0}, "above 0"),
        ({"detect": -1}, "above 0"),
        ({"detect": float("nan")}, "above 0"),
        ({"detect": float("inf")}, "above 0"),
        ({"detect": 1, "power": 1}, "between"),
        ({"detect": 1, "power": 0}, "between"),
        ({"detect": 1, "estimand": "these"}, "estimand"),
        ({"detect": 1, "estimand": EXACTLY_THESE}, "how many"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_goals_that_cannot_be_planned_are_refused(goal, told):
    with pytest.raises(UsageError, match=told):
        Goal(**goal)


def test_typical_ratings_are_webnlg_s_on_another_scale():
    found = typical_ratings(2.0, points=True)
    assert found.spread().item == pytest.approx(0.65**2)
    assert found.spread().noise == pytest.approx(2 * 0.57**2)
    assert typical_ratings(4.0, points=True).spread().item == pytest.approx(1.3**2)
    low, high = typical_ratings(100.0, points=False).range_of(1)
    assert low < 1 < high


def test_a_win_rate_of_six_in_ten_takes_about_two_hundred_comparisons():
    # Of a fair coin: (1.96 + 0.84)^2 .25 / .01 = 196.
    found = prompts_needed(typical_comparisons().spread(), Goal(0.1), 1)
    assert 196 <= found <= 200


# What is promised, by simulation

DRAWS = 2000


def campaign(rng, n, raters, *, total=None, r2=0.0, fixed=False):
    """Ratings of A and B on the first n of `total` prompts, and B's scores."""
    total = total or n
    x = rng.normal(size=total)
    true = TAU * (np.sqrt(r2) * x + np.sqrt(1 - r2) * rng.normal(size=total))
    if fixed:
        true -= true.mean()
    prompt = rng.normal(size=(total, 1))
    severity = rng.normal(0, 0.4, raters)
    a, b = (prompt + severity + rng.normal(0, NOISE, (total, raters)) for _ in "ab")
    b += 0.3 + true[:, None]
    a[n:], b[n:] = np.nan, np.nan
    return a, b, x


def reached(plan, *, estimand=LIKE_THESE, seed=0, metric=False):
    """How often the interval is above or below 0."""
    rng = np.random.default_rng(seed)
    hits = 0
    for _ in range(DRAWS):
        a, b, x = plan(rng)
        scores = (np.zeros_like(x), x) if metric else (None, None)
        found = paired_difference(a, b, *scores, estimand=estimand)
        hits += found.low > 0 or found.high < 0
    return hits / DRAWS


@pytest.mark.slow
@pytest.mark.parametrize("raters", [1, 3])
def test_campaigns_of_the_planned_size_reach_the_power(raters):
    n = prompts_needed(WEBNLG, Goal(0.3), raters)
    found = reached(lambda rng: campaign(rng, n, raters))
    assert found == pytest.approx(0.8, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("total", [150, 600])
def test_campaigns_that_a_metric_helps_reach_the_power(total):
    spread = Spread(TAU**2, 2 * NOISE**2, 0.6 * TAU**2)
    n = prompts_needed(spread, Goal(0.3, total=total), 2)
    assert n < prompts_needed(WEBNLG, Goal(0.3), 2)
    found = reached(lambda rng: campaign(rng, n, 2, total=total, r2=0.6), metric=True)
    assert found == pytest.approx(0.8, abs=0.03)


@pytest.mark.slow
def test_campaigns_about_exactly_these_prompts_reach_the_power():
    these = Goal(0.3, estimand=EXACTLY_THESE, total=80)
    n = prompts_needed(WEBNLG, these, 2)
    assert n < 60
    found = reached(
        lambda rng: permuted(rng, campaign(rng, 80, 2, fixed=True), n),
        estimand=EXACTLY_THESE,
    )
    assert found == pytest.approx(0.8, abs=0.03)


def permuted(rng, made, n):
    """Only n prompts, drawn at random, remain rated."""
    a, b, x = made
    left_out = rng.permutation(len(x))[n:]
    a[left_out], b[left_out] = np.nan, np.nan
    return a, b, x


@pytest.mark.slow
@pytest.mark.parametrize(("pilot", "low"), [(20, 0.75), (50, 0.775)])
def test_plans_made_from_a_pilot_reach_nearly_the_power_on_average(pilot, low):
    rng = np.random.default_rng(pilot)
    texts, none = np.arange(2)[:, None] * np.ones(pilot, int), np.empty((0, 2, pilot))
    found = []
    for _ in range(1000):
        a, b, _ = campaign(rng, pilot, 2)
        seen = components(Differences.of_ratings(np.stack([a, b]), texts, none))
        n = prompts_needed(seen.spread(), Goal(0.3), 1)
        found.append(float(power(WEBNLG, Goal(0.3), n, 1)))
    assert low < np.mean(found) < 0.805


def comparisons(rng, n, raters):
    """How far each rater prefers B, which is better by 0.35 on the latent scale."""
    gap = 0.35 + rng.normal(size=(n, 1)) + rng.normal(0, 0.7, (n, raters))
    return np.where(np.abs(gap) < 0.3, 0.5, (gap > 0) * 1.0)


@pytest.fixture(scope="module")
def compared():
    """What varies in them, and how often B wins, from very many."""
    both = comparisons(np.random.default_rng(0), 400_000, 2)
    item = float(np.cov(both.T)[0, 1])
    return Spread(item, float(both.var(axis=0).mean()) - item), float(both.mean())


@pytest.mark.slow
@pytest.mark.parametrize("raters", [1, 3])
def test_comparisons_of_the_planned_number_find_the_win_rate(compared, raters):
    spread, rate = compared
    n = prompts_needed(spread, Goal(rate - 0.5), raters)
    rng = np.random.default_rng(raters)
    found = [win_rate(comparisons(rng, n, raters)) for _ in range(DRAWS)]
    hits = [one.low > 0.5 or one.high < 0.5 for one in found]
    assert np.mean(hits) == pytest.approx(0.8, abs=0.03)


@pytest.mark.slow
def test_plans_of_win_rates_from_a_pilot_reach_the_power_on_average(compared):
    spread, rate = compared
    goal, rng, found = Goal(rate - 0.5), np.random.default_rng(5), []
    for _ in range(500):
        seen = comparisons(rng, 20, 2)[None]
        equal, none = np.zeros((1, 20), bool), np.empty((0, 1, 20))
        made = components(Differences.of_outcomes(seen, equal, none))
        n = prompts_needed(made.spread(), goal, 1)
        found.append(float(power(spread, goal, n, 1)))
    assert np.mean(found) == pytest.approx(0.8, abs=0.02)
    assert np.quantile(found, 0.1) > 0.68
