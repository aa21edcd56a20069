"""Krippendorff's alpha: published values, an independent count, simulation."""

from __future__ import annotations

import gzip
import json
from itertools import permutations

import numpy as np
import pytest

from harness.errors import UsageError
from harness.stats.agreement import alpha

NONE = np.nan

TEXTBOOK = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
        [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
    ]
).T
"""Krippendorff's own example: 12 units, 4 observers."""


def counted_alpha(ratings, scale):
    """From the table of coincidences and the table of differences, in loops."""
    units = [row[~np.isnan(row)] for row in ratings]
    units = [unit for unit in units if len(unit) > 1]
    values = sorted({value for unit in units for value in unit})
    place = {value: number for number, value in enumerate(values)}
    table = np.zeros((len(values), len(values)))
    for unit in units:
        for one, other in permutations(range(len(unit)), 2):
            table[place[unit[one]], place[unit[other]]] += 1 / (len(unit) - 1)
    margin = table.sum(axis=1)
    seen = expected = 0.0
    for c, first in enumerate(values):
        for k, second in enumerate(values):
            low, high = min(c, k), max(c, k)
            ordinal = margin[low : high + 1].sum() - (margin[c] + margin[k]) / 2
            far = {
                "nominal": float(c != k),
                "ordinal": ordinal**2,
                "interval": (first - second) ** 2,
                "ratio": ((first - second) / (first + second or 1)) ** 2,
            }[scale]
            seen += table[c, k] * far
            expected += margin[c] * margin[k] * far
    return 1 - (margin.sum() - 1) * seen / expected


@pytest.mark.parametrize(
    ("scale", "published"),
    [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)],
)
def test_alpha_of_the_textbook_example(scale, published):
    got = alpha(TEXTBOOK, scale=scale)
    assert got.value == pytest.approx(published, abs=5e-4)
    assert (got.n, got.dropped) == (11, 1)
    assert got.low < got.value < got.high


@pytest.mark.parametrize("scale", ["nominal", "ordinal", "interval", "ratio"])
def test_value_and_interval_are_those_of_counting_each_resample(scale):
    rng = np.random.default_rng(1)
    ratings = rng.integers(1, 6, size=(25, 1)) + rng.integers(0, 2, size=(25, 4)) * 1.0
    ratings[rng.random(ratings.shape) < 0.3] = np.nan
    ratings = ratings[(~np.isnan(ratings)).sum(axis=1) > 1]
    got = alpha(ratings, scale=scale, draws=60, seed=3)
    n = len(ratings)
    rows = np.random.default_rng(3).integers(n, size=(60, n))
    resampled = [counted_alpha(ratings[row], scale) for row in rows]
    assert got.value == pytest.approx(counted_alpha(ratings, scale))
    expected = np.quantile(resampled, [0.025, 0.975])
    assert (got.low, got.high) == pytest.approx(expected)


def test_ratio_alpha_by_hand():
    # Units (1, 3) and (2, 2): coincidences 1-3 and 3-1 once each, 2-2 twice; margins
    # 1, 2, 1. Seen: 2 x (2/4)^2 = .5. Expected: 2 x [1 x 2 x (1/3)^2 + 1 x 1 x (2/4)^2
    # + 2 x 1 x (1/5)^2] = 2 x (2/9 + 1/4 + 2/25). Alpha is 1 - 3 x seen / expected.
    got = alpha(np.array([[1.0, 3.0], [2.0, 2.0]]), scale="ratio")
    assert got.value == pytest.approx(1 - 1.5 / (2 * (2 / 9 + 1 / 4 + 2 / 25)))


def test_on_a_ratio_scale_the_unit_of_measure_does_not_matter_but_the_zero_does():
    rng = np.random.default_rng(5)
    ratings = rng.poisson(rng.gamma(2, 3, size=(40, 1)), size=(40, 3)).astype(float)
    assert (ratings == 0).any()
    value = alpha(ratings, scale="ratio", draws=0).value
    for factor in (1e-6, 100):
        scaled = alpha(factor * ratings, scale="ratio", draws=0)
        assert scaled.value == pytest.approx(value)
    moved = alpha(ratings + 5, scale="ratio", draws=0)
    assert moved.value != pytest.approx(value, abs=1e-3)


def test_a_ratio_of_negative_ratings_is_refused():
    with pytest.raises(UsageError, match=r"one is -2; use the interval scale"):
        alpha(np.array([[1.0, -2.0]]), scale="ratio")


def test_equal_ratings_of_varied_units_are_perfect_agreement():
    got = alpha(np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]), scale="ordinal")
    assert got.value == 1
    assert got.low is None
    assert "every resample gives the same value" in got.method


def test_interval_alpha_estimates_the_share_of_true_variance():
    rng = np.random.default_rng(2)
    truth, noise = rng.normal(0, 2, (4000, 1)), rng.normal(0, 1, (4000, 3))
    got = alpha(truth + noise, draws=200)
    assert got.value == pytest.approx(0.8, abs=0.01)
    assert got.low < 0.8 < got.high


def test_intervals_of_alpha_cover_the_truth():
    rng = np.random.default_rng(3)
    runs = [
        alpha(rng.normal(size=(60, 1)) + rng.normal(size=(60, 3)), draws=300)
        for _ in range(200)
    ]
    covered = np.mean([run.low <= 0.5 <= run.high for run in runs])
    assert 0.88 < covered < 0.985


def test_random_ratings_agree_no_more_than_chance():
    ratings = np.random.default_rng(4).integers(0, 5, size=(3000, 2)).astype(float)
    for scale in ("nominal", "ordinal", "interval"):
        assert alpha(ratings, scale=scale).value == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(
    ("ratings", "reason"),
    [
        ([[1.0, NONE], [2.0, NONE]], "fewer than two raters"),
        ([[1.0, NONE], [NONE, 2.0]], "no unit was rated by two raters"),
        ([[4.0, 4.0], [4.0, 4.0]], "all ratings are the same"),
        (np.empty((0, 3)), "fewer than two raters"),
    ],
)
def test_undefined_alpha_says_why(ratings, reason):
    got = alpha(np.array(ratings))
    assert (got.value, got.low, got.high) == (None, None, None)
    assert reason in got.method


def test_one_unit_has_no_interval():
    got = alpha(np.array([[1.0, 2.0], [3.0, NONE]]))
    assert got.value == pytest.approx(0)
    assert (got.low, got.n, got.dropped) == (None, 1, 1)
    assert "fewer than two units" in got.method


def test_a_vector_is_refused():
    with pytest.raises(UsageError, match=r"\(units, raters\)"):
        alpha(np.ones(4))


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("scale", "value"), [("interval", 0.2933), ("ordinal", 0.2860)]
)
def test_alpha_of_simplicity_ratings(realdata, scale, value):
    path = realdata / "simplicity_da" / "ratings.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    unit = {key: at for at, key in enumerate({(r["item"], r["system"]) for r in rows})}
    rater = {key: at for at, key in enumerate({r["rater"] for r in rows})}
    ratings = np.full((len(unit), len(rater)), np.nan)
    for row in rows:
        ratings[unit[row["item"], row["system"]], rater[row["rater"]]] = row["value"]
    got = alpha(ratings, scale=scale)
    assert got.value == pytest.approx(value, abs=5e-5)
    assert (got.n, got.dropped) == (600, 0)
