"""What ratings show of metrics."""

import pytest
from report_study import Maker
from reported_studies import a_run

from harness.diagnosis.outputs.subject import subject_of
from harness.diagnosis.people import check_people
from harness.diagnosis.stopping import check_stopping
from harness.diagnosis.verdict import causes
from harness.report import report
from harness.study import StudyFile


def looked_at(folder, liked):
    study = StudyFile(folder / "s.db")
    a_run(Maker(study), liked)
    subject = subject_of(study, "rewrite")
    found = check_people(subject, report(study, draws=200).tasks[0])
    stopping = check_stopping(None, subject).checks[0]
    study.close()
    return {one.name: one for one in found.checks}, found, stopping


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """Metrics improve at each step; people like the middle best."""
    return looked_at(tmp_path_factory.mktemp("apart"), (2.0, 3.6, 3.4, 1.6))


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """Metrics and ratings improve at each step."""
    return looked_at(tmp_path_factory.mktemp("together"), (1.5, 2.5, 3.5, 4.5))


def test_metrics_that_rise_while_ratings_fall_mislead(apart):
    checks, found, _ = apart
    assert checks["metrics_rise_ratings_fall"].status == "failure"
    assert "while ratings of meaning fall" in checks["metrics_rise_ratings_fall"].says
    assert causes(found.checks)[0].cause == "metric_misleads"


def test_outputs_that_a_metric_praises_and_people_reject_are_shown(apart):
    checks, *_ = apart
    rejected = checks["praised_and_rejected"]
    assert rejected.status == "warning"
    assert rejected.examples[0].where.startswith("run-900")


def test_the_best_step_is_another_by_ratings(apart):
    *_, stopping = apart
    assert stopping.status == "notice"
    assert "by bleu 900, by ratings of meaning 300" in stopping.says
    assert "keep the checkpoint that people prefer" in stopping.says


def test_metrics_and_people_that_agree_have_no_finding(together):
    checks, found, stopping = together
    assert {one.status for one in checks.values()} == {"fine"}
    assert causes(found.checks) == ()
    assert stopping.status == "fine"


def test_few_ratings_say_nothing(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    maker = Maker(study)
    maker.items(*((str(n), f"say {n}", (f"it is {n}",)) for n in range(6)))
    maker.checkpoint("a", {str(n): f"it is {n}" for n in range(6)})
    maker.rate("ann", "meaning", {("a", str(n)): float(n) for n in range(5)})
    found = check_people(subject_of(study, "rewrite"), report(study).tasks[0])
    assert found.checks == ()
    assert {one.reason for one in found.not_checked} == {
        "it needs 30 rated outputs, and there are 5"
    }
    study.close()


def test_ratings_drawn_at_random_are_not_followed_by_any_metric(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    a_run(Maker(study), (3.0, 3.0, 3.0, 3.0))
    found = check_people(subject_of(study, "rewrite"), report(study).tasks[0])
    [agreement] = [one for one in found.checks if one.name == "metric_agreement"]
    assert agreement.status == "warning"
    study.close()
