"""Holding: hidden folders for checkpoints in use, swept up after dead processes.

Whoever makes one holds a lock on a file in it, which the system takes back from dead
processes whatever killed them; the next to make one in that place deletes what nobody
holds any more.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

try:
    import fcntl
except ImportError:  # Windows, where what was killed leaves its folder behind
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = ".harness-"
LOCK = ".lock"
HELD = b"held"
"""What a lock's file holds from the moment that it was locked."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A folder that is deleted once it is done with."""

    path: Path
    """The folder."""
    lock: int
    """Descriptor of the file that is locked; whoever inherits it holds it, too."""

    @classmethod
    def beside(cls, checkpoints: Path) -> Holder:
        """An empty folder among a run's checkpoints, which is made if need be."""
        checkpoints.mkdir(parents=True, exist_ok=True)
        sweep(checkpoints)
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=checkpoints))
        lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT)
        if _is_locked_now(lock):
            os.write(lock, HELD)
        return cls(path, lock)

    def delete(self) -> None:
        """With all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        with suppress(OSError):
            os.close(self.lock)


@contextmanager
def held(checkpoints: Path) -> Iterator[Path]:
    """An empty folder among a run's checkpoints, for as long as the block takes."""
    holder = Holder.beside(checkpoints)
    try:
        yield holder.path
    finally:
        holder.delete()


def sweep(checkpoints: Path) -> None:
    """Delete the folders that processes which are no more held here."""
    for folder in checkpoints.glob(f"{PREFIX}*"):
        # What was never locked may be another program's, or of a disk without locks.
        with suppress(OSError):
            lock = os.open(folder / LOCK, os.O_RDWR)
            try:
                if os.read(lock, len(HELD)) == HELD and _is_locked_now(lock):
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _is_locked_now(lock: int) -> bool:
    """Whether this process has the lock, which nobody else had."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
