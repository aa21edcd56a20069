"""ICC(1) and ICC(1,k): the textbook example, an analysis of variance, simulation."""

import gzip
import json

import numpy as np
import pytest

from harness.errors import UsageError
from harness.stats.icc import icc

NONE = np.nan
# Shrout and Fleiss 1979, table 2: 6 targets, 4 judges; ICC(1,1) .17, ICC(1,4) .44.
SHROUT = np.array(
    [
        [9, 2, 5, 8],
        [6, 1, 3, 2],
        [8, 4, 6, 8],
        [7, 1, 2, 6],
        [10, 5, 6, 9],
        [6, 2, 4, 7],
    ],
    dtype=float,
)


def by_anova(rows):
    """From sums of squares, unit by unit."""
    units = [[v for v in row if not np.isnan(v)] for row in rows]
    units = [unit for unit in units if len(unit) > 1]
    everything = [v for unit in units for v in unit]
    grand, total = np.mean(everything), len(everything)
    between = sum(len(u) * (np.mean(u) - grand) ** 2 for u in units) / (len(units) - 1)
    within = sum((v - np.mean(u)) ** 2 for u in units for v in u) / (total - len(units))
    each = (total - sum(len(u) ** 2 for u in units) / total) / (len(units) - 1)
    single = (between - within) / (between + (each - 1) * within)
    return single, (between - within) / between


def test_the_example_of_shrout_and_fleiss():
    assert icc(SHROUT).value == pytest.approx(0.17, abs=0.005)
    assert icc(SHROUT, averaged=True).value == pytest.approx(0.44, abs=0.005)


def test_any_number_of_ratings_a_unit_as_by_analysis_of_variance():
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(50, 1)) + rng.normal(size=(50, 6))
    rows[rng.random(rows.shape) < 0.5] = NONE
    single, averaged = by_anova(rows)
    assert icc(rows).value == pytest.approx(single)
    assert icc(rows, averaged=True).value == pytest.approx(averaged)


def test_units_with_one_rating_are_counted_as_dropped():
    rows = np.array([[1, 2], [3, 3], [5, NONE], [NONE, NONE]])
    assert (icc(rows).n, icc(rows).dropped) == (2, 1)


def test_what_cannot_be_known_says_why():
    assert "fewer than two units" in icc(np.array([[1.0, 2.0]])).method
    assert "all ratings are the same" in icc(np.ones((4, 2))).method


def test_another_shape_is_refused():
    with pytest.raises(UsageError, match="shape"):
        icc(np.ones(3))


def test_the_interval_holds_the_truth_as_often_as_it_says():
    # Unit variance 1, rater noise 1: half of the variance lies between units.
    rng = np.random.default_rng(4)
    held = 0
    for seed in range(200):
        rows = rng.normal(size=(120, 1)) + rng.normal(size=(120, 3))
        got = icc(rows, draws=300, seed=seed)
        held += got.low <= 0.5 <= got.high
    assert 0.89 <= held / 200 <= 0.99


@pytest.mark.realdata
def test_the_published_figures_hide_severity(realdata):
    """Each rater's z-scores give .386 and .904; the ratings as given agree far less."""
    with gzip.open(realdata / "simplicity_da" / "ratings.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in file]
    by_rater, raw, scored = {}, {}, {}
    for row in rows:
        by_rater.setdefault(row["rater"], []).append(row["value"])
    for row in rows:
        of, output = by_rater[row["rater"]], (row["item"], row["system"])
        raw.setdefault(output, []).append(row["value"])
        scored.setdefault(output, []).append((row["value"] - np.mean(of)) / np.std(of))
    z = np.array(list(scored.values()))
    assert z.shape == (600, 15)
    assert icc(z, draws=50).value == pytest.approx(0.386, abs=5e-4)
    assert icc(z, averaged=True, draws=50).value == pytest.approx(0.904, abs=5e-4)
    assert icc(np.array(list(raw.values()), dtype=float), draws=50).value < 0.32
