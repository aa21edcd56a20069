"""CSV and JSONL logs: OpenAI's, and those of loops that name things their way."""

import base64
import json
import math

import pytest

from harness.errors import InputError, UsageError
from harness.logs import read_training, rows, text

LEGACY = (
    "step,elapsed_tokens,elapsed_examples,training_loss,training_sequence_accuracy,"
    "training_token_accuracy,validation_loss,validation_sequence_accuracy,"
    "validation_token_accuracy\n1,100,4,2.5,0.0,0.5,,,\n2,200,8,1.5,0.1,0.6,2.0,0,0.4\n"
)
CURRENT = (
    "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n"
    "1,2.5,0.5,,\n2,1.5,0.6,2.0,0.4\n"
)
METRICS = {"train_loss": 1.5, "valid_loss": 2.0, "full_valid_loss": 2.25}
EVENTS = [
    {"object": "fine_tuning.job.event", "type": "message", "message": "started"},
    {
        "object": "fine_tuning.job.event",
        "type": "metrics",
        "data": {
            "step": 2,
            "total_steps": 9,
            **METRICS,
            "valid_mean_token_accuracy": 0.4,
        },
    },
]
CHECKPOINTS = {
    "object": "list",
    "data": [
        {
            "object": "fine_tuning.job.checkpoint",
            "created_at": 1,
            "step_number": 2,
            "metrics": {"step": 2, **METRICS, "valid_mean_token_accuracy": 0.4},
        }
    ],
}


def read(tmp_path, name, content, aliases=None):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    (log,) = read_training(file, aliases)
    return log


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("results.csv", LEGACY),
        ("results.csv", CURRENT),
        ("results.csv", base64.b64encode(CURRENT.encode())),
        ("results.csv", base64.encodebytes(LEGACY.encode())),
        ("events.jsonl", "\n".join(map(json.dumps, EVENTS))),
        ("checkpoints.json", json.dumps(CHECKPOINTS)),
    ],
    ids=["legacy", "current", "base64", "base64 in lines", "events", "checkpoints"],
)
def test_openai_files_all_say_the_same(tmp_path, name, content):
    log = read(tmp_path, name, content)
    assert (log.form, log.problems) == ("openai", ())
    assert log.curves["train_loss"].values[-1] == 1.5
    assert log.curves["eval_loss"].steps.tolist() == [2]
    assert log.curves["eval_accuracy"].values.tolist() == [0.4]
    assert "created_at" not in log.curves


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("log.csv", "\ufeffIteration;Train Loss;val/loss;lr-AdamW\n5;1.5;NaN;1e-3\n"),
        ("log.tsv", "global_step\tloss\tvalidation_loss\tlr\n5\t1.5\tnan\t0.001\n"),
        ("log.jsonl", ('{"step": 5, "train": {"loss": 1.5}, "eval": {"loss": NaN}, '
                      '"learning_rate": "1e-3"}\n')),
    ],
)  # fmt: skip
def test_names_that_loops_use_are_known(tmp_path, name, content):
    log = read(tmp_path, name, content)
    assert {name: curve.steps.tolist() for name, curve in log.curves.items()} == {
        name: [5] for name in ("train_loss", "eval_loss", "learning_rate")
    }
    assert math.isnan(log.curves["eval_loss"].values[0])
    assert log.curves["learning_rate"].values.tolist() == [0.001]


def test_users_say_what_other_names_mean(tmp_path):
    content = "tick,ce,loss\n2,9,0.5\n1,8,0.25\n2,7,0.75\n"
    log = read(tmp_path, "a.csv", content, {"tick": "step", "ce": "train_loss"})
    assert log.curves["train_loss"].steps.tolist() == [1, 2]
    assert log.curves["train_loss"].values.tolist() == [8, 7]  # the later of two
    assert log.curves["loss"].values.tolist() == [0.25, 0.75]
    with pytest.raises(UsageError, match="'ce' cannot be read as 'los'"):
        read(tmp_path, "a.csv", content, {"ce": "los"})


def test_without_steps_rows_are_numbered_and_that_is_said(tmp_path):
    log = read(tmp_path, "history.csv", "epoch,loss,val_loss\n0,2,3\n1,1,2\n")
    assert log.curves["eval_loss"].steps.tolist() == [1, 2]
    assert log.problems == (
        "history.csv: no column of steps; rows are numbered instead",
    )


def test_a_line_without_end_is_not_read_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "MOST_LINE", 1000)
    content = '{"step": 1, "loss": 2}\n{"step": 2, "loss": ' + "1" * 5000
    log = read(tmp_path, "log.jsonl", content)
    assert log.curves["train_loss"].steps.tolist() == [1]
    assert "line 2 is longer than" in log.problems[0]


def test_rows_beyond_the_most_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "MOST_ROWS", 3)
    content = "step,loss\n1,4\n2,3\n3,2\n"
    assert read(tmp_path, "whole.csv", content).problems == ()
    log = read(tmp_path, "long.csv", content + "4,1\n")
    assert log.curves["train_loss"].steps.tolist() == [1, 2, 3]
    assert log.problems == ("long.csv: only the first 3 rows are read",)


def test_damaged_lines_are_said_and_the_rest_is_read(tmp_path):
    lines = [b'{"step": 1, "loss": 2}', b"{", b"[1]", b"[" * 99_999, b"\xff\xfe"]
    lines += [b'{"step": 2, "loss": 1, "text": "caf\xe9"}']
    log = read(tmp_path, "log.jsonl", b"\n".join(lines))
    assert log.curves["train_loss"].values.tolist() == [2, 1]
    assert log.problems == (
        "log.jsonl:5: not UTF-8 text",
        (
            "log.jsonl: 4 lines are not JSON objects, first line 2: Expecting property "
            "name enclosed in double quotes: line 1 column 2 (char 1)"
        ),
    )


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("log.csv", b"", "the file is empty"),
        ("log.csv", b"\x80\x04\x95\0\0pickle", "binary data"),
        ("log.csv", b"just, some words\n", "no number at a step"),
        ("log.csv", b"A" * 5001, "neither a table nor one encoded in base64"),
        ("log.csv", b"step,loss\n1,x", "no number at a step"),
        ("log.jsonl", b"[]", "no number at a step"),
        ("log.json", b"3", "no list of objects"),
        ("training_args.bin", b"\x80\x04pickle", "no log that can be read"),
    ],
)
def test_no_log_is_one_clear_line(tmp_path, name, content, said):
    with pytest.raises(InputError, match=said) as caught:
        read(tmp_path, name, content)
    assert "\n" not in str(caught.value)
