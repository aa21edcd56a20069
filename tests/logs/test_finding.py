"""Which files of a run are its logs, and what they come to together."""

import json
import os

from harness.logs import find_logs, merged, read_training

STATE = {"log_history": [{"step": 1, "loss": 3.0}, {"step": 2, "loss": 2.0}]}


def test_logs_are_found_and_nothing_else(tmp_path):
    files = {
        "checkpoint-5/trainer_state.json": "{}",
        "checkpoint-10/trainer_state.json": json.dumps(STATE),
        "checkpoint-10/metrics.csv": "step,loss\n1,2\n",
        "runs/Nov29_03-00-00_host/events.out.tfevents.1.host": "",
        "wandb/offline-run-1/run-1.wandb": ":W&B",
        "train.jsonl": '{"prompt": "a", "completion": "b"}\n',
        "training_args.bin": "pickle",
        "all_results.json": "{}",
        "training_args.json": '{"learning_rate": 0.1, "max_steps": 9}',
        "results.csv": "item,system\n1,2\n",
        "trainer_log.jsonl": '{"current_steps": 2, "loss": 2.5, "lr": 0.1}\n',
        ".cache/metrics.csv": "step,loss\n1,2\n",
        "a/b/c/d/e/metrics.csv": "step,loss\n1,2\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    os.mkfifo(tmp_path / "metrics.csv")
    found = [path.relative_to(tmp_path).as_posix() for path in find_logs(tmp_path)]
    assert found == [
        "results.csv",
        "runs/Nov29_03-00-00_host/events.out.tfevents.1.host",
        "trainer_log.jsonl",
        "training_args.json",
        "wandb/offline-run-1/run-1.wandb",
        "checkpoint-10/trainer_state.json",
    ]
    logs = read_training(tmp_path)
    forms = [(log.form, bool(log.curves), len(log.problems)) for log in logs]
    assert forms == [
        ("tensorboard", False, 1),  # empty
        ("jsonl", True, 0),  # and results.csv and training_args.json are no logs
        ("wandb", False, 1),
        ("trainer_state", True, 0),
    ]
    log = merged(logs)
    assert log.form == "trainer_state"
    assert log.curves["train_loss"].values.tolist() == [3, 2]
    rest = f"learning_rate from {tmp_path / 'trainer_log.jsonl'}"
    assert log.source == f"{tmp_path / 'checkpoint-10/trainer_state.json'}; {rest}"
    assert len(log.problems) == 2


def test_without_logs_there_is_none(tmp_path):
    assert (find_logs(tmp_path), read_training(tmp_path)) == ([], ())
    assert merged(()) is None
