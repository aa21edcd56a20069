"""Agreement over raters and items: by hand, against loops, by simulation."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from scipy.stats import kendalltau, t

from harness.stats import correlation, widened
from harness.stats.correlation import agreement
from harness.stats.crossed import Ratings
from harness.stats.ties import TieAccuracy
from harness.stats.widened import human_matrix, without_each
from harness.types import Estimate

SYSTEMS, ITEMS = 5, 40
SHAPE = (SYSTEMS, ITEMS)


@pytest.fixture
def judged():
    """A metric of shape (systems, items) and a table (raters, systems, items)."""
    return study(np.random.default_rng(2), raters=7, each=7)


def study(rng, *, raters, each, taste=0.3, people=None):
    """Raters differ in severity, in what they make of a system, and in their scale.

    With a generator of their own, people can be the same in several studies.
    """
    people = rng if people is None else people
    quality = (
        np.linspace(0, 1, SYSTEMS)[:, None]
        + rng.normal(0, 0.6, ITEMS)
        + rng.normal(0, 0.5, SHAPE)
    )
    metric = quality + rng.normal(0, 0.7, SHAPE)
    scale = 1 + people.normal(0, 0.3, (raters, 1, 1))
    table = (
        scale * quality
        + people.normal(0, 0.5, (raters, 1, 1))
        + people.normal(0, taste, (raters, SYSTEMS, 1))
        + rng.normal(0, 0.6, (raters, *SHAPE))
    )
    place = rng.random(table.shape).argsort(axis=0).argsort(axis=0)
    return metric, np.where(place < each, np.round(table * 2) / 2, np.nan)


def leaves(found, above=""):
    """Path and estimate of every estimate in an agreement."""
    for field in fields(found):
        one = getattr(found, field.name)
        if isinstance(one, Estimate):
            yield f"{above}{field.name}", one
        elif is_dataclass(one):
            yield from leaves(one, f"{above}{field.name}.")


def test_an_output_is_the_mean_of_its_raters_and_gone_without_any():
    # Rater 5 and 9 rate output 0; rater 9 alone output 1, of the same item; and 2.
    ratings = Ratings.of(
        [1, 4, 2, 3],
        rater=[5, 9, 9, 9],
        output=[0, 0, 1, 2],
        item=[1, 1, 1, 0],
        system=[0, 0, 0, 1],
    )
    real = human_matrix(ratings, (2, 2))
    np.testing.assert_array_equal(real, [[np.nan, (2.5 + 2) / 2], [3, np.nan]])
    without_5, without_9 = without_each(ratings, (2, 2))
    np.testing.assert_array_equal(without_5, [[np.nan, (4 + 2) / 2], [3, np.nan]])
    np.testing.assert_array_equal(without_9, [[np.nan, 1], [np.nan, np.nan]])


def test_values_are_those_of_the_mean_ratings(judged):
    metric, table = judged
    got = agreement(metric, Ratings.of_table(table), draws=50)
    plain = dict(leaves(agreement(metric, table.mean(axis=0), draws=50)))
    assert len(plain) == 29
    for path, one in leaves(got):
        assert one.value == pytest.approx(plain[path].value), path
        assert (one.n, one.dropped) == (plain[path].n, plain[path].dropped)
        assert one.low <= plain[path].low, path
        assert one.high >= plain[path].high, path
        assert "and of 7 raters, left out in turn" in one.method


@pytest.mark.parametrize(
    ("path", "value_of"),
    [
        ("pooled.pearson", lambda x, y: np.corrcoef(x.ravel(), y.ravel())[0, 1]),
        ("pooled.kendall", lambda x, y: kendalltau(x.ravel(), y.ravel()).statistic),
        (
            "system.pearson",
            lambda x, y: np.corrcoef(x.mean(axis=1), y.mean(axis=1))[0, 1],
        ),
        (
            "by_item.kendall",
            lambda x, y: np.nanmean(
                [kendalltau(x[:, i], y[:, i]).statistic for i in range(ITEMS)]
            ),
        ),
    ],
)
def test_the_raters_part_is_that_of_leaving_each_out_in_a_loop(judged, path, value_of):
    metric, table = judged
    ratings = Ratings.of_table(table)
    rng = np.random.default_rng([3, 1])
    rater = np.nonzero(np.isfinite(table))[0]
    variances = []
    for group in (rater, *(rng.permutation(rater) for _ in range(3))):
        series = []
        for out in range(7):
            kept = np.where((group == out).reshape(table.shape), np.nan, table)
            series.append(value_of(metric, np.nanmean(kept, axis=0)))
        variances.append(6 / 7 * ((np.array(series) - np.mean(series)) ** 2).sum())
    rest = max(0, variances[0] - np.mean(variances[1:]))
    reach = t.ppf(0.975, 6) * np.sqrt(rest)
    plain = dict(leaves(agreement(metric, table.mean(axis=0), draws=50, seed=3)))[path]
    got = dict(leaves(agreement(metric, ratings, draws=50, seed=3)))[path]
    low = plain.value - np.hypot(plain.value - plain.low, reach)
    high = plain.value + np.hypot(plain.high - plain.value, reach)
    assert got.low == pytest.approx(max(low, -1))
    assert got.high == pytest.approx(min(high, 1))


def test_raters_who_agree_wholly_leave_the_intervals_of_items(judged):
    metric, table = judged
    alike = np.repeat(table[:1], 6, axis=0)
    got = agreement(metric, Ratings.of_table(alike), draws=50)
    plain = dict(leaves(agreement(metric, table[0], draws=50)))
    for path, one in leaves(got):
        assert (one.low, one.high) == pytest.approx((plain[path].low, plain[path].high))


def test_the_raters_part_is_the_same_beside_resampled_systems():
    rng = np.random.default_rng(8)
    quality = rng.normal(size=(9, 1)) / 2 + rng.normal(size=(9, 30))
    table = quality + rng.normal(size=(6, 9, 1)) + rng.normal(size=(6, 9, 30))
    metric = quality + rng.normal(0, 2, (9, 30))

    def below(human, over):
        found = agreement(metric, human, draws=60, over=over).system.pearson
        return (found.value - found.low) ** 2, found.method

    parts = []
    for over in ("items", "both"):
        alone, _ = below(table.mean(axis=0), over)
        wider, method = below(Ratings.of_table(table), over)
        assert method.endswith("and of 6 raters, left out in turn")
        parts.append(wider - alone)
    assert parts[0] > 0
    assert parts[0] == pytest.approx(parts[1])


@pytest.mark.parametrize(
    ("raters", "most", "said"),
    [
        (4, 10_000, "fewer than 5 raters, who are not resampled"),
        (7, 199, "raters are not resampled, as there are more than 199 outputs"),
    ],
)
def test_few_raters_or_many_outputs_leave_items_alone_and_it_says_so(
    judged, monkeypatch, raters, most, said
):
    metric, table = judged
    monkeypatch.setattr(widened, "MOST_OUTPUTS", most)
    got = agreement(metric, Ratings.of_table(table[:raters]), draws=50)
    plain = agreement(metric, human_matrix(Ratings.of_table(table[:raters]), SHAPE))
    for (path, one), (_, same) in zip(leaves(got), leaves(plain), strict=True):
        assert one.value == same.value, path
        assert one.method.endswith(said), path


def test_values_that_are_undefined_without_a_rater_are_counted():
    rng = np.random.default_rng(9)
    metric = rng.normal(size=(3, ITEMS))
    table = np.full((5, 3, ITEMS), np.nan)
    # Two systems have a rater of their own, without whom they are not rated.
    for rater, system in enumerate((0, 1, 2, 2, 2)):
        table[rater, system] = rng.integers(1, 6, size=ITEMS)
    got = agreement(metric, Ratings.of_table(table), draws=50)
    assert got.system.pearson.method.endswith("2 values undefined and left out")


def test_more_than_twenty_raters_are_left_out_in_groups():
    metric, table = study(np.random.default_rng(9), raters=23, each=3)
    got = agreement(metric, Ratings.of_table(table), draws=50)
    said = "and of 23 raters, left out in 20 groups"
    assert got.pooled.pearson.method.endswith(said)


MEASURED = ("pooled.pearson", "pooled.kendall", "by_item.kendall", "by_item.pdp")


@pytest.fixture
def no_ties(monkeypatch):
    """Ties take most of the time and have nothing to do with it."""
    known = Estimate(0.5, n=5)
    same = TieAccuracy(known, known, known, known)
    monkeypatch.setattr(correlation, "tie_accuracy", lambda *_: same)


def coverage(found, path):
    """How often the interval holds the mean of the values."""
    truth = np.mean([one[path].value for one in found])
    return np.mean([one[path].low <= truth <= one[path].high for one in found])


@pytest.mark.slow
@pytest.mark.usefixtures("no_ties")
@pytest.mark.parametrize(("raters", "each"), [(5, 5), (10, 2), (6, 1), (12, 1)])
def test_intervals_hold_where_raters_like_other_systems(raters, each):
    rng = np.random.default_rng(3)
    both, items = [], []
    for seed in range(80):
        metric, table = study(rng, raters=raters, each=each, taste=1.0)
        ratings = Ratings.of_table(table)
        human = human_matrix(ratings, SHAPE)
        both.append(dict(leaves(agreement(metric, ratings, draws=100, seed=seed))))
        items.append(dict(leaves(agreement(metric, human, draws=100, seed=seed))))

    for path in MEASURED:
        assert coverage(both, path) >= 0.85, path
        assert coverage(items, path) < coverage(both, path), path
    # Where each output has one rater, that rater's scatter is in the items' part.
    assert coverage(items, "by_item.pdp") < (0.85 if each > 1 else 0.9)


@pytest.mark.slow
@pytest.mark.usefixtures("no_ties")
@pytest.mark.parametrize("raters", [1, 3])
def test_with_one_of_few_raters_per_output_they_hold_what_these_raters_would_say(
    raters,
):
    rng, found = np.random.default_rng(4), []
    for seed in range(200):
        people = np.random.default_rng(7)
        metric, table = study(rng, raters=raters, each=1, people=people)
        ratings = Ratings.of_table(table)
        found.append(dict(leaves(agreement(metric, ratings, draws=100, seed=seed))))
    for path in (*MEASURED, "by_system.kendall", "system.pearson"):
        assert 0.86 <= coverage(found, path) <= 0.99, path
