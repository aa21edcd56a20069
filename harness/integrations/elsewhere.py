"""A suite, run on saved checkpoints by another process while training goes on."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from harness.integrations.holding import Holder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAST_LINES = 3
"""Lines quoted of a process that failed."""


@dataclass(frozen=True, slots=True)
class Job:
    """A checkpoint that waits to be evaluated, or is."""

    step: int
    """Its step."""
    holder: Holder
    """A folder that is deleted afterwards."""
    folder: Path
    """The checkpoint in it."""
    kept: Path
    """Where the checkpoint is, or would be, kept."""


@dataclass(slots=True)
class Elsewhere:
    """Evaluates one checkpoint after the other, by `harness run`."""

    suite: str
    """As the command takes it."""
    db: Path
    """The study file."""
    series: str
    """What the training is called."""
    device: str
    """As `--device` takes it."""
    waiting: deque[Job] = field(default_factory=deque)
    """Those that have not begun."""
    running: tuple[Job, subprocess.Popen[bytes], IO[bytes]] | None = None
    """The one that has, its process and what that says."""

    def __post_init__(self) -> None:
        """A training that fails tells no callback; nothing of it may be left behind."""
        atexit.register(self.end)

    def hold(self, step: int, kept: Path) -> Job:
        """An empty place for a checkpoint, beside where it is kept."""
        holder = Holder.beside(kept.parent)
        return Job(step, holder, holder.path / kept.name, kept)

    def take(self, step: int, kept: Path) -> None:
        """Evaluate a saved checkpoint, even if it is deleted meanwhile."""
        job = self.hold(step, kept)
        shutil.copytree(kept, job.folder, copy_function=_link)
        self.add(job)

    def add(self, job: Job) -> None:
        """Evaluate what was saved to a place that `hold` gave."""
        self.waiting.append(job)
        self._begin()

    def finished(self, *, wait: bool = False) -> Iterator[tuple[Job, str | None]]:
        """What has been evaluated since the last call, and what went wrong, if it did.

        Args:
            wait: whether to wait until nothing is left.
        """
        while self.running is not None:
            job, process, said = self.running
            code = process.wait() if wait else process.poll()
            if code is None:
                return
            said.seek(0)
            lines = said.read().decode("utf-8", "replace").strip().splitlines()
            said.close()
            self.running = None
            job.holder.delete()
            self._begin()
            yield job, None if code == 0 else " ".join(lines[-LAST_LINES:])

    def end(self) -> None:
        """End the process and forget what waits."""
        if self.running is not None:
            job, process, said = self.running
            process.terminate()
            process.wait()
            said.close()
            self.waiting.appendleft(job)
            self.running = None
        for job in self.waiting:
            job.holder.delete()
        self.waiting.clear()

    def _begin(self) -> None:
        if self.running is not None or not self.waiting:
            return
        job = self.waiting.popleft()
        said = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the process ends
        command = [sys.executable, "-m", "harness", "run", self.suite]
        command += ["--checkpoint", f"{self.series}={job.folder}"]
        command += ["--db", str(self.db), "--device", self.device, "--json"]
        # It is no part of a distributed training, as what the launcher set would say.
        own = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
        kept = {name: value for name, value in os.environ.items() if name not in own}
        process = subprocess.Popen(  # noqa: S603 - this very program
            command,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env=kept,
            # It goes on where this process is killed, and holds what it reads.
            pass_fds=[job.holder.lock] if os.name == "posix" else [],
        )
        self.running = (job, process, said)


def _link(source: str, target: str) -> None:
    """A second name for a file: takes no space, and outlasts the first one."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
