"""Thresholds of warnings, by hand: from where on something is said, and no earlier."""

from dataclasses import replace

import pytest

from harness.quality.model import Hits, RaterQuality, Repeats
from harness.quality.warnings import warnings
from harness.types import Estimate

NONE = Estimate(None)
CAREFUL = RaterQuality(
    rater="ana",
    kind="person",
    rated=100,
    skipped=0,
    flagged=0,
    seconds=10.0,
    agreement=Estimate(0.6, 0.5, 0.7, n=80),
    severity=Estimate(-0.1, -0.3, 0.1, n=80),
    gold=Hits(9, 10),
    repeats=Repeats(10, 0.6, 0.5, 1.2),
    degraded=Hits(9, 10, 0.02),
    longest_run=4,
    commonest=0.4,
    left=NONE,
)
OTHERS = [replace(CAREFUL, rater=name) for name in ("ben", "cem", "dia")]


def said(**changes):
    return warnings(replace(CAREFUL, **changes), OTHERS, 4)


def test_nothing_is_said_of_careful_work():
    assert said() == ()
    assert warnings(CAREFUL, [], 4) == ()


@pytest.mark.parametrize(
    ("field", "fine", "doubtful", "words"),
    [
        ("gold", Hits(5, 10), Hits(4, 10), "4 of 10 gold answers are right"),
        ("gold", Hits(0, 2), Hits(1, 5), "1 of 5 gold"),
        ("degraded", Hits(5, 10, 0.19), Hits(5, 10, 0.4), "hardly told"),
        ("degraded", Hits(2, 9, 0.9), Hits(0, 10, None), "0 of 10 were put below"),
        ("repeats", Repeats(14, 0.2, 1.0, 1.2), Repeats(15, 0.2, 1.0, 1.2), "1.00"),
        (
            "repeats",
            Repeats(15, 0.2, 0.95, 1.2),
            Repeats(15, 0.2, 1.0, 1.2),
            "second answers are 1.00 points from the first, where chance gives 1.20",
        ),
        (
            "agreement",
            Estimate(0.2, -0.1, 0.65, n=80),
            Estimate(0.1, -0.1, 0.65, n=80),
            "hardly agrees",
        ),
        (
            "agreement",
            Estimate(0.25, 0.1, 0.5, n=80),
            Estimate(0.2, 0.1, 0.5, n=80),
            "correlation 0.20, their median 0.60",
        ),
        (
            "severity",
            Estimate(-0.7, -0.9, -0.5, n=80),
            Estimate(-0.9, -1.1, -0.7, n=80),
            "more severe than the others by 0.90 points",
        ),
        (
            "severity",
            Estimate(0.9, -0.1, 1.9, n=80),
            Estimate(0.9, 0.1, 1.7, n=80),
            "milder",
        ),
        ("commonest", 0.85, 0.95, "the same answer in 95% of cases"),
        ("longest_run", 14, 15, "15 times in a row"),
        ("seconds", 4.0, 3.0, "takes 3 s for a unit, where the others' median is 10 s"),
        (
            "left",
            Estimate(0.64, n=80),
            Estimate(0.34, n=80),
            "preferred the right one in 66% of decided comparisons",
        ),
        ("left", Estimate(0.7, n=20), Estimate(0.85, n=20), "preferred the left one"),
    ],
)
def test_something_is_said_from_the_threshold_on(field, fine, doubtful, words):
    assert said(**{field: fine}) == ()
    [warning] = said(**{field: doubtful})
    assert words in warning


@pytest.mark.parametrize(
    "few",
    [
        {"agreement": Estimate(0.0, -0.5, 0.5, n=19)},
        {"severity": Estimate(-3.0, -3.5, -2.5, n=19)},
        {"left": Estimate(1.0, n=19)},
        {"commonest": 1.0, "rated": 19},
        {"seconds": 0.5, "rated": 19},
    ],
)
def test_few_answers_say_nothing(few):
    assert said(**few) == ()


def test_one_answer_for_everything_is_fine_where_all_do_so():
    alike = [replace(one, commonest=0.9) for one in OTHERS]
    assert warnings(replace(CAREFUL, commonest=0.97), alike, 4) == ()
