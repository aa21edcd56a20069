"""The table of settings in which series differ, against their results."""

import json
from dataclasses import replace

import pytest
from report_study import Maker, fill

from harness.report import report
from harness.reporting import render
from harness.reporting.configurations import MOST_SETTINGS, configurations
from harness.study import StudyFile

HOSTILE = "</script><img src=x onerror=alert(1)>|\n# [a](http://x.y)"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    study = StudyFile(tmp_path_factory.mktemp("runs") / "study.db")
    maker = fill(Maker(study), items=4, series=("a", "b"))
    yield report(maker.study, draws=20)
    study.close()


def trained(made, **by_series):
    """The task, its series with these settings."""
    [task] = made.tasks
    checkpoints = tuple(
        replace(one, configuration=by_series[one.series]) for one in task.checkpoints
    )
    return replace(task, checkpoints=checkpoints)


def test_only_what_differs_is_shown(made):
    task = trained(made, a={"lr": 1e-4, "seed": 1, "r": 8}, b={"lr": 2e-4, "seed": 1})
    found = configurations(task)
    assert found.settings == ("lr", "r")
    assert [row.settings for row in found.rows] == [("0.0001", "8"), ("0.0002", "–")]


def test_each_series_best_result_stands_beside_it(made):
    task = trained(made, a={"lr": 1}, b={"lr": 2})
    found = configurations(task)
    names = [column.heading for column in found.columns]
    for row in found.rows:
        own = [one for one in task.checkpoints if one.series == row.series]
        meaning = row.best[names.index("meaning")]
        top = max(own, key=lambda one: one.human["meaning"].value)
        assert (meaning.checkpoint, meaning.value) == (top.name, top.human["meaning"])
        perplexity = row.best[names.index("perplexity ↓")]
        key = perplexity.column.key
        assert perplexity.value.value == min(one.metrics[key].value for one in own)


def test_a_setting_that_changed_in_a_series_is_told_in_order(made):
    task = trained(made, a={"size": 8, "peak_learning_rate": 1.0}, b={"size": 8})
    changed = [
        replace(one, configuration={"size": 8 * n, "peak_learning_rate": float(n)})
        for n, one in enumerate(task.checkpoints[:4], start=1)
    ]
    found = configurations(replace(task, checkpoints=(*changed, *task.checkpoints[4:])))
    assert found.rows[0].settings == ("8 → 16 → 24 → 32", "4")


@pytest.mark.parametrize(
    "by_series",
    [
        {"a": {}, "b": {}},
        {"a": {"lr": 1}, "b": {}},
        {"a": {"lr": 1}, "b": {"lr": 1}},
        {"a": {"output_dir": "a"}, "b": {"output_dir": "b"}},
    ],
    ids=["nothing known", "one known", "alike", "only the folder's name"],
)
def test_there_is_no_table_where(made, by_series):
    task = trained(made, **by_series)
    assert configurations(task) is None
    shown = render(replace(made, tasks=(task,)), "html")
    assert "How the series differ" not in shown


def test_every_rendering_has_the_table_and_hostile_settings_stay_text(made):
    task = trained(made, a={f"k{HOSTILE}": HOSTILE}, b={f"k{HOSTILE}": "x"})
    shown = replace(made, tasks=(task,))
    for form in ("text", "md", "html"):
        page = render(shown, form)
        assert "How the series differ" in page
    for form in ("md", "html"):
        assert "<img" not in render(shown, form).replace("\\<img", "")
    told = json.loads(render(shown, "json"))["tasks"][0]["checkpoints"][0]
    assert told["configuration"] == {f"k{HOSTILE}": HOSTILE}


def test_many_settings_are_counted(made):
    many = {f"k{n}": n for n in range(MOST_SETTINGS + 3)}
    found = configurations(trained(made, a=many, b={k: -v for k, v in many.items()}))
    assert len(found.settings) == MOST_SETTINGS
    assert found.left == 2  # k0 is 0 in both


def test_what_could_not_be_read_is_noted_once(maker):
    maker.items(("0", "say", ("yes",))).checkpoint("one", {"0": "yes"})
    maker.checkpoint("two", {"0": "yes"})
    configuration = {"values": {"lr": 1}, "problems": ["run/run.json: not valid JSON"]}
    maker.study.db.execute(
        "UPDATE checkpoints SET configuration = ?", [json.dumps(configuration)]
    )
    [task] = report(maker.study, draws=20).tasks
    assert task.notes.count("Not read: run/run.json: not valid JSON") == 1
    assert task.checkpoints[0].configuration == {"lr": 1}
