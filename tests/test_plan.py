"""harness plan: from ratings so far, from comparisons, and before there are any."""

import json
import sys
from dataclasses import replace

import pytest
from fakes import write_rows
from raters_at_work import COMPARED
from rating_study import a_study, a_task
from report_study import Maker, fill
from reporting.test_preferred import a_compared_study, later_wins

import harness
from harness.cli import main
from harness.errors import NotFound, UsageError
from harness.importing import import_outputs, import_ratings
from harness.plan import outlook, plan
from harness.report import report
from harness.reporting.planned import plans_json, plans_text, sentences
from harness.reporting.power import plans_html, power_figure
from harness.stats.planning import Goal, Spread, detectable, prompts_needed
from harness.stats.typical import typical_ratings
from harness.study import StudyFile

EXACTLY_THESE = "exactly these prompts"


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    """25 prompts, four checkpoints, two raters of every output, a page in 8 s."""
    study = StudyFile(tmp_path_factory.mktemp("rated") / "s.db")
    fill(Maker(study), items=25)
    yield study
    study.close()


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    path = tmp_path_factory.mktemp("compared") / "s.db"
    study, _ = a_compared_study(path, "pairwise", later_wins)
    yield study
    study.close()


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Call `harness plan` in an empty folder; returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["harness", "plan", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        return (caught.value.code or 0, *capsys.readouterr())

    return call


def test_the_plan_follows_from_the_components_of_the_ratings(rated):
    [found] = plan(rated, "rewrite", "meaning", 0.3)
    basis = found.basis
    assert basis.measured
    assert basis.split
    assert (basis.prompts, basis.pairs, basis.shared) == (25, 6, 1.0)
    # Raters' noise is 0.5 and rounding to whole points.
    assert basis.rater_sd / 2**0.5 == pytest.approx((0.25 + 1 / 12) ** 0.5, abs=0.06)
    spread = Spread(basis.item_sd**2, basis.rater_sd**2)
    for raters in (1, 2, 3, 5):
        need = found.need(raters)
        assert need.prompts == prompts_needed(spread, Goal(0.3), raters)
        assert need.low < need.prompts < need.high
        assert need.ratings == 2 * raters * need.prompts
        assert need.minutes == pytest.approx(need.ratings * 8 / 60)


def test_too_few_prompts_for_exactly_these_are_said_to_never_do(rated):
    [found] = plan(rated, "rewrite", "meaning", 0.3)
    assert found.need(1, estimand=EXACTLY_THESE).prompts is None
    assert found.need(5, estimand=EXACTLY_THESE).prompts <= found.total == 25
    text = plans_text([found])
    assert "never reach the power about exactly these with 1 rater" in text
    assert "others like them must be added" in text


def test_a_metric_is_named_with_what_it_explains_elsewhere(rated):
    [found] = plan(rated, "rewrite", "meaning", 0.3)
    assert found.basis.metric in {"chrf", "bleu", "perplexity", "rouge1", "rougeL"}
    assert 0 < found.basis.r2 < 1
    assert found.basis.worth > 0
    assert f"{found.basis.metric} explains {found.basis.r2:.0%}" in plans_text([found])


def test_it_says_whether_the_metric_must_be_named_to_be_used(rated):
    [found] = plan(rated, "rewrite", "meaning", 0.3)
    best, default = found.basis.metric, found.basis.default
    [task] = report(rated, draws=20).tasks
    assert task.metric(task.combined[0].metric).label == default != best
    said = {
        name: " ".join(
            sentences(replace(found, basis=replace(found.basis, default=it)))
        )
        for name, it in (("other", default), ("same", best), ("none", None))
    }
    assert f"use {default} unless you name it" in said["other"]
    assert f"--with {best}" in said["other"]
    assert "use it without being told" in said["same"]
    assert "use no metric unless you name it" in said["none"]


def test_the_power_of_the_curves_is_reached_at_the_needed_number(rated):
    [found] = plan(rated, "rewrite", "meaning", 0.3)
    assert {(c.raters, c.metric) for c in found.curves} == {
        (k, m) for k in (1, 2, 3, 5) for m in (False, True)
    }
    for curve in found.curves:
        needed = found.need(curve.raters, metric=curve.metric).prompts
        for prompts, power in zip(curve.prompts, curve.power, strict=True):
            assert (power >= 0.8) == (prompts >= needed)


def test_comparisons_are_planned_as_win_rates(compared):
    [found] = plan(compared, "modernize", "meaning", 0.1)
    assert found.kind == "win rate"
    assert found.basis.measured
    # Equal outputs to some prompts are ties that nobody is asked about.
    need = found.need(1)
    assert need.prompts / 2 < need.ratings < need.prompts
    text = plans_text([found])
    assert "a win rate of 0.6 found" in text
    assert "comparisons" in text
    with pytest.raises(UsageError, match=r"at most 0\.5"):
        plan(compared, "modernize", "meaning", 0.6)


def test_ratings_from_elsewhere_need_no_task_file(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    numbers = range(10)
    outputs = [
        {"item": str(n), "system": s, "output": f"{s} {n}"}
        for s in "ab"
        for n in numbers
    ]
    write_rows(tmp_path / "o.jsonl", outputs)
    rows = [
        {**row, "rater": "ann", "criterion": "<b>fit", "value": 1 + k * k // 3 % 5}
        for k, row in enumerate(outputs)
    ]
    for row in rows:
        del row["output"]
    write_rows(tmp_path / "r.jsonl", rows)
    import_outputs(study, tmp_path / "o.jsonl", "news")
    import_ratings(study, tmp_path / "r.jsonl", "news")
    [found] = plan(study, "news", "<b>fit", 0.5)
    assert found.basis.measured
    assert not found.basis.split
    assert "a typical value, not measured here" in " ".join(plans_text([found]).split())
    assert "<b>" not in plans_html([found])
    study.close()


def test_before_anything_is_rated_typical_values_stand_in_and_say_so(call):
    code, out, _ = call("modernize", "--criterion", "meaning", "--detect", 0.6)
    assert code == 0
    assert "rests on typical values, WebNLG 2017 (semantics)" in " ".join(out.split())
    code, out, _ = call("modernize", "-c", "meaning", "--detect", 0.6, "--json")
    [found] = json.loads(out)
    # On a scale twice as long as WebNLG's.
    expected = prompts_needed(Spread(0.65**2, 2 * 0.57**2), Goal(0.3), 1)
    assert found["needs"][0]["prompts"] == expected
    assert found["needs"][0]["minutes"] is None
    assert found["basis"]["measured"] is False
    assert len(found["sentences"]) >= 4


def test_a_campaign_is_told_what_it_can_find_as_its_plan_says(tmp_path):
    study = a_study(tmp_path / "s.db", items=40, checkpoints=2)
    task = a_task(raters_per_output=2)
    spread = typical_ratings(4, points=True).spread()
    least = detectable(spread, Goal(1, total=40), 40, 2)
    said = outlook(study, task, 40)
    assert f"a difference of about {least:.2g} by meaning and a" in said
    assert said.endswith("(power 0.8, 2 raters of each output; more: harness plan)")
    compared = a_task(scheme="pairwise", criteria=COMPARED)
    assert "a win rate of about 0.69 by meaning" in outlook(study, compared, 40)
    study.close()


@pytest.mark.parametrize("prompts", [1, 2, 3])
def test_a_campaign_of_a_few_prompts_is_told_that_it_finds_nothing(tmp_path, prompts):
    study = a_study(tmp_path / "s.db", items=3, checkpoints=2)
    assert "can find no difference by meaning" in outlook(study, a_task(), prompts)
    study.close()


def test_the_command_says_what_python_says(call, rated, tmp_path):
    arguments = ["rewrite", "-c", "meaning", "--detect", 0.3, "--db", rated.path]
    code, out, _ = call(*arguments, "--power", 0.9)
    study = harness.Study(rated.path)
    assert code == 0
    assert out == plans_text(study.plan("rewrite", "meaning", 0.3, power=0.9))
    code, out, _ = call(*arguments, "--json")
    found = study.plan("rewrite", "meaning", 0.3)
    assert json.loads(out) == json.loads(json.dumps(plans_json(found)))
    code, _, err = call(*arguments, "--figure", tmp_path / "new" / "power.html")
    assert err == f"wrote {tmp_path / 'new' / 'power.html'}\n"
    assert (tmp_path / "new" / "power.html").stat().st_size > 1e6
    study.close()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["modernise", "-c", "meaning", "--detect", 1], "Did you mean 'modernize'?"),
        (["modernize", "-c", "meanin", "--detect", 1], "Did you mean 'meaning'?"),
        (["modernize", "-c", "meaning", "--detect", 0], "above 0"),
        (["modernize", "-c", "meaning", "--detect", -1], "above 0"),
        (["modernize", "-c", "meaning", "--detect", "nan"], "above 0"),
        (["modernize", "-c", "meaning", "--detect", 5], "differ by at most 4"),
        (["modernize", "-c", "meaning", "--detect", 1, "--power", 1], "power must be"),
        (["modernize", "-c", "meaning", "--detect", 1, "--power", -1], "power must be"),
        (["modernize", "-c", "meaning", "--detect", 1, "--db", "no.db"], "no.db"),
        (["modernize", "-c", "meaning"], "--detect"),
        (["-c", "meaning", "--detect", 1], "Missing argument"),
    ],
    ids=str,
)
def test_what_cannot_be_planned_is_refused_with_a_reason(call, arguments, told):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert told in err
    assert "Traceback" not in err


