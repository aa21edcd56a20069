"""Results with and without careless raters, against reports without their ratings."""

import csv
import json
from io import StringIO

import pytest
from report_study import Maker
from reported_studies import KEYS, RATERS, study_of

from harness.report import report
from harness.reporting import render
from harness.study.checkpoints import stored_checkpoints
from harness.study.items import stored_items


@pytest.fixture(scope="module", params=["raw", "z", "adjusted"])
def both(request, tmp_path_factory):
    """The report with everybody, and one of a study that never had the odd one."""
    folder = tmp_path_factory.mktemp("both")
    made = []
    for name, careless in (("with", True), ("without", False)):
        study = study_of(folder / name, RATERS, careless=careless)
        made.append(report(study, human=request.param, draws=50))
        study.close()
    return made


def test_without_the_careless_all_is_as_if_they_had_never_rated(both):
    [task], [expected] = (one.tasks for one in both)
    assert [one.rater for one in task.careless] == ["odd"]
    assert (task.recount.raters, task.recount.ratings) == (("odd",), 2 * len(KEYS))
    [found] = task.recount.criteria
    for checkpoint in expected.checkpoints:
        value = found.means[checkpoint.label].without.value
        assert value == pytest.approx(checkpoint.human["meaning"].value)
    alpha = expected.raters.alpha["meaning"].value
    assert found.alpha.without.value == pytest.approx(alpha)
    for one in expected.agreement:
        without = found.kendall[one.signature].without
        assert without.value == pytest.approx(one.segment["item"].kendall.value)
        assert without.n == one.segment["item"].kendall.n
    assert expected.recount is None


def test_the_main_figures_keep_everybody(both):
    [task] = both[0].tasks
    [found] = task.recount.criteria
    for checkpoint in task.checkpoints:
        assert found.means[checkpoint.label].all == checkpoint.human["meaning"]
    assert found.alpha.all == task.raters.alpha["meaning"]
    assert task.raters.ratings == 2 * len(KEYS) * 4
    assert task.raters.count == 4


def test_the_verdict_says_where_another_checkpoint_comes_first(both):
    [task], [expected] = (one.tasks for one in both)
    [found] = task.recount.criteria
    firsts = [
        next(lead.best for lead in of.leads if lead.kind == "criterion")
        for of in (task, expected)
    ]
    assert list(found.best) == firsts == ["old", "new"]
    assert found.turned
    said = "Without odd, whose work looks careless, new rather than old comes first on"
    assert said in task.verdict
    assert "careless" not in expected.verdict


@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_every_rendering_shows_both(both, form):
    page = render(both[0], form)
    assert "meaning with and without the careless" in page
    assert "With and without odd, whose work looks careless (60 ratings)" in page
    assert "chrf, tau within items" in page
    assert "without the careless" not in render(both[1], form)


def test_the_json_has_both(both):
    one, other = (json.loads(render(made, "json"))["tasks"][0] for made in both)
    found = one["raters"]["without_careless"]
    assert found["raters"] == ["odd"]
    assert found["criteria"]["meaning"]["best"] == {"all": "old", "without": "new"}
    assert set(found["criteria"]["meaning"]["alpha"]) == {"all", "without"}
    assert other["raters"]["without_careless"] is None


def test_a_severe_rater_is_flagged_but_not_left_out(tmp_path):
    study = study_of(tmp_path / "s", RATERS, severe=True)
    [task] = report(study, draws=20).tasks
    [campaign] = task.campaigns
    flags = {one.quality.rater: one.quality.warnings for one in campaign.raters}
    assert any("more severe" in flag for flag in flags["ann"])
    assert task.careless == []
    assert task.recount is None


def test_both_ways_are_rows_of_the_csv_report(both):
    rows = list(csv.DictReader(StringIO(render(both[0], "csv"), newline="")))
    found = [row for row in rows if row["part"] == "recount"]
    [one] = both[0].tasks[0].recount.criteria
    told = {r["raters"]: float(r["value"]) for r in found if r["statistic"] == "alpha"}
    assert told == {"all": one.alpha.all.value, "without": one.alpha.without.value}
    assert len(found) == 2 * (1 + len(one.means) + len(one.kendall))


def test_where_everybody_is_careless_nothing_is_left_and_that_is_said(tmp_path):
    maker = Maker(study_of(tmp_path / "s", ()))
    maker.made = {item.key: item for item in stored_items(maker.study, maker.task)}
    maker.checkpoints = {one.name: one for one in stored_checkpoints(maker.study)}
    same = dict.fromkeys([(name, k) for name in ("old", "new") for k in KEYS], 3.0)
    maker.rate("odd", "meaning", same)
    [task] = report(maker.study, draws=20).tasks
    assert [one.rater for one in task.careless] == ["odd"]
    [found] = task.recount.criteria
    assert found.means["new"].without.method.endswith("only careless raters rated it")
    assert found.best[1] is None
    assert not found.turned
    assert "comes first on" not in task.verdict
