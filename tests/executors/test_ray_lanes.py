"""Checkpoints are evaluated side by side on a cluster of two machines."""

import pytest
from executors.studies import BACKEND, assert_alike, assert_workers_end, run, write_told

from harness.errors import CheckpointError
from harness.executors import RayExecutor

pytestmark = pytest.mark.slow


def told(tmp_path, number, **others):
    """Checkpoints that note who loads them."""
    return [
        write_told(
            tmp_path / "run" / f"checkpoint-{n}",
            **{"word": f"w{n}", "notes": True, "seconds": 0.05, **others},
        )
        for n in range(1, number + 1)
    ]


def loads(folder):
    """How often the checkpoints in a folder were loaded, each."""
    notes = sorted(folder.glob("*/.pids"))
    return [len(note.read_text().split()) for note in notes]


def test_checkpoints_side_by_side_are_loaded_by_few_and_give_local_rows(
    tmp_path, suite, executor
):
    named = told(tmp_path, 3)
    there = run(tmp_path / "ray.db", suite, named, executor=executor)
    # One worker each; at the end another may help, which has nothing else to do.
    assert len(loads(tmp_path / "run")) == 3
    assert sum(loads(tmp_path / "run")) <= 4
    here = run(tmp_path / "local.db", suite, named)
    assert_alike(tmp_path / "local.db", tmp_path / "ray.db")
    assert there == here


def test_a_worker_killed_among_lanes_loses_and_doubles_nothing(
    tmp_path, suite, executor
):
    named = [
        *told(tmp_path, 3),
        write_told(tmp_path / "run" / "checkpoint-4", dies_at="q7", seconds=0.05),
    ]
    run(tmp_path / "ray.db", suite, named, executor=executor)
    assert (tmp_path / "run" / "checkpoint-4" / ".died").exists()
    run(tmp_path / "local.db", suite, named)
    assert_alike(tmp_path / "local.db", tmp_path / "ray.db")


def test_whoever_has_no_checkpoint_left_helps_with_the_others(
    tmp_path, suite, executor
):
    write_told(tmp_path / "run" / "checkpoint-9", seconds=0.4, notes=True)
    named = [*told(tmp_path, 1, seconds=0), f"{BACKEND}:{tmp_path}/run/checkpoint-9"]
    run(tmp_path / "ray.db", suite, named, executor=executor)
    assert loads(tmp_path / "run") == [1, 2]
    run(tmp_path / "local.db", suite, named)
    assert_alike(tmp_path / "local.db", tmp_path / "ray.db")


def test_lanes_that_the_cluster_has_no_room_for_wait_for_others(
    tmp_path, suite, cluster, monkeypatch
):
    monkeypatch.setattr("harness.executors.ray.PATIENCE", 0.5)
    named = told(tmp_path, 4)
    with RayExecutor(cluster.address, workers=4) as executor:
        # Patience is for the first worker alone, which may need more of it here.
        monkeypatch.setattr("harness.executors.places.Places.are_used", lambda *_: True)
        run(tmp_path / "ray.db", suite, named, executor=executor)
    run(tmp_path / "local.db", suite, named)
    assert_alike(tmp_path / "local.db", tmp_path / "ray.db")


def test_an_error_among_lanes_ends_all_workers(tmp_path, suite, executor):
    named = [
        *told(tmp_path, 2, seconds=0.3),
        write_told(tmp_path / "run" / "checkpoint-0", fails_at="q20", seconds=0.3),
    ]
    with pytest.raises(CheckpointError, match="RuntimeError: CUDA error") as it:
        run(tmp_path / "ray.db", suite, named, executor=executor)
    assert len(str(it.value).splitlines()) == 1
    assert_workers_end(tmp_path / "run" / "checkpoint-1")
    assert not (tmp_path / "run" / "checkpoint-2" / ".pids").exists()
