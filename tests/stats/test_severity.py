"""Severity and noise of raters: by hand, by brute force, by simulation."""

import numpy as np
import pytest
from scipy.optimize import minimize

from harness.errors import UsageError
from harness.stats.combine import mean, paired_difference
from harness.stats.crossed import (
    LEAST_RATERS,
    Ratings,
    shares_of_raters,
    variance_of_raters,
)
from harness.stats.severity import severities

NONE = np.nan


def simulated(rng, units=200, raters=12, each=3, severity=8.0, noise=15.0):
    """Each unit has `each` raters of `raters`; gives ratings and true severities."""
    truth = rng.normal(0, severity, raters)
    ratings = np.full((units, raters), NONE)
    for unit in range(units):
        chosen = rng.choice(raters, each, replace=False)
        quality = rng.normal(50, 20)
        ratings[unit, chosen] = quality + truth[chosen] + rng.normal(0, noise, each)
    return ratings, truth - truth.mean()


def by_brute_force(ratings):
    """REML of the whole covariance matrix, with a parameter for each unit."""
    unit, rater = np.nonzero(~np.isnan(ratings))
    y = ratings[unit, rater]
    fixed = (unit[:, None] == np.unique(unit)).astype(float)
    random = (rater[:, None] == np.arange(ratings.shape[1])).astype(float)

    def minus_twice(logs):
        between, within = np.exp(logs)
        cover = between * random @ random.T + within * np.eye(len(y))
        inverse = np.linalg.inv(cover)
        seen = fixed.T @ inverse @ fixed
        rest = y - fixed @ np.linalg.solve(seen, fixed.T @ inverse @ y)
        return (
            np.linalg.slogdet(cover)[1]
            + np.linalg.slogdet(seen)[1]
            + rest @ inverse @ rest
        )

    found = minimize(minus_twice, [2.0, 2.0], method="Nelder-Mead", tol=1e-9)
    between, within = np.exp(found.x)
    inverse = np.linalg.inv(between * random @ random.T + within * np.eye(len(y)))
    seen = fixed.T @ inverse @ fixed
    rest = y - fixed @ np.linalg.solve(seen, fixed.T @ inverse @ y)
    return between * random.T @ inverse @ rest, np.sqrt(between), np.sqrt(within)


def test_the_same_as_maximising_the_whole_likelihood():
    rng = np.random.default_rng(1)
    ratings, _ = simulated(rng, units=40, raters=6, each=2, severity=10, noise=5)
    effects, severity_sd, noise_sd = by_brute_force(ratings)
    got = severities(ratings)
    assert got.severity_sd == pytest.approx(severity_sd, rel=1e-3)
    assert got.noise_sd == pytest.approx(noise_sd, rel=1e-3)
    assert got.of_rater == pytest.approx(effects, abs=1e-2)


def test_two_raters_a_constant_apart_are_half_of_it_from_their_mean():
    quality = np.arange(50.0)
    got = severities(np.column_stack([quality + 3, quality - 3]))
    assert got.of_rater == pytest.approx([3, -3], abs=1e-2)
    assert got.noise_sd == pytest.approx(0, abs=1e-1)
    assert got.adjusted == pytest.approx(np.column_stack([quality, quality]), abs=1e-2)


def test_severity_and_noise_come_back_from_simulated_raters():
    rng = np.random.default_rng(2)
    found = [severities(simulated(rng)[0]) for _ in range(40)]
    assert np.mean([one.severity_sd for one in found]) == pytest.approx(8, rel=0.1)
    assert np.mean([one.noise_sd for one in found]) == pytest.approx(15, rel=0.03)
    ratings, truth = simulated(rng, units=2000)
    assert severities(ratings).of_rater == pytest.approx(truth, abs=2.5)


def test_few_ratings_shrink_a_severity_towards_nothing():
    rng = np.random.default_rng(3)
    ratings, _ = simulated(rng, units=300, raters=10)
    harsh = np.full((300, 1), NONE)
    harsh[0] = np.nanmean(ratings[0]) - 40
    got = severities(np.hstack([ratings, harsh]))
    assert -25 < got.of_rater[-1] < -1


def test_raters_who_do_not_differ_have_no_severity():
    rng = np.random.default_rng(4)
    found = [severities(simulated(rng, severity=0)[0]) for _ in range(20)]
    assert np.median([one.severity_sd for one in found]) < 1.5


def test_a_careless_rater_is_the_noisiest():
    rng = np.random.default_rng(5)
    ratings, _ = simulated(rng, raters=8, noise=8)
    given = ~np.isnan(ratings[:, 0])
    ratings[given, 0] = rng.uniform(0, 100, given.sum())
    assert np.argmax(severities(ratings).noise_of_rater) == 0


def test_adjusting_brings_outputs_closer_to_their_truth():
    rng = np.random.default_rng(6)
    quality = rng.normal(50, 10, 300)
    truth = rng.normal(0, 15, 10)
    ratings = np.full((300, 10), NONE)
    for unit in range(300):
        chosen = rng.choice(10, 2, replace=False)
        ratings[unit, chosen] = quality[unit] + truth[chosen] + rng.normal(0, 5, 2)
    raw = np.nanmean(ratings, axis=1)
    adjusted = np.nanmean(severities(ratings).adjusted, axis=1)
    error_of = [np.var(one - quality) for one in (raw, adjusted)]
    assert error_of[1] < error_of[0] / 3


