"""Runs over a Ray cluster of two machines store what local runs store.

The cluster's machines are processes here, each with one core.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from threading import Thread

import pytest
from executors.studies import (
    ITEMS,
    PATIENCE,
    SAMPLES,
    assert_alike,
    assert_workers_end,
    count,
    rows,
    run,
    write_told,
)

from harness.api import Study
from harness.arrivals import Signs
from harness.backends import Loading
from harness.errors import CheckpointError, UsageError
from harness.executors import RayExecutor
from harness.watch import Wish

pytestmark = pytest.mark.slow


def test_rows_are_those_of_local_runs(tmp_path, suite, executor):
    named = [
        write_told(tmp_path / "run" / f"checkpoint-{n}", word=f"w{n}") for n in "12"
    ]
    here = run(tmp_path / "local.db", suite, named)
    there = run(tmp_path / "ray.db", suite, named, executor=executor)
    assert_alike(tmp_path / "local.db", tmp_path / "ray.db")
    assert count(tmp_path / "ray.db") == 2 * ITEMS * SAMPLES
    assert [one.generated for one in there.generations] == [ITEMS * SAMPLES] * 2
    assert there.scores == here.scores


def test_a_model_gives_the_same_rows_one_prompt_at_a_time(tmp_path, suite, executor):
    from backends.tiny_models import save_checkpoint

    folder = save_checkpoint("llama", tmp_path / "model")
    how = {"loading": Loading(batch_size=1)}
    run(tmp_path / "local.db", suite, [str(folder)], **how)
    run(tmp_path / "ray.db", suite, [str(folder)], executor=executor, **how)
    assert_alike(tmp_path / "local.db", tmp_path / "ray.db")
    assert (
        len({text for _, _, _, _, _, text, *_ in rows(tmp_path / "ray.db", "outputs")})
        > 9
    )


def test_workers_share_the_work(tmp_path, suite, executor):
    named = write_told(tmp_path / "c", seconds=0.1, notes=True)
    run(tmp_path / "ray.db", suite, [named], executor=executor)
    assert len((tmp_path / "c" / ".pids").read_text().splitlines()) == 2


def test_a_killed_worker_loses_nothing(tmp_path, suite, executor):
    named = write_told(tmp_path / "c", dies_at="q7")
    run(tmp_path / "ray.db", suite, [named], executor=executor)
    assert (tmp_path / "c" / ".died").exists()
    run(tmp_path / "local.db", suite, [named])
    assert_alike(tmp_path / "local.db", tmp_path / "ray.db")


def test_a_machine_that_is_lost_loses_nothing(tmp_path, suite, cluster):
    named = write_told(tmp_path / "c", seconds=0.2, notes=True)
    lost = cluster.add_node(num_cpus=1)
    with RayExecutor(cluster.address, workers=3) as executor:
        taken = Thread(target=take_away, args=(cluster, lost, tmp_path / "c"))
        taken.start()
        run(tmp_path / "ray.db", suite, [named], executor=executor)
        taken.join()
    # All three had loaded; the fourth found no room, or room that another had left.
    assert len((tmp_path / "c" / ".pids").read_text().split()) >= 3
    run(tmp_path / "local.db", suite, [named])
    assert_alike(tmp_path / "local.db", tmp_path / "ray.db")


def test_a_checkpoint_deleted_meanwhile_is_finished_by_those_that_hold_it(
    tmp_path, suite, executor
):
    folder = tmp_path / "run" / "checkpoint-1"
    named = write_told(folder, seconds=0.3, notes=True)
    ended = Thread(target=delete_and_kill_one, args=(folder,))
    ended.start()
    run(tmp_path / "ray.db", suite, [named], executor=executor)
    ended.join()
    assert not folder.exists()
    assert count(tmp_path / "ray.db") == ITEMS * SAMPLES


def delete_and_kill_one(folder):
    """Delete a checkpoint that both workers have loaded, and end one of those."""
    end, pids = time.monotonic() + PATIENCE, []
    while len(pids) < 2 and time.monotonic() < end:
        time.sleep(0.1)
        with suppress(FileNotFoundError):
            pids = (folder / ".pids").read_text().split()
    # Both have read what lies there by the time that the first answers are stored.
    time.sleep(0.5)
    shutil.rmtree(folder)
    os.kill(int(pids[0]), signal.SIGKILL)


def take_away(cluster, node, folder):
    """End a machine once all workers have loaded."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with suppress(FileNotFoundError):
            if len((folder / ".pids").read_text().split()) >= 3:
                break
        time.sleep(0.1)
    cluster.remove_node(node, allow_graceful=False)


