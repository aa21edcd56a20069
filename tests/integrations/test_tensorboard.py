"""TensorBoard: its own reader finds each value, its interval and samples, once."""

import shutil
import sys
from pathlib import Path

import pytest
from fakes import write_checkpoint, write_task
from tensorboard.backend.event_processing.plugin_event_accumulator import (
    EventAccumulator,
)
from tensorboard.util import tensor_util
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import MissingPackage, NotFound, UsageError
from harness.integrations.tensorboard import OWN, folder_of
from harness.integrations.tracking import trackers_named, write_to_trackers

EVERYTHING = {"tensors": 0}
"""Readers keep a sample otherwise."""


def accumulated(folder):
    """What TensorBoard reads files with."""
    reader = EventAccumulator(str(folder), size_guidance=EVERYTHING)
    reader.Reload()
    return reader


def numbers(reader):
    """(step, tag) to each value."""
    found = {}
    for tag in reader.Tags()["tensors"]:
        if "/sample/" not in tag:
            for event in reader.Tensors(tag):
                value = float(tensor_util.make_ndarray(event.tensor_proto))
                found.setdefault((event.step, tag), []).append(value)
    return found


def write(made, folder):
    trackers = trackers_named([], folder)
    return write_to_trackers(made.study, ["rewrite"], trackers)


def test_each_value_and_its_interval_is_read_back(made, report_values, tmp_path):
    write(made, tmp_path / "tb")
    found = numbers(accumulated(tmp_path / "tb" / "run" / "harness"))
    expected = {}
    for (step, name), one in report_values().items():
        ends = {"": one.value, "/low": one.low, "/high": one.high}
        for end, value in ends.items():
            if value is not None:
                expected[step, name + end] = [pytest.approx(value, rel=1e-6)]
    assert found == expected
    assert (240, "harness/rewrite/human/meaning/low") in found


def test_samples_are_text_over_steps(made, tmp_path):
    write(made, tmp_path / "tb")
    reader = accumulated(tmp_path / "tb" / "run" / "harness")
    shown = reader.Tensors("harness/rewrite/sample/0")
    assert [event.step for event in shown] == [0, 40, 120, 240]
    [written] = made.study.column(
        "SELECT text FROM outputs WHERE id = ?", [made.output("run-240", "0")]
    )
    assert written in shown[-1].tensor_proto.string_val[0].decode()
    plugin = reader.SummaryMetadata("harness/rewrite/sample/0").plugin_data
    assert plugin.plugin_name == "text"


STEPS = {0, 40, 120, 240, 300}


@pytest.mark.parametrize("running", [False, True], ids=["opened later", "running"])
def test_every_step_is_shown_once_whatever_came_when(made, later, tmp_path, running):
    place = tmp_path / "tb" / "run" / "harness"
    write(made, tmp_path / "tb")
    reader = accumulated(place)
    assert "0 values written" in write(made, tmp_path / "tb")[0]
    assert len([*place.iterdir()]) == 1
    later()
    write(made, tmp_path / "tb")
    reader.Reload()
    made.rate("carl", "meaning", {("run-40", "0"): 1, ("run-40", "1"): 1})
    write(made, tmp_path / "tb")
    assert len([*place.glob(OWN)]) == len([*place.iterdir()]) == 3
    if running:
        reader.Reload()
    else:
        reader = accumulated(place)
    found = numbers(reader)
    assert {len(values) for values in found.values()} == {1}
    assert {step for step, _ in found} == STEPS
    [mean] = made.study.column(
        "SELECT value FROM tracked WHERE step = 40 AND name LIKE '%human/meaning' "
        "ORDER BY rowid DESC LIMIT 1"
    )
    assert found[40, "harness/rewrite/human/meaning"] == [pytest.approx(mean)]


def test_a_folder_that_was_deleted_is_written_anew(made, tmp_path):
    write(made, tmp_path / "tb")
    before = numbers(accumulated(tmp_path / "tb" / "run" / "harness"))
    shutil.rmtree(tmp_path / "tb")
    write(made, tmp_path / "tb")
    assert numbers(accumulated(tmp_path / "tb" / "run" / "harness")) == before


def test_series_get_folders_of_their_own_and_none_outside():
    names = ["run", "..", "a/b", "a_b", "", "../../x", "ä"]
    folders = [folder_of(name) for name in names]
    assert len(set(folders)) == len(names)
    assert all(Path(one).name == one and one.strip(".") for one in folders)


def test_a_run_writes_curves(tmp_path, echo):
    folder = write_checkpoint(tmp_path / "out" / "checkpoint-20")
    task = write_task(tmp_path / "task", metrics=["bleu"])
    arguments = ["run", str(task), "-c", str(folder), "--db", str(tmp_path / "s.db")]
    done = CliRunner().invoke(
        app, [*arguments, "--track", f"tensorboard:{tmp_path / 'tb'}"]
    )
    assert done.exit_code == 0, done.output
    assert "values written to tensorboard:" in done.stderr
    found = numbers(accumulated(tmp_path / "tb" / "out" / "harness"))
    assert {step for step, _ in found} == {20}
    again = ["score", str(task), "--db", str(tmp_path / "s.db")]
    done = CliRunner().invoke(app, [*again, "--tensorboard", str(tmp_path / "tb")])
    assert "0 values written to tensorboard:" in done.stderr


def test_what_is_missing_or_misspelt_is_said_before_anything_is_done(monkeypatch):
    with pytest.raises(NotFound, match="Did you mean 'wandb'"):
        trackers_named(["wand:project"])
    with pytest.raises(UsageError, match="write trackio:PROJECT"):
        trackers_named(["trackio"])
    with pytest.raises(UsageError, match="MLFLOW_TRACKING_PASSWORD"):
        trackers_named(["mlflow:mine@http://me:secret@127.0.0.1/"])
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(MissingPackage, match=r"\.\[tensorboard\]"):
        trackers_named([], Path("tb"))
