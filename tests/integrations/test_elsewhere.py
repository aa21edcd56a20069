"""Another process that evaluates: nothing of it outlives the training."""

import os
import subprocess
import sys
import time

import pytest

FAILING = """
import sys
from pathlib import Path
from harness.integrations.elsewhere import Elsewhere

one = Elsewhere("task.yaml", Path("s.db"), "run", "cpu")
for step in (0, 1):
    job = one.hold(step, Path("out") / f"checkpoint-{step}")
    job.folder.mkdir()
    one.add(job)
print(one.running[1].pid, len(one.waiting), flush=True)
raise RuntimeError("training has failed")
"""


@pytest.mark.skipif(os.name == "nt", reason="asks for a process by signal 0")
def test_after_a_training_that_failed_no_process_and_no_folder_is_left(tmp_path):
    failed = subprocess.run(
        [sys.executable, "-c", FAILING],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "training has failed" in failed.stderr
    process, waiting = map(int, failed.stdout.split())
    assert waiting == 1
    end = time.monotonic() + 1
    while time.monotonic() < end and is_alive(process):
        time.sleep(0.01)
    assert not is_alive(process)
    assert [*(tmp_path / "out").iterdir()] == []


def is_alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