def test_prompts_that_kill_every_worker_are_given_up(tmp_path, suite, executor):
    named = write_told(tmp_path / "c", dies_at="q0", dies_always=True)
    with pytest.raises(CheckpointError, match="3 workers ended over") as it:
        run(tmp_path / "ray.db", suite, [named], executor=executor)
    assert len(str(it.value).splitlines()) == 1


def test_an_error_in_a_worker_is_one_line(tmp_path, suite, executor):
    named = write_told(tmp_path / "c", fails_at="q20")
    with pytest.raises(CheckpointError, match="RuntimeError: CUDA error") as it:
        run(tmp_path / "ray.db", suite, [named], executor=executor)
    assert len(str(it.value).splitlines()) == 1
    assert 0 < count(tmp_path / "ray.db") < ITEMS * SAMPLES


def test_what_one_run_left_another_completes(tmp_path, suite, executor):
    folder = tmp_path / "c"
    named = write_told(folder, dies_at="q20", dies_always=True)
    with pytest.raises(CheckpointError):
        run(tmp_path / "ray.db", suite, [named], executor=executor)
    kept = count(tmp_path / "ray.db")
    os.environ["TOLD_MERCY"] = "1"
    try:
        [done] = run(tmp_path / "ray.db", suite, [named]).generations
    finally:
        del os.environ["TOLD_MERCY"]
    assert (done.reused, done.generated) == (kept, ITEMS * SAMPLES - kept)


def test_a_checkpoint_that_workers_do_not_find_is_one_line(tmp_path, suite, executor):
    named = write_told(tmp_path / "c", missing_elsewhere=os.getpid())
    with pytest.raises(CheckpointError, match="Every machine must find") as it:
        run(tmp_path / "ray.db", suite, [named], executor=executor)
    assert len(str(it.value).splitlines()) == 1
    assert count(tmp_path / "ray.db") == 0


def test_other_weights_at_that_path_are_refused(tmp_path, suite, executor):
    named = write_told(tmp_path / "c", others_elsewhere=os.getpid())
    with pytest.raises(CheckpointError, match="holds other weights"):
        run(tmp_path / "ray.db", suite, [named], executor=executor)
    assert count(tmp_path / "ray.db") == 0


def test_another_precision_on_workers_is_refused(tmp_path, suite, executor):
    named = write_told(tmp_path / "c", bfloat16_elsewhere=os.getpid())
    with pytest.raises(UsageError, match="--dtype bfloat16, or --dtype float32"):
        run(tmp_path / "ray.db", suite, [named], executor=executor)


def test_a_gpu_by_its_number_is_refused(tmp_path, suite, cluster, monkeypatch):
    from backends.tiny_models import save_checkpoint

    monkeypatch.setattr("harness.backends.transformers.check_device", lambda _: None)
    folder = save_checkpoint("llama", tmp_path / "model")
    with (
        RayExecutor(cluster.address) as executor,
        pytest.raises(UsageError, match="Write --dev"),
    ):
        run(
            tmp_path / "ray.db",
            suite,
            [str(folder)],
            executor=executor,
            loading=Loading(device="cuda:0", dtype="float32"),
        )


def test_a_cluster_without_room_says_so(tmp_path, suite, cluster, monkeypatch):
    monkeypatch.setattr("harness.executors.ray.PATIENCE", 3.0)
    monkeypatch.setattr(
        "harness.executors.ray.seats", lambda *_: (1, {"num_gpus": 1, "num_cpus": 1})
    )
    named = write_told(tmp_path / "c")
    with RayExecutor(cluster.address) as executor, pytest.raises(CheckpointError) as it:
        run(tmp_path / "ray.db", suite, [named], executor=executor)
    assert "takes 1 GPU and 1 CPU" in str(it.value)


