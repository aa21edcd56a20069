"""Win rates, Bradley-Terry, Davidson: by hand, by an optimiser, by simulation."""

import numpy as np
import pytest
from scipy.optimize import minimize

from harness.errors import UsageError
from harness.stats.preference import position_bias, preferences

TRUTH = np.array([0.9, 0.2, -0.3, -0.8])


def simulated(rng, prompts=150, truth=TRUTH, tie=-0.5):
    """Every pair at every prompt; columns outcomes, first, second, prompts."""
    rows = []
    for prompt in range(prompts):
        for i in range(len(truth)):
            for j in range(i + 1, len(truth)):
                a, b = (i, j) if rng.random() < 0.5 else (j, i)
                odds = np.exp([truth[a], truth[b], tie + (truth[a] + truth[b]) / 2])
                kind = rng.choice(3, p=odds / odds.sum())
                rows.append(((1, 0, 0.5)[kind], a, b, prompt))
    return tuple(np.array(rows).T)


def by_the_likelihood(columns, systems):
    """The posterior's maximum by a general optimiser."""
    outcome, first, second, _ = columns
    a, b = first.astype(int), second.astype(int)

    def minus(parameters):
        s, tie = parameters[:-1], parameters[-1]
        won, lost, tied = s[a], s[b], tie + (s[a] + s[b]) / 2
        norm = np.logaddexp(np.logaddexp(won, lost), tied)
        chosen = np.where(outcome == 1, won, np.where(outcome == 0, lost, tied))
        return (norm - chosen).sum() + (parameters**2).sum() / (2 * 3.0**2)

    found = minimize(minus, np.zeros(systems + 1), method="BFGS", tol=1e-10).x
    return found[:-1] - found[:-1].mean()


def values(estimates):
    return [estimate.value for estimate in estimates]


def test_win_rates_by_hand():
    # 0 beats 1 twice, loses once, ties once; 2 is beaten by 0 once.
    got = preferences(
        [1, 0, 0, 0.5, 0], [0, 1, 0, 0, 2], [1, 0, 1, 1, 0], range(5), systems=3
    )
    assert got.against[0][1].value == pytest.approx(2.5 / 4)
    assert got.against[1][0].value == pytest.approx(1.5 / 4)
    assert values(got.win_rate) == pytest.approx([3.5 / 5, 1.5 / 4, 0])
    assert [one.n for one in got.win_rate] == [5, 4, 1]
    assert got.ties.value == pytest.approx(1 / 5)
    assert "never compared" in got.against[1][2].method


def test_strengths_are_the_maximum_of_the_likelihood():
    columns = simulated(np.random.default_rng(1), prompts=30)
    got = preferences(*columns, systems=4, draws=20)
    assert values(got.strength) == pytest.approx(
        by_the_likelihood(columns, 4), abs=1e-4
    )


def test_strengths_of_many_are_the_maximum_of_the_likelihood_too():
    rng = np.random.default_rng(8)
    truth = rng.normal(size=15)
    columns = simulated(rng, prompts=2, truth=truth)
    got = preferences(*columns, systems=15, draws=1000)
    best = by_the_likelihood(columns, 15)
    assert values(got.strength) == pytest.approx(best, abs=1e-4)
    assert (
        "1000 draws"
        in preferences(*simulated(rng, prompts=5, truth=truth), systems=15)
        .strength[0]
        .method
    )


def test_of_two_without_ties_the_strength_is_the_log_odds():
    outcomes = np.repeat([1, 0], [300, 100])
    got = preferences(outcomes, np.zeros(400), np.ones(400), range(400), systems=2)
    one, two = values(got.strength)
    # The prior takes off about a hundredth.
    assert one - two == pytest.approx(np.log(3), abs=0.02)
    assert "Davidson" not in got.strength[0].method


def test_strengths_come_back_from_simulated_choices():
    got = preferences(*simulated(np.random.default_rng(2), 1500), systems=4, draws=100)
    assert values(got.strength) == pytest.approx(TRUTH - TRUTH.mean(), abs=0.12)


def test_which_side_stands_first_makes_no_difference():
    outcome, first, second, prompts = simulated(np.random.default_rng(3), 20)
    one = preferences(outcome, first, second, prompts, systems=4)
    two = preferences(1 - outcome, second, first, prompts, systems=4)
    assert values(one.strength) == pytest.approx(values(two.strength))
    assert values(one.win_rate) == values(two.win_rate)


def test_who_won_everything_has_a_finite_strength():
    got = preferences([1, 1, 1], [0, 0, 0], [1, 1, 1], range(3), systems=2)
    assert 0.5 < got.strength[0].value < 5


def test_the_lead_is_the_difference_of_the_two_strongest():
    columns = simulated(np.random.default_rng(8), 40)
    got = preferences(*columns, systems=4, draws=200)
    second, best = sorted(values(got.strength))[-2:]
    assert got.lead.value == pytest.approx(best - second)
    assert got.lead.low < got.lead.value < got.lead.high
    # Each of the two met each of three others once a prompt, and they each other.
    assert got.lead.n == 40 * 5


def test_groups_that_were_never_compared_have_no_common_scale():
    got = preferences([1, 1], [0, 2], [1, 3], [0, 1], systems=4)
    assert {one.value for one in got.strength} == {None}
    assert "not all were compared" in got.strength[0].method
    assert got.lead.value is None
    assert got.win_rate[0].value == 1


def test_nothing_compared_is_undefined_everywhere():
    got = preferences([], [], [], [], systems=2)
    assert got.win_rate[0].value is None
    assert got.strength[0].value is None
    assert got.ties.value is None


@pytest.mark.parametrize(
    "columns",
    [
        ([2], [0], [1], [0]),
        ([1], [0], [0], [0]),
        ([1], [0], [5], [0]),
        ([1], [0], [1], []),
    ],
    ids=["outcome", "against itself", "unknown side", "lengths"],
)
def test_columns_that_do_not_fit_are_refused(columns):
    with pytest.raises(UsageError):
        preferences(*columns, systems=2)


def test_repeating_a_prompts_raters_does_not_narrow_the_interval():
    columns = simulated(np.random.default_rng(4), 40)
    once = preferences(*columns, systems=4, seed=1).win_rate[0]
    tenfold = preferences(
        *(np.tile(c, 10) for c in columns), systems=4, seed=1
    ).win_rate[0]
    assert (tenfold.low, tenfold.high) == pytest.approx((once.low, once.high))


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(5)
    held = 0
    for seed in range(150):
        got = preferences(*simulated(rng, 60), systems=4, draws=200, seed=seed)
        held += got.strength[0].low <= TRUTH[0] - TRUTH.mean() <= got.strength[0].high
    assert 0.88 <= held / 150 <= 0.99


def test_who_prefers_the_left_is_told_from_who_does_not():
    rng = np.random.default_rng(6)
    fair, left = rng.random(400) < 0.5, rng.random(400) < 0.7
    assert (
        position_bias(fair, range(400)).low < 0.5 < position_bias(fair, range(400)).high
    )
    assert position_bias(left, range(400)).low > 0.5
