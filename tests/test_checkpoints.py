"""Checkpoints: found by path, put in order, and known by what they hold."""

import json
import os
import shutil
from pathlib import Path

import pytest
from fakes import register, write_checkpoint

from harness.checkpoints import find_checkpoints, step_of_name
from harness.errors import CheckpointError, NotFound, UsageError
from harness.study import StudyFile
from harness.study.checkpoints import (
    find_checkpoint,
    store_checkpoint,
    stored_checkpoints,
)


@pytest.fixture
def runs(tmp_path):
    """Make checkpoints of a training run; returns its folder."""

    def make(name, *checkpoints):
        for checkpoint in checkpoints:
            write_checkpoint(tmp_path / name / checkpoint, word=f"{name} {checkpoint}")
        return tmp_path / name

    return make


@pytest.fixture
def study(tmp_path):
    return StudyFile(tmp_path / "s.db")


def named(*specs):
    return [(one.series, one.name, one.step) for one in find_checkpoints(specs)]


# Finding


def test_a_glob_is_put_in_numerical_order(runs):
    run = runs("lr3", "checkpoint-100", "checkpoint-30", "checkpoint-5", "last")
    (run / "checkpoint-notes.txt").touch()
    assert named(f"{run}/checkpoint-*") == [
        ("lr3", "checkpoint-5", 5),
        ("lr3", "checkpoint-30", 30),
        ("lr3", "checkpoint-100", 100),
    ]


def test_a_checkpoint_without_a_step_comes_last(runs):
    run = runs("lr3", "checkpoint-30", "best")
    assert [name for _, name, _ in named(f"{run}/*")] == ["checkpoint-30", "best"]


def test_a_folder_named_twice_is_one_checkpoint(runs):
    run = runs("lr3", "checkpoint-30")
    spec = str(run / "checkpoint-30")
    assert len(named(spec, spec + "/", f"{run}/../lr3/checkpoint-*")) == 1


def test_the_series_is_the_parent_folder_or_the_one_given(runs):
    run = runs("lr3", "checkpoint-30")
    other = runs("lr4", "checkpoint-30")
    assert named(f"mine={run}/checkpoint-*", str(other / "checkpoint-30")) == [
        ("lr4", "checkpoint-30", 30),
        ("mine", "checkpoint-30", 30),
    ]


def test_relative_paths_and_the_home_folder_are_understood(runs, tmp_path, monkeypatch):
    runs("lr3", "checkpoint-30")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert named("~/lr3/checkpoint-30") == [("lr3", "checkpoint-30", 30)]
    monkeypatch.chdir(tmp_path / "lr3" / "checkpoint-30")
    assert named(".") == [("lr3", "checkpoint-30", 30)]
    monkeypatch.chdir(tmp_path / "lr3")
    assert named("s=checkpoint-*") == [("s", "checkpoint-30", 30)]


@pytest.mark.parametrize("name", ["a=b", "run[1]", "openai:x", "a=openai:y*"])
def test_a_folder_that_exists_is_one_whatever_signs_it_holds(tmp_path, name):
    write_checkpoint(tmp_path / name)
    assert named(str(tmp_path / name))[0][1] == name


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("checkpoint-30", 30),
        ("step_7", 7),
        ("model-step12", 12),
        ("ckpt-0", 0),
        ("iter-000400", 400),
        ("Checkpoint-8", 8),
        ("best", None),
        ("checkpoint-30-merged", None),
        ("llama-3", None),
    ],
)
def test_the_step_is_read_off_the_name(name, step):
    assert step_of_name(name) == step


@pytest.mark.parametrize(
    ("state", "step"),
    [
        ('{"global_step": 45}', 45),
        ('{"global_step": "45"}', None),
        ("[45]", None),
        ("{", None),
        ("\xff", None),
    ],
)
def test_else_the_step_is_that_of_the_trainer(tmp_path, state, step):
    folder = write_checkpoint(tmp_path / "run" / "best")
    (folder / "trainer_state.json").write_text(state, encoding="latin-1")
    assert named(str(folder)) == [("run", "best", step)]


# What is refused


def test_a_step_that_no_study_can_hold_is_none(tmp_path):
    write_checkpoint(tmp_path / f"checkpoint-{10**19}")
    trained = write_checkpoint(tmp_path / "final")
    (trained / "trainer_state.json").write_text(f'{{"global_step": {10**19}}}')
    assert [one.step for one in find_checkpoints([f"{tmp_path}/*"])] == [None, None]


def test_a_name_that_is_no_text_is_refused(tmp_path):
    folder = write_checkpoint(Path(os.fsdecode(bytes(tmp_path) + b"/c-\xff")))
    with pytest.raises(CheckpointError, match=r"c-\\xff: this name is no text"):
        find_checkpoints([str(folder)])


def test_no_checkpoint_is_refused():
    with pytest.raises(UsageError, match="--checkpoint DIR/checkpoint-"):
        find_checkpoints([])


def test_a_glob_without_a_match_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="No folder matches"):
        find_checkpoints([f"{tmp_path}/checkpoint-*"])


def test_a_misspelt_name_is_refused_with_the_nearest(runs):
    run = runs("lr3", "checkpoint-30", "checkpoint-60")
    with pytest.raises(CheckpointError) as caught:
        find_checkpoints([str(run / "chekpoint-60")])
    assert str(caught.value).endswith(f"Did you mean '{run / 'checkpoint-60'}'?")


def test_a_path_into_nowhere_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="There is no checkpoint folder"):
        find_checkpoints([str(tmp_path / "a" / "b" / "c")])


