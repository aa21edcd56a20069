"""`trainer_state.json`, with all that the Trainer writes into it."""

import json
import math

import pytest

from harness.errors import InputError
from harness.logs import read_training

HISTORY = [
    {"step": 0, "eval_loss": 4.5, "eval_runtime": 1.0},
    {"step": 10, "epoch": 0.5, "loss": 3599.6, "grad_norm": math.nan},
    {"step": 20, "epoch": 1.0, "loss": math.inf, "learning_rate": 1e-4},
    {"step": 20, "train_loss": 77.0, "train_runtime": 9.0, "total_flos": 1},
]


def state(folder, history, **more):
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "trainer_state.json"
    file.write_text(json.dumps({"log_history": history, **more}), encoding="utf-8")
    return file


def test_values_that_are_no_numbers_are_kept(tmp_path):
    file = state(tmp_path, HISTORY, max_steps=20, best_metric=None)
    (log,) = read_training(file)
    assert log.form == "trainer_state"
    assert log.curves["train_loss"].steps.tolist() == [10, 20]
    assert log.curves["train_loss"].values.tolist() == [3599.6, math.inf]
    assert math.isnan(log.curves["grad_norm"].values[0])
    assert log.curves["eval_loss"].values.tolist() == [4.5]
    assert log.settings == {"max_steps": 20}


def test_the_mean_over_the_run_is_no_point_of_the_training_loss(tmp_path):
    (log,) = read_training(state(tmp_path, HISTORY))
    assert log.curves["mean_train_loss"].values.tolist() == [77.0]


def test_of_checkpoints_the_newest_counts_by_number(tmp_path):
    for step in (500, 1000):
        state(tmp_path / f"checkpoint-{step}", [{"step": step, "loss": 1.0}])
    (log,) = read_training(tmp_path)
    assert log.curves["train_loss"].steps.tolist() == [1000]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("[" * 100_000, "not valid JSON"),
        ('{"log_history": [{"step": 1, "lo', "not valid JSON"),
        ('{"log_history": 3}', "no list 'log_history'"),
        ("[]", "no list 'log_history'"),
        ('{"log_history": [], "x": ' + "9" * 5000 + "}", "not valid JSON"),
    ],
    ids=["empty", "deep", "truncated", "no list", "no object", "endless number"],
)
def test_what_is_no_state_is_one_clear_line(tmp_path, text, said):
    file = tmp_path / "trainer_state.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said) as caught:
        read_training(file)
    assert "\n" not in str(caught.value)


def test_odd_entries_are_counted_and_passed_over(tmp_path):
    odd = [3, {"loss": 1}, {"step": "x"}, {"step": 1e300, "loss": 1}]
    fine = {"step": 5, "loss": "NaN", "note": "hi", "flag": True}
    (log,) = read_training(state(tmp_path, [*odd, fine]))
    assert log.curves.keys() == {"train_loss"}
    assert log.problems == ("trainer_state.json: 4 entries without a step",)
