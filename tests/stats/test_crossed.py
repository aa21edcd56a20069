"""Means of ratings over raters and items: by hand, against loops, by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from harness.errors import UsageError
from harness.stats.bootstrap import mean_estimate
from harness.stats.combine import mean
from harness.stats.crossed import (
    Ratings,
    rating_difference,
    stretch,
    variance_of_raters,
)

ITEMS = 40


def crossed(values):
    """Ratings of one system by all raters, from shape (raters, items)."""
    return Ratings.of_table(np.asarray(values, dtype=float)[:, None])


def above_nothing(values, **options):
    """The difference of ratings from those of a system that all rate 0."""
    return rating_difference(crossed(values), crossed(0 * values), **options)


def by_one_rater(ratings):
    """The same ratings as though one rater had given them all."""
    alone = np.zeros(len(ratings.value), dtype=int)
    return Ratings.of(ratings.value, alone, ratings.output, ratings.item)


def width(estimate):
    return estimate.high - estimate.low


def test_every_item_weighs_the_same_and_within_it_every_output():
    # Item 0: outputs with means 2 (two raters) and 5; item 1: one output with mean 1.
    ratings = Ratings.of(
        [1, 3, 5, 1], rater=[0, 1, 0, 1], output=[7, 7, 8, 9], item=[4, 4, 4, 2]
    )
    assert ratings.shares() @ ratings.value == pytest.approx((3.5 + 1) / 2)
    np.testing.assert_allclose(ratings.shares(), [1 / 8, 1 / 8, 1 / 4, 1 / 2])


def test_fewer_than_five_raters_leave_the_interval_of_items_and_it_says_so():
    values = np.random.default_rng(0).normal(size=(4, ITEMS))
    got, items = above_nothing(values), mean_estimate(values.mean(axis=0))
    assert (got.low, got.high) == pytest.approx((items.low, items.high))
    assert "fewer than 5 raters, who are not resampled" in got.method
    assert "bootstrap of items, 1000 draws" in got.method


def test_from_five_raters_on_the_method_names_them():
    values = np.random.default_rng(0).normal(size=(5, ITEMS))
    got = above_nothing(values, draws=50)
    assert got.method == (
        "paired mean over items of mean ratings; "
        "95 % percentile bootstrap of items and 5 raters, 50 draws"
    )


def test_where_each_rater_is_constant_only_raters_scatter_and_as_students_t():
    severity = np.array([-2.0, -1.0, 0.0, 0.5, 1.0, 1.5])
    values = np.repeat(severity[:, None], 200, axis=1)
    got = above_nothing(values, draws=20_000)
    # Cells of one rating each are 1 / 200 of what raters scatter.
    standard_error = severity.std(ddof=1) / np.sqrt(6) * np.sqrt(1 - 1 / 200)
    reach = 1.96 * standard_error * np.sqrt(5 / 3)
    assert width(got) / 2 == pytest.approx(reach, rel=0.06)
    assert stretch(6) == 2


def test_the_interval_is_that_of_drawing_items_and_raters_in_a_loop():
    rng = np.random.default_rng(3)
    raters, draws = 8, 3000
    values = (
        rng.normal(size=ITEMS)
        + rng.normal(size=(raters, 1))
        + rng.normal(size=(raters, ITEMS)) * 0.5
    )
    mean = values.mean()
    of_rater = values.mean(axis=1) - mean
    both = of_rater.var(ddof=1) / raters
    single = ((values - mean) ** 2).sum() / values.size**2
    scale = np.sqrt((1 - single / both) * raters / (raters - 3))
    found = []
    for _ in range(draws):
        items = rng.integers(ITEMS, size=ITEMS)
        drawn = rng.integers(raters, size=raters)
        found.append(values[:, items].mean() + scale * of_rater[drawn].mean())
    got = above_nothing(values, draws=draws)
    assert (got.low, got.high) == pytest.approx(
        np.quantile(found, [0.025, 0.975]), abs=0.08
    )


def test_raters_who_do_not_differ_add_next_to_nothing():
    rng = np.random.default_rng(4)
    values = rng.normal(size=ITEMS) + rng.normal(size=(20, ITEMS)) * 0.3
    both, items = above_nothing(values), mean_estimate(values.mean(axis=0))
    assert width(items) <= width(both) < 1.1 * width(items)


def test_a_difference_by_the_same_raters_is_free_of_their_severity():
    rng = np.random.default_rng(5)
    item = rng.normal(size=ITEMS)
    noise = rng.normal(size=(2, 6, ITEMS)) * 0.4
    mild, severe = (
        [
            crossed(shift + item + size * np.arange(6)[:, None] + noise[number])
            for number, shift in enumerate((0.0, 0.3))
        ]
        for size in (0, 10)
    )
    without, with_severity = (rating_difference(b, a) for a, b in (mild, severe))
    assert with_severity.value == pytest.approx(without.value)
    assert with_severity.low == pytest.approx(without.low)
    assert with_severity.high == pytest.approx(without.high)


def test_a_difference_by_different_raters_carries_their_severity():
    rng = np.random.default_rng(6)
    severity = np.linspace(-3, 3, 12)
    item = rng.normal(size=ITEMS)
    sides = []
    for group in (range(6), range(6, 12)):
        values = np.full((12, ITEMS), np.nan)
        for rater in group:
            values[rater] = item + severity[rater] + rng.normal(size=ITEMS) * 0.2
        sides.append(crossed(values))
    got = rating_difference(*sides)
    apart = rating_difference(*map(by_one_rater, sides))
    assert got.value == pytest.approx(apart.value)
    assert width(got) > 10 * width(apart)


def test_a_difference_rests_on_shared_items_alone():
    one = Ratings.of([1, 4], rater=[0, 0], output=[0, 1], item=[0, 1])
    other = Ratings.of([3, 9], rater=[0, 0], output=[0, 1], item=[1, 2])
    got = rating_difference(one, other)
    assert (got.value, got.n) == (1.0, 1)
    assert "fewer than two items" in got.method
    assert (
        "share no rated item"
        in rating_difference(one.kept(one.item == 0), other).method
    )


def test_the_variance_of_raters_is_that_of_their_means_over_their_number():
    rng = np.random.default_rng(4)
    severity = np.array([2.0, 1, 0, 0, -1, -2])
    first = crossed(severity[:, None] + rng.normal(0, 0.1, (6, ITEMS)))
    assert variance_of_raters(first)[0] == pytest.approx(2 / 6, rel=0.05)
    assert variance_of_raters(first)[1] == 6
    # The same raters judge another: what they are strict by cancels.
    other = crossed(severity[:, None] + rng.normal(0, 0.1, (6, ITEMS)))
    assert variance_of_raters(first, other)[0] < 0.001
    assert variance_of_raters(crossed(severity[:4, None] * [1, 1])) == (0.0, 4)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Ratings.of([1, 2], [0], [0, 1], [0, 1]), "shapes"),
        (lambda: Ratings.of([np.nan], [0], [0], [0]), "finite"),
        (lambda: Ratings.of_table(np.ones((2, 2))), "raters, systems, items"),
    ],
    ids=["lengths", "missing", "matrix"],
)
def test_ratings_of_wrong_form_are_refused(make, said):
    with pytest.raises(UsageError, match=said):
        make()


def test_a_million_ratings_take_no_longer_than_seconds():
    # A guard against work per draw and rating; in truth well under a second.
    from time import process_time

    rng = np.random.default_rng(7)
    n, items = 500_000, 50_000
    sides = [
        Ratings.of(
            rng.normal(size=n),
            rng.integers(500, size=n),
            np.arange(n) // 2,
            np.arange(n) % items,
        )
        for _ in range(2)
    ]
    begun = process_time()
    assert rating_difference(*sides, draws=200).n == items
    assert process_time() - begun < 20


def studies(rng, raters, each, severity, taste, *, same):
    """Two systems that differ by .3, each output rated by `each` of the raters."""
    strict = rng.normal(0, severity, (raters, 1))
    item = rng.normal(0, 1, ITEMS)
    places = [rng.random((raters, ITEMS)).argsort(axis=0).argsort(axis=0)] * 2
    if not same:
        places[1] = rng.random((raters, ITEMS)).argsort(axis=0).argsort(axis=0)
    for shift, place in zip((0.0, 0.3), places, strict=True):
        values = (
            (shift + item + rng.normal(0, 0.3, ITEMS))
            + (strict + rng.normal(0, taste, (raters, 1)))
            + rng.normal(0, 0.7, (raters, ITEMS))
        )
        yield crossed(np.where(place < each, values, np.nan))


def by_t(ratings):
    """The mean rating as reports and gates have it."""
    table = np.full((ITEMS, ratings.rater.max() + 1), np.nan)
    table[ratings.item, ratings.rater] = ratings.value
    if table.shape[1] == 1:
        # One rater stands for all.
        sums = np.bincount(ratings.item, ratings.value, ITEMS)
        return mean(sums / np.bincount(ratings.item, minlength=ITEMS))
    variance, raters = variance_of_raters(ratings)
    return mean(table).also_of(variance, raters - 1, "other raters")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("raters", "each", "severity", "taste", "same"),
    [
        (5, 5, 0.5, 0.1, True),
        (5, 1, 0.5, 0.1, False),
        (10, 2, 0.5, 0.5, True),
        (10, 2, 0.5, 0.5, False),
        (30, 1, 0.5, 0.1, False),
        (10, 2, 0.0, 0.0, False),
    ],
)
def test_intervals_hold_the_truth_of_all_raters(raters, each, severity, taste, same):
    rng = np.random.default_rng(1)
    held, by_items = [], []
    for seed in range(300):
        pair = list(studies(rng, raters, each, severity, taste, same=same))
        for found, sides in ((held, pair), (by_items, list(map(by_one_rater, pair)))):
            level = by_t(sides[0])
            gap = rating_difference(sides[1], sides[0], draws=300, seed=seed)
            found.append((level.low <= 0 <= level.high, gap.low <= 0.3 <= gap.high))
    level, gap = np.mean(held, axis=0)
    assert 0.9 <= level <= 0.99
    assert 0.86 <= gap <= 0.99
    if severity and each > 1:
        assert np.mean(by_items, axis=0)[0] < 0.87
    if taste == 0.5:
        assert np.mean(by_items, axis=0)[1] < 0.80
