"""Where raters' quality is shown: the command line and the notes of reports."""

import json
import sys

import pytest
from simulated_raters import Habit, Simulation, a_campaign

from harness.cli import main
from harness.report import report


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shown")
    plan = {"items": 25, "checkpoints": 2, "raters_per_output": 3, "gold": 9}
    study, campaign = a_campaign(folder, **plan)
    odd = {"severe": Habit(shift=-2.0, noise=0.3)}
    habits = {f"honest {number}": Habit(noise=0.3) for number in range(2)} | odd
    Simulation(study, campaign, habits).work()
    return study


def call(study, monkeypatch, capsys, *options):
    command = ["harness", "list", "raters", "--db", str(study.path), *options]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as caught:
        main()
    assert not caught.value.code
    return capsys.readouterr().out


def test_raters_are_listed_with_what_looks_wrong(study, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    out = call(study, monkeypatch, capsys)
    [line] = [line for line in out.splitlines() if "Mind" in line]
    assert line.startswith("Mind severe in modernize: ")
    assert "more severe than the others" in line
    assert "honest 1" in out


def test_the_list_as_json_holds_raters_and_drift(study, monkeypatch, capsys):
    found = json.loads(call(study, monkeypatch, capsys, "--json"))
    assert [one["rater"] for one in found["raters"]] == [
        "honest 0",
        "honest 1",
        "severe",
    ]
    assert found["raters"][2]["campaign"] == "modernize"
    assert found["drift"] == []


def test_the_report_names_who_may_need_a_look_and_that_they_count(study):
    [task] = report(study, draws=20).tasks
    [note] = [note for note in task.notes if "may need a look" in note]
    assert note.startswith("1 of 3 raters of campaign modernize may need a look")
    assert "all still count: severe (" in note
    assert task.raters.count == 3