def test_the_folder_of_a_run_is_refused_with_the_glob_that_is_meant(runs):
    run = runs("lr3", "checkpoint-100", "checkpoint-30")
    with pytest.raises(CheckpointError) as caught:
        find_checkpoints([str(run)])
    assert f"holds 2 of them; write '{run / 'checkpoint-*'}'" in str(caught.value)
    assert f"as '{run / 'checkpoint-30'}'" in str(caught.value)


@pytest.mark.parametrize("file", ["config.json", "adapter_config.json"])
def test_the_folder_of_a_run_that_is_a_model_itself_is_one(runs, file):
    run = runs("lr3", "checkpoint-30")
    (run / file).write_text("{}")
    assert named(str(run)) == [(run.parent.name, "lr3", None)]


# Known by contents


def test_the_same_folder_is_the_same_checkpoint(echo, study, runs):
    run = runs("lr3", "checkpoint-30")
    found = find_checkpoints([f"{run}/checkpoint-30"])
    assert register(study, found) == register(study, found)
    assert len(stored_checkpoints(study)) == 1


def test_a_moved_folder_is_the_same_checkpoint_at_another_place(echo, study, runs):
    run = runs("lr3", "checkpoint-30")
    [before] = register(study, find_checkpoints([f"{run}/checkpoint-30"]))
    moved = shutil.move(run, run.with_name("archive"))
    [after] = register(study, find_checkpoints([f"lr3={moved}/checkpoint-30"]))
    assert after.id == before.id
    assert after.location == str(moved / "checkpoint-30")
    assert stored_checkpoints(study) == [after]


def test_an_overwritten_folder_is_another_checkpoint(echo, study, runs):
    run = runs("lr3", "last")
    [before] = register(study, find_checkpoints([f"{run}/last"]))
    write_checkpoint(run / "last", word="trained on")
    [after] = register(study, find_checkpoints([f"{run}/last"]))
    assert after.id != before.id
    assert before.name == "last"
    assert after.name == f"last~{after.fingerprint[:6]}"
    assert [c.name for c in stored_checkpoints(study)] == [before.name, after.name]


def test_the_same_contents_in_two_series_are_two_checkpoints(echo, study, runs):
    run = runs("lr3", "checkpoint-30")
    specs = [f"one={run}/checkpoint-30"], [f"two={run}/checkpoint-30"]
    [one], [two] = (register(study, find_checkpoints(spec)) for spec in specs)
    assert one.id != two.id
    assert one.fingerprint == two.fingerprint


def test_an_unchanged_file_is_not_read_again(echo, study, runs, monkeypatch):
    found = find_checkpoints([f"{runs('lr3', 'last')}/last"])
    register(study, found)
    monkeypatch.setattr("harness.identity.file_hash", None)
    assert len(register(study, found)) == 1


def test_rehash_finds_what_the_stamp_hides_and_remembers_it(echo, study, runs):
    weights = runs("lr3", "last") / "last" / "model.safetensors"
    found = find_checkpoints([str(weights.parent)])
    [before] = register(study, found)
    stamp = weights.stat()
    weights.write_text(weights.read_text()[::-1])
    os.utime(weights, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert register(study, found)[0].id == before.id
    [mended] = register(study, found, rehash=True)
    assert mended.id != before.id
    assert register(study, found) == [mended]


def test_a_folder_without_a_model_is_refused_and_nothing_stored(echo, study, runs):
    run = runs("lr3", "checkpoint-1", "checkpoint-2")
    (run / "checkpoint-2" / "config.json").unlink()
    with pytest.raises(
        CheckpointError, match=r"checkpoint-2: there is no config\.json"
    ):
        register(study, find_checkpoints([f"{run}/*"]))
    assert stored_checkpoints(study) == []


def test_a_step_that_becomes_known_is_kept(study):
    known = {"series": "s", "name": "a", "backend": "x", "fingerprint": "f"}
    store_checkpoint(study, step=None, **known)
    assert store_checkpoint(study, step=7, **known).step == 7
    assert store_checkpoint(study, step=None, **known).step == 7


def test_checkpoints_are_put_in_order_by_series_step_and_name(study):
    for series, name, step in [
        ("b", "x", 1),
        ("a", "last", None),
        ("a", "checkpoint-100", 100),
        ("a", "checkpoint-30", 30),
        ("a", "best", None),
    ]:
        store_checkpoint(
            study, series=series, name=name, step=step, backend="x", fingerprint=name
        )
    assert [c.name for c in stored_checkpoints(study)] == [
        "checkpoint-30",
        "checkpoint-100",
        "best",
        "last",
        "x",
    ]


def test_a_stored_checkpoint_is_found_by_name_series_or_id(study):
    made = {
        (series, name): store_checkpoint(
            study, series=series, name=name, step=None, backend="x", fingerprint=name
        )
        for series, name in [("a", "best"), ("b", "best"), ("b", "last")]
    }
    last = made["b", "last"]
    assert find_checkpoint(study, "last") == last
    assert find_checkpoint(study, last.id) == last
    assert find_checkpoint(study, "a/best") == made["a", "best"]
    with pytest.raises(UsageError, match="write a/best, b/best"):
        find_checkpoint(study, "best")
    with pytest.raises(NotFound, match="Did you mean 'last'"):
        find_checkpoint(study, "lst")


def test_the_configuration_of_a_folder_may_hold_anything(echo, study, tmp_path):
    folder = write_checkpoint(tmp_path / "run" / "näme ' ; 🙂")
    (folder / "config.json").write_text(json.dumps({"_name": "x" * 10_000}))
    [one] = register(study, find_checkpoints([str(folder)]))
    assert one.name == "näme ' ; 🙂"
