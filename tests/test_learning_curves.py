"""Two training runs of the demonstration, from their folders to one report."""

import csv
import io
import json

import pytest
from fakes import write_rows

from harness.checkpoints import find_checkpoints, run_folder
from harness.compare import compare
from harness.logs import merged, read_training
from harness.report import report
from harness.reporting import render
from harness.reporting.configurations import configurations
from harness.reporting.curves import curves
from harness.run import run
from harness.study import StudyFile
from harness.task import load_tasks

TASK = """
name: verses
data: verses.jsonl
prompt: "{{ source }}\\n=>"
references: [target]
generation: {max_new_tokens: 8, stop: ["\\n"]}
metrics: [chrf, perplexity]
"""
RATES = {"low": 1e-4, "high": 3e-3}


def train_all(folder):
    """A run of few steps at each rate, its data named beside the checkpoints."""
    from harness.demo.model import BASE_FOLDER, load
    from harness.demo.tasks import task_data
    from harness.demo.training import Plan, quiet, train

    data = task_data("modernize")
    rows, held_out = data.training_pairs()[:64], data.validation_pairs()[:8]
    for name, rate in RATES.items():
        plan = Plan(8, rate, warmup_steps=1, batch_size=8, checkpoints=3)
        with quiet():
            model, tokenizer = load(BASE_FOLDER)
        train(model, tokenizer, plan, folder / name, data=(rows, held_out))
        write_rows(folder / name / "train.jsonl", rows[: len(name) * 10])
        settings = {"train_file": "train.jsonl", "hub_token": "secret"}
        (folder / name / "run.json").write_text(json.dumps(settings))
    (folder / "task.yaml").write_text(TASK)
    write_rows(folder / "verses.jsonl", held_out[:6])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("runs")
    train_all(made)
    return made


@pytest.fixture(scope="module")
def study(folder):
    made = StudyFile(folder / "study.db")
    evaluate(made, folder)
    yield made
    made.close()


@pytest.fixture(scope="module")
def made(study):
    return report(study, draws=20)


def evaluate(study, folder):
    specs = [f"{name}={folder}/{name}/checkpoint-*" for name in RATES]
    return run(study, load_tasks(str(folder / "task.yaml")), specs)


def test_what_training_logged_stands_in_the_study(study, folder):
    for name in RATES:
        log = merged(read_training(folder / name))
        for quantity in ("train_loss", "eval_loss", "learning_rate"):
            rows = study.rows(
                "SELECT step, value FROM learning_curves "
                "WHERE series = ? AND name = ? ORDER BY step",
                [name, quantity],
            )
            curve = log.curves[quantity]
            assert [row["step"] for row in rows] == curve.steps.tolist()
            assert [row["value"] for row in rows] == curve.values.tolist()
            assert len(rows) >= 7


def test_a_second_run_adds_no_point(study, folder):
    before = study.column("SELECT count(*) FROM training_points")
    evaluate(study, folder)
    assert study.column("SELECT count(*) FROM training_points") == before


def test_the_figure_has_losses_above_and_metrics_below_over_the_same_steps(made):
    low, high = curves(made.tasks[0])[::-1]
    assert (low.series, high.series) == ("low", "high")
    axes = {trace.name: trace.yaxis for trace in low.figure.data}
    assert axes["training loss"] == axes["held-out loss"] == "y2"
    below = [trace for trace in low.figure.data if trace.yaxis != "y2"]
    assert {trace.name.partition(" ")[0] for trace in below} == {"chrf", "perplexity"}
    assert {trace.xaxis or "x" for trace in low.figure.data} == {"x"}
    layout = low.figure.layout
    assert layout.yaxis.domain[1] < layout.yaxis2.domain[0]
    assert 'class="plot tall curves losses"' in render(made, "html")


def test_every_form_has_the_curves(made):
    [task] = json.loads(render(made, "json"))["tasks"]
    curve = {(c["series"], c["name"]): c for c in task["learning_curves"]}
    eval_loss = curve["high", "eval_loss"]
    assert eval_loss["steps"][0] == 0
    assert eval_loss["steps"][-1] == 8
    assert eval_loss["not_finite"] == {"n": 0, "at": []}
    assert eval_loss["points"] == len(eval_loss["values"])
    rows = [
        row
        for row in csv.DictReader(io.StringIO(render(made, "csv")))
        if row["part"] == "learning curve" and row["statistic"] == "eval_loss"
    ]
    of_high = [float(row["value"]) for row in rows if row["series"] == "high"]
    assert of_high == eval_loss["values"]
    text = render(made, "md")
    assert "| step | training loss | held-out loss | chrf | perplexity ↓ |" in text
    last = f"{eval_loss['values'][-1]:.2f}"
    [row] = [line for line in text.splitlines() if line.startswith("| 8 | ")][:1]
    assert last in row.split(" | ")[2]


def test_series_differ_by_rate_and_data_whoever_wrote_that_down(made):
    found = configurations(made.tasks[0])
    assert found.settings[:2] == ("learning_rate", "data_fingerprint")
    rates = {row.series: row.settings[0] for row in found.rows}
    assert rates == {"low": "0.0001", "high": "0.003"}
    data = {row.series: row.settings[1] for row in found.rows}
    assert len({*data.values()}) == 2
    assert all(len(digits) == 12 for digits in data.values())
    known = made.tasks[0].checkpoints[0].configuration
    assert (known["batch_size"], known["max_steps"]) == (8, 8)
    assert "per_device_train_batch_size" not in known
    assert "secret" not in render(made, "json")


def test_checkpoints_of_two_series_are_compared(study):
    [found] = compare(study, "low/checkpoint-8", "high/checkpoint-8", draws=20)
    assert len(found.rows) == 2
    assert all(row.difference.value is not None for row in found.rows)


def test_the_run_of_a_checkpoint_is_the_folder_above(folder, tmp_path):
    [one] = find_checkpoints([f"{folder}/low/checkpoint-8"])
    assert run_folder(one) == folder / "low"
    (folder / "low" / "final").mkdir()
    [one] = find_checkpoints([f"{folder}/low/final"])
    assert run_folder(one) == folder / "low"
    (tmp_path / "model").mkdir()
    [one] = find_checkpoints([f"{tmp_path}/model"])
    assert run_folder(one) == tmp_path / "model"
