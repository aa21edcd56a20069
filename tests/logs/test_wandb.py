"""W&B's offline runs, written with the package's own messages and by itself."""

import math
import os
import struct
import subprocess
import sys
import zlib

import pytest
from wandb.proto import wandb_internal_pb2 as wandb

from harness.errors import InputError
from harness.logs import read_training

BLOCK = 32 * 1024


def row(step, **values):
    items = [
        wandb.HistoryItem(nested_key=name.split("__"), value_json=json)
        for name, json in {"_step": str(step), **values}.items()
    ]
    return wandb.Record(history=wandb.HistoryRecord(item=items))


def file_of(records):
    """The records in blocks of 32 KiB, cut in pieces where one ends."""
    whole = bytearray(b":W&B" + struct.pack("<HB", 0xBEE1, 0))
    for record in records:
        left, kind = record.SerializeToString(), 1
        while left is not None:
            room = BLOCK - len(whole) % BLOCK
            if room < 7:
                whole += b"\0" * room
                room = BLOCK
            piece, left = left[: room - 7], left[room - 7 :] or None
            kinds = {(True, True): 1, (True, False): 2, (False, False): 3}
            kind = kinds.get((kind == 1, left is None), 4)
            check = zlib.crc32(bytes([kind]) + piece)
            whole += struct.pack("<IHB", check, len(piece), kind) + piece
    return bytes(whole)


def records(rows=3000):
    item = wandb.ConfigItem(key="learning_rate", value_json="0.001")
    config = wandb.ConfigRecord(update=[item])
    yield wandb.Record(run=wandb.RunRecord(config=config))
    yield wandb.Record(output=wandb.OutputRecord(line="x" * 100_000))
    for step in range(rows):
        yield row(step, train__loss=f"{step / 2}", eval_loss="NaN", note='"hi"')
    typed = wandb.HistoryItem(key="loss_b", number=0.5)
    steps = wandb.HistoryItem(key="train/global_step", integer=77)
    yield wandb.Record(history=wandb.HistoryRecord(item=[typed, steps]))


def test_history_and_configuration_over_many_blocks(tmp_path):
    file = tmp_path / "run-1.wandb"
    file.write_bytes(file_of(records()))
    assert file.stat().st_size > 5 * BLOCK
    (log,) = read_training(file)
    curve = log.curves["train_loss"]
    assert curve.steps.tolist() == list(range(3000))
    assert curve.values.tolist() == [step / 2 for step in range(3000)]
    assert math.isnan(log.curves["eval_loss"].values[0])
    assert log.curves["loss_b"].steps.tolist() == [77]
    assert log.settings == {"learning_rate": 0.001}
    assert (log.form, log.problems) == ("wandb", ())


def test_what_is_damaged_is_said_and_the_rest_is_read(tmp_path):
    file = tmp_path / "run-1.wandb"
    whole = file_of(records())
    file.write_bytes(whole[: BLOCK * 4 + 99] + b"!" + whole[BLOCK * 4 + 100 : -5])
    (log,) = read_training(tmp_path)
    assert 1500 < len(log.curves["train_loss"].steps) < 3000
    (problem,) = log.problems
    assert "2 blocks are damaged or cut off, first that at byte 131,072" in problem


@pytest.mark.parametrize("content", [b"", b"SQLite", b":W&B", b":W&B\xe1\xbe\0" * 99])
def test_no_run_is_one_clear_line(tmp_path, content):
    file = tmp_path / "run-1.wandb"
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_training(file)
    assert "\n" not in str(caught.value)


SCRIPT = """
import wandb
run = wandb.init(mode="offline", dir=".", config={"learning_rate": 0.001})
for step in range(20):
    run.log({"loss": step / 2, "eval": {"loss": float("nan")}})
run.finish()
"""


@pytest.mark.slow
def test_a_run_that_the_package_wrote(tmp_path):
    quiet = {**os.environ, "WANDB_SILENT": "true", "WANDB_MODE": "offline"}
    command = [sys.executable, "-c", SCRIPT]
    subprocess.run(command, cwd=tmp_path, env=quiet, check=True, timeout=120)
    (log,) = read_training(tmp_path)
    assert log.curves["train_loss"].values.tolist() == [s / 2 for s in range(20)]
    assert len(log.curves["eval_loss"].values) == 20
    assert log.settings["learning_rate"] == 0.001
