"""Partings: by hand, against SciPy, and how often they are claimed without any."""

import numpy as np
import pytest
from scipy import stats

from harness.stats.partings import Change, Stretch, changes, partings

SURE, FAIR, VAGUE = 1e-9, 1e-4, 0.3


def mean(tally):
    return tally[..., 0] / tally[..., 1]


def as_tallies(values):
    """Tallies of a mean: values of shape (checkpoints, items)."""
    return np.stack([values, np.where(np.isnan(values), np.nan, 1.0)], axis=2)


def change(t, p):
    return Change(t, t, p)


def test_the_change_of_a_mean_is_tested_as_by_the_paired_t_test():
    values = np.random.default_rng(1).normal([[0.0], [0.3], [1.0]], size=(3, 40))
    found = changes(as_tallies(values), mean)
    assert set(found) == {Stretch(0, 0, 1), Stretch(0, 0, 2), Stretch(0, 1, 2)}
    for stretch, one in found.items():
        first, last = values[stretch.start], values[stretch.end]
        expected = stats.ttest_rel(last, first)
        assert one.difference == pytest.approx((last - first).mean())
        assert (one.t, one.p) == pytest.approx((expected.statistic, expected.pvalue))


def test_the_error_of_a_ratio_is_that_of_the_jackknife_by_hand():
    rng = np.random.default_rng(2)
    tallies = rng.uniform(1, 3, size=(2, 12, 2))

    def ratio(rows):
        return rows[:, 0].sum() / rows[:, 1].sum()

    left_out = np.array(
        [
            ratio(np.delete(tallies[1], item, axis=0))
            - ratio(np.delete(tallies[0], item, axis=0))
            for item in range(12)
        ]
    )
    error = np.sqrt(11 / 12 * ((left_out - left_out.mean()) ** 2).sum())
    [one] = changes(tallies, mean).values()
    assert one.difference == pytest.approx(ratio(tallies[1]) - ratio(tallies[0]))
    assert one.t == pytest.approx(one.difference / error)


def test_only_items_that_both_ends_have_count():
    values = np.random.default_rng(3).normal(size=(2, 30))
    values[0, :10] = values[1, 10:18] = np.nan
    [one] = changes(as_tallies(values), mean).values()
    assert one.difference == pytest.approx((values[1] - values[0])[18:].mean())


def test_too_few_items_equal_steps_and_no_spread_show_nothing():
    values = np.random.default_rng(4).normal(size=(3, 9))
    assert changes(as_tallies(values), mean) == {}
    values = np.random.default_rng(4).normal(size=(3, 20))
    found = changes(as_tallies(values), mean, series=7, steps=[1, 2, 2])
    assert list(found) == [Stretch(7, 0, 1), Stretch(7, 0, 2)]
    level = changes(as_tallies(np.array([[1.0] * 20, [2.0] * 20])), mean)
    assert [(one.t, one.p) for one in level.values()] == [(0.0, None)]


def test_a_parting_needs_both_changes_to_be_sure_and_opposite():
    a, b, c = Stretch(0, 0, 1), Stretch(0, 1, 2), Stretch(0, 2, 3)
    metric = {a: change(9, SURE), b: change(9, SURE), c: change(9, SURE)}
    people = {a: change(-5, FAIR), b: change(5, FAIR), c: change(-1, VAGUE)}
    [one] = partings([metric], [people])
    assert (one.metric, one.criterion, one.stretch, one.strength) == (0, 0, a, 5)


def test_the_number_of_changes_counts():
    stretch = Stretch(0, 0, 1)
    metric, people = {stretch: change(9, SURE)}, {stretch: change(-3, 0.02)}
    assert len(partings([metric], [people])) == 1
    others = [{stretch: change(1, VAGUE)} for _ in range(9)]
    assert partings([metric, *others], [people]) == []


def test_of_stretches_that_overlap_the_surest_is_told():
    whole, second, other = Stretch(0, 0, 2), Stretch(0, 1, 2), Stretch(1, 0, 2)
    metric = {s: change(9, SURE) for s in (whole, second, other)}
    people = {
        whole: change(-4, FAIR),
        second: change(-6, SURE),
        other: change(-5, FAIR),
    }
    assert [one.stretch for one in partings([metric], [people])] == [second, other]


def test_stretches_that_only_touch_are_both_told():
    first, second = Stretch(0, 0, 1), Stretch(0, 1, 2)
    metric = {first: change(9, SURE), second: change(-9, SURE)}
    people = {first: change(-5, FAIR), second: change(5, FAIR)}
    assert len(partings([metric], [people])) == 2


def a_run(rng, *, items, metric, people):
    """Two metrics and two criteria of means, noisy, skewed or on five points."""
    difficulty = rng.normal(size=items)
    noisy = [
        np.array([level + difficulty + rng.normal(size=items) for level in metric])
        for _ in range(2)
    ]
    skewed = np.exp(noisy[1] / 2)
    rated = [
        np.clip(
            np.round(
                [3 + level + 0.5 * difficulty + rng.normal(size=items)
                 for level in people]
            ),
            1,
            5,
        )
        for _ in range(2)
    ]  # fmt: skip
    with_gaps = np.where(rng.random(rated[1].shape) < 0.2, np.nan, rated[1])
    return (
        [changes(as_tallies(values), mean) for values in (noisy[0], skewed)],
        [changes(as_tallies(values), mean) for values in (rated[0], with_gaps)],
    )


RISING = (0.0, 1.0, 1.5, 2.0, 2.2)
FLAT = (0.0,) * 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "people"),
    [(FLAT, FLAT), (RISING, FLAT), (FLAT, (0.0, 0.3, 0.6, 0.8, 1.0))],
    ids=["nothing changes", "the metric rises", "ratings rise"],
)
@pytest.mark.parametrize("items", [12, 50])
def test_false_partings_are_claimed_in_at_most_five_percent(metric, people, items):
    rng = np.random.default_rng(11)
    runs = 1500
    false = sum(
        bool(partings(*a_run(rng, items=items, metric=metric, people=people)))
        for _ in range(runs)
    )
    # 5 % and two standard errors of the count
    assert false <= 0.05 * runs + 2 * np.sqrt(0.05 * 0.95 * runs)


@pytest.mark.slow
def test_a_true_parting_is_found():
    rng = np.random.default_rng(12)
    falls = (0.0, 0.8, 0.8, 0.4, 0.0)
    found = [
        partings(*a_run(rng, items=50, metric=RISING, people=falls)) for _ in range(200)
    ]
    told = sum(any(one.stretch.end == 4 for one in some) for some in found)
    assert told > 0.8 * len(found)
    right = sum(all(one.stretch.start >= 1 for one in some) for some in found)
    assert right > 0.95 * len(found)


def test_where_all_share_all_items_changes_are_those_pair_by_pair():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(6, 50)) + rng.normal(size=50)
    # Nearly the same as another, so that products of both leave few digits.
    values[4] = values[2] + 1e-6 * rng.normal(size=50) + 1e-5
    whole = changes(as_tallies(values), mean)
    for stretch, found in whole.items():
        pair = stats.ttest_rel(values[stretch.end], values[stretch.start])
        assert found.t == pytest.approx(pair.statistic, rel=1e-6)
        assert found.p == pytest.approx(pair.pvalue, rel=1e-5, abs=1e-300)
    assert len(whole) == 15