def test_raters_who_share_no_unit_are_left_as_they_are():
    ratings = np.array([[1.0, 2, NONE]] * 5 + [[2.0, 4, NONE]] * 5 + [[NONE, NONE, 3]])
    got = severities(ratings)
    assert np.isnan(got.of_rater[2])
    assert got.adjusted[-1, 2] == 3


@pytest.mark.parametrize(
    "ratings",
    [[[1.0], [2.0]], [[1, NONE], [NONE, 2]], [[1, 2]]],
    ids=["one rater", "no shared unit", "one unit"],
)
def test_where_severity_cannot_be_told_from_noise_there_is_none(ratings):
    assert severities(np.array(ratings, dtype=float)) is None


def test_another_shape_is_refused():
    with pytest.raises(UsageError, match="shape"):
        severities(np.ones(3))


def test_what_severities_are_off_by_is_the_mixed_models_prediction_error():
    ratings, _ = simulated(np.random.default_rng(4), units=40, raters=6, each=2)
    got = severities(ratings)
    unit, rater = np.nonzero(~np.isnan(ratings))
    fixed = (unit[:, None] == np.arange(40)).astype(float)
    random = (rater[:, None] == np.arange(6)).astype(float)
    within = np.eye(len(unit)) - fixed @ np.linalg.pinv(fixed)
    # The random block of the inverse of Henderson's equations.
    information = random.T @ within @ random / got.noise_sd**2
    expected = np.linalg.inv(information + np.eye(6) / got.severity_sd**2)
    assert got.error == pytest.approx(expected)
    # All raters together: nothing tells their mean severity from the units'.
    variance, freedom = got.variance(np.full(6, 1 / 6))
    assert variance == pytest.approx(got.severity_sd**2 / 6)
    assert freedom == 5
    alone = severities(ratings[:, :4])
    assert alone.variance(np.full(4, 0.25))[0] == pytest.approx(0, abs=1e-9)


def test_shares_of_raters_are_what_each_is_of_a_mean_or_a_difference():
    table = np.full((3, 2, 2), NONE)
    table[0], table[1, 0], table[2, 1, 0] = 1.0, 2.0, 3.0
    first, other = (Ratings.of_table(table).of_system(number) for number in (0, 1))
    number, share = shares_of_raters(first)
    assert (number.tolist(), share.tolist()) == ([0, 1], [0.5, 0.5])
    number, share = shares_of_raters(other, first)
    # Of the other, rater 0 alone judged the second item: 3/4 against 1/4.
    assert number.tolist() == [0, 1, 2]
    assert share == pytest.approx([0.25, -0.5, 0.25])


def adjusted_intervals(rng, raters, *, known):
    """Of a checkpoint's mean and lead, each with its truth; mixes of raters differ."""
    quality, severity = np.array([0, 0.2, 0.5]), rng.normal(0, 1, raters)
    table, item = np.full((raters, 3, 30), NONE), rng.normal(0, 0.6, 30)
    for system in range(3):
        chance = np.exp(1.2 * np.cos(np.arange(raters) - system * raters / 3))
        for place in range(30):
            own = quality[system] + item[place] + rng.normal(0, 0.5)
            for rater in rng.choice(raters, 2, replace=False, p=chance / chance.sum()):
                table[rater, system, place] = own + severity[rater] + rng.normal(0, 0.7)
    fit = severities(table.reshape(raters, -1).T)
    less = fit.adjusted.T.reshape(table.shape)
    first, last = (Ratings.of_table(less).of_system(number) for number in (0, 2))
    human = less.transpose(1, 2, 0)
    found = []
    for made, systems in (
        (mean(human[2]), (last,)),
        (paired_difference(human[0], human[2]), (last, first)),
    ):
        shares = np.zeros(raters)
        number, share = shares_of_raters(*systems)
        shares[number] = share
        one = made if known else made.also_of(*fit.variance(shares), "severities")
        if raters >= LEAST_RATERS:
            variance, many = variance_of_raters(*systems)
            one = one.also_of(variance, many - 1, "other raters")
        found.append(one)
    here = severity.mean() if raters < LEAST_RATERS else 0.0
    return (found[0], 0.5 + here), (found[1], 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("raters", [3, 6, 12])
def test_adjusted_means_and_leads_hold_the_truth_in_nine_of_ten_cases(raters):
    def covered(*, known):
        rng = np.random.default_rng(6)
        found = [adjusted_intervals(rng, raters, known=known) for _ in range(400)]
        return np.mean([[e.low <= t <= e.high for e, t in one] for one in found], 0)

    assert (covered(known=False) >= 0.89).all()
    assert (covered(known=False) <= 0.99).all()
    if raters >= LEAST_RATERS:
        # Of the mean, severities taken as known hold it far less often.
        assert covered(known=True)[0] < 0.75
