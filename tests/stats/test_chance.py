"""AC1, AC2 and the kappas: by hand, by loops, by simulation."""

from itertools import combinations

import numpy as np
import pytest

from harness.errors import UsageError
from harness.stats.chance import cohen_kappa, fleiss_kappa, gwet

NONE = np.nan
# Fleiss 1971 is quoted everywhere by this table: 10 units, 14 raters, 5 categories.
FLEISS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]


def from_counts(table):
    return np.array([np.repeat(np.arange(len(row)), row) for row in table], dtype=float)


def agreement_of(weighting, size):
    far = np.abs(np.subtract.outer(np.arange(size), np.arange(size))) / (size - 1)
    if weighting == "nominal":
        return np.eye(size)
    return 1 - far if weighting == "linear" else 1 - far**2


def counted(ratings, size, weighting):
    """AC and Fleiss' kappa, pair by pair and category by category."""
    weight = agreement_of(weighting, size)
    within, shares = [], np.zeros(size)
    rated = 0
    for row in ratings:
        given = [int(value) for value in row if not np.isnan(value)]
        if not given:
            continue
        rated += 1
        for value in given:
            shares[value] += 1 / len(given)
        if len(given) > 1:
            pairs = [weight[a, b] for a, b in combinations(given, 2)]
            within.append(sum(pairs) / len(pairs))
    seen, shares = sum(within) / len(within), shares / rated
    by_gwet = weight.sum() / (size * (size - 1)) * sum(p * (1 - p) for p in shares)
    by_fleiss = sum(
        weight[a, b] * shares[a] * shares[b] for a in range(size) for b in range(size)
    )
    return [(seen - chance) / (1 - chance) for chance in (by_gwet, by_fleiss)]


def test_fleiss_kappa_of_the_textbook_table():
    got = fleiss_kappa(from_counts(FLEISS), range(5))
    assert got.value == pytest.approx(0.210, abs=5e-4)
    assert (got.n, got.dropped) == (10, 0)
    assert got.low < got.value < got.high


def test_cohen_kappa_by_hand():
    # 20 both yes, 5 and 10 split, 15 both no: seen .7, chance .5, kappa .4.
    pairs = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    got = cohen_kappa(np.array(pairs, dtype=float), [0, 1])
    assert got.value == pytest.approx(0.4)


def test_ac1_does_not_collapse_where_nearly_all_answers_are_the_same():
    # 90 both yes, 5 and 5 split: seen .9; kappa is below 0, AC1 is not.
    pairs = [(1, 1)] * 90 + [(1, 0)] * 5 + [(0, 1)] * 5
    ratings = np.array(pairs, dtype=float)
    # Share of yes .95, so chance is 2 * .95 * .05 = .095.
    assert gwet(ratings, [0, 1]).value == pytest.approx((0.9 - 0.095) / (1 - 0.095))
    assert cohen_kappa(ratings, [0, 1]).value == pytest.approx(-1 / 19)


@pytest.mark.parametrize("weighting", ["nominal", "linear", "quadratic"])
def test_both_equal_a_count_pair_by_pair(weighting):
    rng = np.random.default_rng(3)
    ratings = rng.integers(0, 4, size=(40, 5)).astype(float)
    ratings[rng.random(ratings.shape) < 0.4] = NONE
    by_gwet, by_fleiss = counted(ratings, 4, weighting)
    assert gwet(ratings, range(4), weighting=weighting).value == pytest.approx(by_gwet)
    got = fleiss_kappa(ratings, range(4), weighting=weighting)
    assert got.value == pytest.approx(by_fleiss)


def test_cohen_kappa_is_the_mean_over_pairs_of_raters():
    rng = np.random.default_rng(5)
    ratings = rng.integers(0, 3, size=(60, 3)).astype(float)
    pairs = [
        cohen_kappa(ratings[:, list(pair)], range(3), weighting="quadratic").value
        for pair in combinations(range(3), 2)
    ]
    got = cohen_kappa(ratings, range(3), weighting="quadratic")
    assert got.value == pytest.approx(np.mean(pairs))


def test_units_with_one_rating_are_counted_as_dropped():
    ratings = np.array([[0, 0], [1, NONE], [1, 1], [NONE, NONE], [0, 1]])
    got = gwet(ratings, [0, 1])
    assert (got.n, got.dropped) == (3, 1)


@pytest.mark.parametrize("measure", [gwet, fleiss_kappa, cohen_kappa])
def test_without_pairs_nothing_is_claimed(measure):
    got = measure(np.array([[0, NONE], [NONE, 1]]), [0, 1])
    assert got.value is None
    assert "no unit was rated by two raters" in got.method


@pytest.mark.parametrize("measure", [fleiss_kappa, cohen_kappa])
def test_without_variation_the_kappas_are_undefined(measure):
    assert measure(np.ones((5, 2)), [0, 1]).value is None


def test_without_variation_ac1_is_full_agreement():
    assert gwet(np.ones((5, 2)), [0, 1]).value == 1


def test_a_rating_off_the_scale_is_refused():
    with pytest.raises(UsageError, match="none of the categories"):
        gwet(np.array([[1.0, 7.0]]), [1, 2, 3])


def test_random_raters_agree_by_chance_alone():
    rng = np.random.default_rng(1)
    ratings = rng.integers(0, 3, size=(4000, 3)).astype(float)
    for measure in (gwet, fleiss_kappa, cohen_kappa):
        got = measure(ratings, range(3))
        assert got.low < 0.02
        assert abs(got.value) < 0.03


def test_the_interval_holds_the_truth_as_often_as_it_says():
    # Each rater keeps the unit's true answer with chance .7: known AC1 by the many.
    def sample(units, rng):
        truth = rng.integers(0, 2, size=(units, 1))
        flips = rng.random((units, 2)) < 0.3
        return np.where(flips, 1 - truth, truth).astype(float)

    # Both keep or both flip: .58; the shares are half and half, so chance is .5.
    truth = (0.58 - 0.5) / 0.5
    rng = np.random.default_rng(8)
    held = 0
    for seed in range(200):
        got = gwet(sample(150, rng), [0, 1], draws=300, seed=seed)
        held += got.low <= truth <= got.high
    assert 0.90 <= held / 200 <= 0.99
