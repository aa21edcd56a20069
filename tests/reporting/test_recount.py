"""Results with and without careless raters, against reports without their ratings."""

import csv
import json
from io import StringIO

import pytest
from report_study import Maker
from reported_studies import (
    KEYS,
    RATERS,
    a_compared_study_with_odd,
    study_of,
)

from harness.report import report
from harness.reporting import render
from harness.reporting.rater_tables import of_recount
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
    assert task.sentences[1] == (
        "Next: look at the answers of odd, which look careless and without which new "
        "rather than old comes first on meaning."
    )
    assert "Without, new rather than old comes first on meaning." in of_recount(task)
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


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    """Reports on comparisons with the odd rater, and without them."""
    folder = tmp_path_factory.mktemp("chosen")
    made = []
    for careless in (True, False):
        study = a_compared_study_with_odd(folder / f"{careless}.db", careless=careless)
        made.append(report(study, draws=50))
        study.close()
    return made


def test_choices_without_the_careless_are_as_if_they_had_never_compared(chosen):
    [task], [expected] = (one.tasks for one in chosen)
    assert (task.recount.raters, task.recount.ratings) == (("Odd",), 0)
    assert task.recount.comparisons == 36
    [found], [all_], [without] = (
        task.recount.preferences,
        task.preferred,
        expected.preferred,
    )
    for label in ("ckpt-0", "ckpt-1"):
        rate, strength = found.win_rates[label], found.strengths[label]
        assert rate.all == all_.checkpoints[label].win_rate
        assert rate.without == without.checkpoints[label].win_rate
        assert strength.without == without.checkpoints[label].strength
    assert (found.alpha.all, found.alpha.without) == (all_.alpha, without.alpha)
    assert found.best == ("ckpt-0", "ckpt-1")
    assert "without which ckpt-1 rather than ckpt-0 comes first" in task.sentences[1]
    assert expected.recount is None


def test_choices_both_ways_are_in_every_rendering(chosen):
    made, _ = chosen
    for form in ("text", "md", "html"):
        page = render(made, form)
        assert "Choices on meaning with and without the careless" in page
        assert "whose work looks careless (36 comparisons)" in page
    [one] = json.loads(render(made, "json"))["tasks"]
    told = one["raters"]["without_careless"]["preferences"]["meaning"]
    assert told["best"] == {"all": "ckpt-0", "without": "ckpt-1"}
    assert set(told["win_rates"]["ckpt-0"]) == {"all", "without"}
    rows = csv.DictReader(StringIO(render(made, "csv"), newline=""))
    found = [row for row in rows if row["part"] == "recount of choices"]
    assert len(found) == 2 * (1 + 2 + 2)
