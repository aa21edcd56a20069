"""Event files, against TensorBoard's own reader, and damaged in several ways."""

import json
import math
import time

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_tensor_proto

from harness.errors import InputError
from harness.logs import read_training

LOSSES = {0: 3.5, 10: math.nan, 20: math.inf, 30: -0.25, 4_000_000_000: 1e-30}


def event(step, tag, value, **more):
    one = Summary.Value(tag=tag, simple_value=value)
    return Event(step=step, summary=Summary(value=[one]), **more)


def write(file, events):
    with file.open("wb") as stream:
        records = RecordWriter(stream)
        for one in events:
            records.write(one.SerializeToString())
    return file


@pytest.fixture
def folder(tmp_path):
    writer = EventFileWriter(str(tmp_path))
    for step, loss in LOSSES.items():
        writer.add_event(event(step, "train/loss", loss, wall_time=time.time()))
        writer.add_event(event(step, "a tag of " + "200 letters " * 20, loss))
        new = Summary.Value(tag="eval/loss", tensor=make_tensor_proto(np.float64(loss)))
        writer.add_event(Event(step=step, summary=Summary(value=[new])))
    arguments = json.dumps({"learning_rate": 3e-5, "per_device_train_batch_size": 4})
    text = Summary.Value(
        tag="args/text_summary", tensor=make_tensor_proto(arguments.encode())
    )
    writer.add_event(Event(step=0, summary=Summary(value=[text])))
    writer.close()
    return tmp_path


def test_every_scalar_is_what_tensorboard_reads(folder):
    theirs = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    theirs.Reload()
    (log,) = read_training(folder)
    names = {"train_loss": "train/loss"} | {
        tag: tag for tag in theirs.Tags()["scalars"] if "letters" in tag
    }
    assert len(names) == 2
    for ours, tag in names.items():
        expected = [(point.step, point.value) for point in theirs.Scalars(tag)]
        curve = log.curves[ours]
        read = list(zip(curve.steps.tolist(), curve.values.tolist(), strict=True))
        assert str(read) == str(expected)
    assert log.curves["eval_loss"].values[3] == -0.25
    assert log.settings == {"learning_rate": 3e-5, "per_device_train_batch_size": 4}
    assert log.problems == ()


def test_a_resumed_run_supersedes_what_it_does_again(tmp_path):
    first = [event(s, "train/loss", s, wall_time=1.0) for s in (10, 20, 30, 40)]
    again = [event(s, "train/loss", -s, wall_time=2.0) for s in (25, 35)]
    # The later run's file comes first by name.
    write(tmp_path / "z.tfevents.1", first)
    write(tmp_path / "a.tfevents.2", again)
    (log,) = read_training(tmp_path)
    curve = log.curves["train_loss"]
    assert curve.steps.tolist() == [10, 20, 25, 35]
    assert curve.values.tolist() == [10, 20, -25, -35]


def test_folders_for_training_and_validation_are_one_run(tmp_path):
    for side, loss in (("train", 1.0), ("validation", 2.0)):
        (tmp_path / side).mkdir()
        events = [event(1, "epoch_loss", loss, wall_time=1.0)]
        write(tmp_path / side / f"{side}.tfevents.1", events)
    (log,) = read_training(tmp_path)
    assert log.curves["train_loss"].values.tolist() == [1.0]
    assert log.curves["eval_loss"].values.tolist() == [2.0]


@pytest.mark.parametrize(
    ("damage", "left", "said"),
    [
        (lambda whole: whole[:-5], 29, "cut off at byte"),
        (lambda whole: whole + b"\0\0\0", 30, "cut off at byte"),
        (lambda whole: whole[:-6] + b"!" + whole[-5:], 29, "1 records are damaged"),
        (lambda whole: whole + b"\xff" * 40, 30, "damaged at byte"),
        (lambda whole: whole * 2, 30, None),
    ],
    ids=["truncated", "half a header", "a flipped byte", "binary tail", "twice"],
)
def test_what_is_damaged_is_said_and_the_rest_is_read(tmp_path, damage, left, said):
    events = [event(s, "train/loss", s, wall_time=1.0) for s in range(1, 31)]
    file = write(tmp_path / "run.tfevents.1", events)
    file.write_bytes(damage(file.read_bytes()))
    (log,) = read_training(file)
    assert len(log.curves["train_loss"].steps) == left
    assert [said in problem for problem in log.problems] == [True] * (said is not None)


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"\0" * 100])
def test_no_event_file_is_one_clear_line(tmp_path, content):
    file = tmp_path / "run.tfevents.1"
    file.write_bytes(content)
    with pytest.raises(InputError, match="it holds no scalar") as caught:
        read_training(file)
    assert "\n" not in str(caught.value)
    (log,) = read_training(tmp_path)
    assert (log.curves, len(log.problems)) == ({}, 1)


def test_twenty_thousand_scalars_take_a_moment(tmp_path):
    tags = ("train/loss", "train/grad_norm", "train/learning_rate", "eval/loss")
    events = [event(s, tag, s, wall_time=s) for s in range(5_000) for tag in tags]
    file = write(tmp_path / "run.tfevents.1", events)
    begun = time.process_time()
    (log,) = read_training(file)
    # 0.06 s on an idle machine.
    assert time.process_time() - begun < 0.5
    assert {len(curve.steps) for curve in log.curves.values()} == {5_000}
