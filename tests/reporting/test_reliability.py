"""What the report says of those who rated: their agreement and their severity."""

import json

import numpy as np
import pytest
from report_study import fill

from harness.report import report
from harness.reporting import render
from harness.reporting.rater_tables import RATERS_SHOWN, severest
from harness.stats.chance import gwet
from harness.stats.icc import icc
from harness.stats.severity import severities

CHECKPOINTS = ("bad", "good")
ITEMS = 20
SEVERITY = {"ann": -0.6, "ben": 0.0, "cem": 0.6}


@pytest.fixture
def ratings():
    """Rater to rating of (checkpoint, key): ann is severe, cem is lenient."""
    rng = np.random.default_rng(4)
    quality = {
        (name, str(n)): 2.5 + (name == "good") + rng.normal(0, 0.5)
        for name in CHECKPOINTS
        for n in range(ITEMS)
    }
    return {
        rater: {
            place: float(np.clip(round(own + shift + rng.normal(0, 0.3)), 1, 5))
            for place, own in quality.items()
        }
        for rater, shift in SEVERITY.items()
    }


@pytest.fixture
def rated_by(maker):
    """A function that makes a study of what raters said of two checkpoints."""

    def make(ratings, criterion="meaning"):
        maker.metrics = ("exact_match",)
        maker.items(*((str(n), f"say {n}", (f"word {n}",)) for n in range(ITEMS)))
        for name in CHECKPOINTS:
            maker.checkpoint(name, {str(n): f"{name} {n}" for n in range(ITEMS)})
        for rater, given in ratings.items():
            maker.rate(rater, criterion, given)
        return report(maker.study, draws=100)

    return make


def table(ratings):
    return np.array([list(given.values()) for given in ratings.values()]).T


def test_agreement_and_severity_are_those_of_the_statistics(rated_by, ratings):
    [one] = rated_by(ratings).tasks[0].reliability
    matrix = table(ratings)
    assert one.icc.value == pytest.approx(icc(matrix, draws=0).value)
    means = icc(matrix, averaged=True, draws=0)
    assert one.icc_of_means.value == pytest.approx(means.value)
    expected = gwet(matrix, range(1, 6), weighting="quadratic", draws=0)
    assert one.ac2.value == pytest.approx(expected.value)
    fitted = severities(matrix)
    assert one.noise_sd == pytest.approx(fitted.noise_sd)
    found = {rater.rater: rater.severity for rater in one.raters}
    assert found == pytest.approx(dict(zip(ratings, fitted.of_rater, strict=True)))
    assert found["ann"] < -0.3 < 0.3 < found["cem"]
    assert [rater.ratings for rater in one.raters] == [2 * ITEMS] * 3


def test_adjusted_means_undo_who_happened_to_rate_what(rated_by, ratings):
    # The severe one rates all of the good, the lenient one all of the bad checkpoint.
    some = {
        "ann": {k: v for k, v in ratings["ann"].items() if k[0] == "good"},
        "ben": ratings["ben"],
        "cem": {k: v for k, v in ratings["cem"].items() if k[0] == "bad"},
    }
    [task] = rated_by(some).tasks
    [one] = task.reliability
    raw = {c.label: c.human["meaning"].value for c in task.checkpoints}
    adjusted = {label: found.value for label, found in one.adjusted.items()}
    assert adjusted["good"] - adjusted["bad"] > raw["good"] - raw["bad"] + 0.2
    assert "less each rater's severity" in one.adjusted["good"].method
    assert one.adjusted["good"].n == ITEMS


def test_one_rater_gives_a_sentence_and_no_numbers(rated_by, ratings):
    made = rated_by({"ann": ratings["ann"]})
    [one] = made.tasks[0].reliability
    assert (one.icc.value, one.ac2.value, one.severity_sd) == (None, None, None)
    assert one.adjusted == {}
    for form in ("text", "md", "html"):
        page = render(made, form)
        assert "unknown (fewer than two raters)" in page
        assert "ICC" not in page
        assert "adjusted for severity" not in page


def test_raters_who_share_nothing_give_a_sentence(rated_by, ratings):
    apart = {
        rater: {k: v for k, v in given.items() if k[0] == name}
        for (rater, given), name in zip(ratings.items(), CHECKPOINTS, strict=False)
    }
    made = rated_by(apart)
    assert made.tasks[0].reliability[0].icc.value is None
    page = render(made, "text")
    assert "unknown (no unit was rated by two raters)" in page
    assert "ICC" not in page


@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_every_rendering_shows_severity_and_adjusted_means(rated_by, ratings, form):
    page = render(rated_by(ratings), form)
    for said in ("ICC(1)", "ICC(1,k)", "AC2", "severity", "noise", "cem"):
        assert said in page
    assert "adjusted for severity" in page


def test_the_json_has_reliability_beside_alpha(rated_by, ratings):
    [task] = json.loads(render(rated_by(ratings), "json"))["tasks"]
    assert set(task["raters"]["alpha"]) == {"meaning"}
    one = task["raters"]["reliability"]["meaning"]
    assert set(one["ac2"]) == set(one["icc"]) == set(one["adjusted"]["good"])
    assert {r["rater"] for r in one["raters"]} == set(SEVERITY)
    assert one["raw"]["good"] == task["checkpoints"][1]["human"]["meaning"]
    assert set(one["z"]) == set(CHECKPOINTS)


def test_ac2_is_not_given_where_the_points_are_unknown(rated_by, ratings):
    [one] = rated_by(ratings, "other").tasks[0].reliability
    assert one.ac2.value is None
    assert "not known" in one.ac2.method
    assert one.icc.value is not None


@pytest.mark.slow
def test_of_many_raters_the_most_unlike_are_named(maker):
    kinds = ("person",) * (RATERS_SHOWN + 2)
    made = report(fill(maker, items=3, kinds=kinds).study, draws=20)
    one = made.tasks[0].reliability[1]
    shown = severest(one)
    sizes = [abs(rater.severity) for rater in shown]
    assert len(shown) == RATERS_SHOWN
    assert sizes == sorted(sizes, reverse=True)
    for form in ("text", "md", "html"):
        assert "2 more raters: see the JSON report." in render(made, form)
