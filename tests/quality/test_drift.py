"""Drift: anchors judged by hand and by raters who change their measure."""

import json

import numpy as np
import pytest
from rating_study import add_outputs
from scipy import stats
from simulated_raters import Habit, Simulation, a_campaign, text_of

from harness.quality import drift
from harness.report import report


def waves(path, before, after, **rating):
    """Drift of a campaign whose raters have other habits in its second wave."""
    plain = {"gold": 0, "repeat_rate": 0.0, "degraded_rate": 0.0}
    plan = {"items": 20, "checkpoints": 2, "raters_per_output": 2}
    study, campaign = a_campaign(path, **plan, **plain, **rating)
    Simulation(study, campaign, before, seed=1).work()
    add_outputs(study, items=20, checkpoints=4, text=text_of)
    Simulation(study, campaign, after, seed=2).work()
    return study, campaign


def habits(shift=0.0):
    return {f"rater {number}": Habit(noise=0.4, shift=shift) for number in range(2)}


@pytest.fixture(scope="module")
def drifted(tmp_path_factory):
    return waves(tmp_path_factory.mktemp("drift"), habits(), habits(-1.5))


def test_raters_who_became_more_severe_are_found(drifted):
    [found] = drift(*drifted)
    assert (found.wave, found.criterion, found.difference.n) == (2, "meaning", 8)
    assert found.difference.value < -0.5
    assert found.difference.high < 0
    assert found.p < 0.02
    assert found.same_raters.value < -0.5
    assert found.same_raters_p < 0.02


def test_the_difference_is_that_of_the_anchors_means(drifted):
    study, campaign = drifted
    rows = study.rows(
        "SELECT anchors.id, avg(CASE WHEN units.kind = 'normal' THEN value END) AS a, "
        "avg(CASE WHEN units.kind = 'anchor' THEN value END) AS b "
        "FROM units AS anchors JOIN units ON units.id IN (anchors.id, anchors.copy_of) "
        "JOIN current_ratings ON current_ratings.unit = units.id "
        "AND current_ratings.kind = units.kind "
        "WHERE anchors.kind = 'anchor' GROUP BY anchors.id"
    )
    changes = np.array([row["b"] - row["a"] for row in rows])
    [found] = drift(study, campaign)
    assert found.difference.value == pytest.approx(changes.mean())
    exact = stats.permutation_test(
        (changes,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert found.p == pytest.approx(exact.pvalue, abs=0.01)


def test_the_report_says_so(drifted):
    study, _ = drifted
    [task] = report(study, draws=20).tasks
    [note] = [note for note in task.notes if note.startswith("Drift")]
    assert "8 units that had been judged before came out -" in note


def test_raters_who_stay_as_they_are_show_no_drift(tmp_path):
    [found] = drift(*waves(tmp_path, habits(), habits()))
    assert found.difference.n == 8
    assert found.p > 0.05
    assert json.loads(json.dumps(found.as_json()))["wave"] == 2


def test_other_raters_in_the_second_wave_leave_the_same_ones_unknown(tmp_path):
    after = {f"new {number}": habit for number, habit in enumerate(habits().values())}
    [found] = drift(*waves(tmp_path, habits(), after))
    assert found.difference.n == 8
    assert found.same_raters.value is None
    assert found.same_raters_p is None


def test_in_comparisons_drift_is_towards_the_later_checkpoint(tmp_path):
    before = {f"rater {number}": Habit(noise=0.2) for number in range(2)}
    found = drift(*waves(tmp_path, before, before, scheme="pairwise", pairs="neighbours"))
    assert [one.wave for one in found] == [2]
    assert -1 <= found[0].difference.value <= 1
    assert abs(found[0].difference.value) < 0.3


def test_without_a_second_wave_there_is_nothing_to_say(tmp_path):
    study, campaign = a_campaign(tmp_path, items=4, checkpoints=1)
    Simulation(study, campaign, habits()).work()
    assert drift(study, campaign) == []