def test_workers_without_room_do_not_keep_others_waiting(tmp_path, suite, cluster):
    named = write_told(tmp_path / "c")
    with RayExecutor(cluster.address, workers=5) as executor:
        run(tmp_path / "ray.db", suite, [named], executor=executor)
    assert count(tmp_path / "ray.db") == ITEMS * SAMPLES


def test_a_training_is_watched_over_the_cluster(tmp_path, suite, executor):
    from backends.tiny_models import save_checkpoint

    save_checkpoint("llama", tmp_path / "out" / "checkpoint-5")
    save_checkpoint("mistral", tmp_path / "out" / "checkpoint-9")
    (tmp_path / "out" / "done").touch()
    wish = Wish(tmp_path / "out", signs=Signs(settle=0.0, until="done"))
    study = Study(tmp_path / "ray.db")
    runs = list(study.watch(suite, wish, executor=executor))
    study.file.close()
    assert [one.checkpoints[0].step for one in runs] == [5, 9]
    made = [one.generated for run in runs for one in run.generations]
    assert made == [ITEMS * SAMPLES] * 2


@contextmanager
def begun(tmp_path, suite, named, *options):
    """A run of the command line in a session of its own, which ends with the block."""
    command = ["-m", "harness", "run", suite, "-c", named, "--executor", "ray"]
    with subprocess.Popen(
        [sys.executable, *command, "--db", str(tmp_path / "ray.db"), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=tmp_path,
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def wait_until(true, child):
    end = time.monotonic() + PATIENCE
    while not true():
        assert child.poll() is None, child.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_killed_run_goes_on_locally(tmp_path, suite, cluster):
    named = write_told(tmp_path / "c", seconds=0.3, notes=True)
    with begun(tmp_path, suite, named, "--ray-address", cluster.address) as child:
        wait_until(lambda: count(tmp_path / "ray.db"), child)
        child.kill()
    kept = count(tmp_path / "ray.db")
    assert_workers_end(tmp_path / "c")
    [done] = run(tmp_path / "ray.db", suite, [named]).generations
    assert 0 < kept < ITEMS * SAMPLES
    assert (done.reused, done.generated) == (kept, ITEMS * SAMPLES - kept)
    run(tmp_path / "local.db", suite, [named])
    assert_alike(tmp_path / "local.db", tmp_path / "ray.db")


@pytest.mark.parametrize("checkpoints", [1, 3])
def test_an_interrupt_ends_everything_and_keeps_what_came(tmp_path, suite, checkpoints):
    named, *others = (
        write_told(tmp_path / f"c{n}", word=f"w{n}", seconds=0.3, notes=True)
        for n in range(checkpoints)
    )
    more = [word for one in others for word in ("-c", one)]
    with begun(tmp_path, suite, named, "--workers", "2", *more) as child:
        wait_until(lambda: count(tmp_path / "ray.db"), child)
        os.killpg(child.pid, signal.SIGINT)
        said, errors = child.communicate(timeout=PATIENCE)
    assert child.returncode == 130, errors
    assert said == ""
    assert "Interrupted. All that was finished is stored" in errors
    assert len(errors.splitlines()) == 1
    for folder in tmp_path.glob("c*/.pids"):
        assert_workers_end(folder.parent)
    assert count(tmp_path / "ray.db")


def test_a_cluster_of_its_own_says_nothing_and_lets_nobody_in(tmp_path, suite):
    named = write_told(tmp_path / "c", dies_at="q7", notes=True)
    with begun(tmp_path, suite, named, "--workers", "2", "--json") as child:
        said, errors = child.communicate(timeout=PATIENCE)
    assert child.returncode == 0, errors
    assert (tmp_path / "c" / ".died").exists()
    assert said.startswith("{")
    assert "raylet" not in said + errors
    assert (tmp_path / "c" / ".auth").read_text() == "token"


def test_a_cluster_that_is_not_there_is_one_line(tmp_path, suite):
    named = write_told(tmp_path / "c")
    with begun(tmp_path, suite, named, "--ray-address", "127.0.0.1:9") as child:
        _, errors = child.communicate(timeout=PATIENCE)
    assert child.returncode == 2
    assert "The Ray cluster at '127.0.0.1:9' cannot be reached" in errors
    assert len(errors.splitlines()) == 1
