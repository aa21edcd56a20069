"""Folders for checkpoints in use are deleted, whatever ends who made them."""

import os
import signal
import subprocess
import sys
import time

import pytest

from harness.integrations.holding import HELD, LOCK, Holder, held

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")

HOLDING = """
import subprocess, sys, time
from pathlib import Path
from harness.integrations.holding import Holder

holder = Holder.beside(Path("out"))
(holder.path / "checkpoint-5").mkdir()
if sys.argv[1:]:
    subprocess.Popen(
        [sys.executable, "-c", "input()"], pass_fds=[holder.lock], stdin=0
    )
print(flush=True)
time.sleep(600)
"""


def kill_one_that_holds(folder, *options, stdin=subprocess.DEVNULL):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=stdin,
        stdout=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_what_a_killed_process_held_is_deleted_by_the_next_that_holds_there(tmp_path):
    kill_one_that_holds(tmp_path)
    [left] = (tmp_path / "out").iterdir()
    assert (left / "checkpoint-5").is_dir()
    with held(tmp_path / "out") as now:
        assert [*(tmp_path / "out").iterdir()] == [now]
    assert [*(tmp_path / "out").iterdir()] == []


def test_what_another_process_still_reads_is_kept_until_that_ends(tmp_path):
    reads, writes = os.pipe()
    kill_one_that_holds(tmp_path, "and its child", stdin=reads)
    os.close(reads)
    [left] = (tmp_path / "out").iterdir()
    Holder.beside(tmp_path / "out").delete()
    assert left.is_dir()
    os.close(writes)
    end = time.monotonic() + 60
    while left.is_dir():
        assert time.monotonic() < end
        Holder.beside(tmp_path / "out").delete()


def test_what_is_held_or_was_never_locked_is_left_alone(tmp_path):
    (tmp_path / ".harness-other").mkdir()
    (tmp_path / ".harness-unlocked").mkdir()
    (tmp_path / ".harness-unlocked" / LOCK).touch()
    (tmp_path / "checkpoint-5").mkdir()
    (tmp_path / "checkpoint-5" / LOCK).write_bytes(HELD)
    with held(tmp_path) as one, held(tmp_path) as other:
        assert one.is_dir()
        assert len([*tmp_path.iterdir()]) == 5
    assert not other.exists()
    assert len([*tmp_path.iterdir()]) == 3