def test_a_criterion_of_no_known_scale_with_too_few_ratings_is_refused(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    write_rows(tmp_path / "o.jsonl", [{"item": "1", "system": "a", "output": "x"}])
    row = {"item": "1", "system": "a", "rater": "ann", "criterion": "fit", "value": 3}
    write_rows(tmp_path / "r.jsonl", [row])
    import_outputs(study, tmp_path / "o.jsonl", "news")
    import_ratings(study, tmp_path / "r.jsonl", "news")
    with pytest.raises(UsageError, match="scale is unknown"):
        plan(study, "news", "fit", 0.5)
    with pytest.raises(NotFound, match="task or suite"):
        plan(study, "old", "fit", 0.5)
    study.close()


def test_the_figure_has_a_line_for_each_way_of_rating(rated):
    [found] = plan(rated, "rewrite", "meaning", 0.3)
    figure = power_figure(found)
    assert len(figure.data) == 8
    looks = {(line.line.dash, line.line.width) for line in figure.data}
    assert len(looks) == 8
    assert [list(line.y) for line in figure.data] == [
        list(curve.power) for curve in found.curves
    ]


@pytest.mark.browser
def test_the_page_draws_its_figure_and_asks_nobody(opened, rated):
    found = plan(rated, "rewrite", "meaning", 0.3)
    with opened(plans_html(found)) as (tab, complaints, requests):
        assert tab.locator("#power-0 .scatterlayer .trace").count() == 8
        assert tab.locator("tbody tr").count() == 16
        assert complaints == []
        assert all(url.startswith("file:") for url in requests)
