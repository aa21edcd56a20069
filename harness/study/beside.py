"""Many scores are read by two processes, each part of the checkpoints.

Both see one moment of the study: each opens a transaction between two looks of a third,
idle connection, which tells whether anybody wrote meanwhile. The second process begins
with the last checkpoint, this one with the first, until they meet. Whatever happens to
the second, this one reads what is missing.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from queue import SimpleQueue
from subprocess import DEVNULL, PIPE, Popen
from threading import Thread
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from harness.study.file import StudyFile
from harness.study.score_columns import ScoreColumns, read_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

MANY = 1_000_000  # scores: fewer are read before a second process has started
ATTEMPTS = 5
BEGUN = b"begun\n"
NUMBER = 8  # bytes of each number that is sent

Found = tuple[str, ScoreColumns]


class Second:
    """The second process: our own program, told by lines, which answers in bytes."""

    def __init__(self, path: Path) -> None:
        """Start it for a study file.

        Raises:
            OSError: it cannot be started.
        """
        # The same modules as here, none from the folder where the program was started.
        command = [sys.executable, "-P", "-m", __name__, str(path.absolute())]
        paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
        self.process = Popen(  # noqa: S603 - our own program
            command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env={**os.environ, **paths},
        )
        self.found: SimpleQueue[Found] = SimpleQueue()
        """What it has read so far."""
        self._thread = Thread(target=self._receive, daemon=True)

    def begin(self) -> bool:
        """Let it begin a transaction anew; whether it did."""
        return self._tell([]) and self._pipe.readline() == BEGUN

    def start(self, checkpoints: Sequence[str]) -> None:
        """Let it read these, the last first."""
        if checkpoints and self._tell(checkpoints):
            self._thread.start()

    def close(self) -> None:
        """End it, wherever it is."""
        self.process.kill()
        self.process.wait()
        if self._thread.is_alive():
            self._thread.join()
        self._pipe.close()
        with suppress(BrokenPipeError):
            cast("BinaryIO", self.process.stdin).close()

    @property
    def _pipe(self) -> BinaryIO:
        return cast("BinaryIO", self.process.stdout)

    def _tell(self, checkpoints: Sequence[str]) -> bool:
        told = cast("BinaryIO", self.process.stdin)
        try:
            told.write(json.dumps(list(checkpoints)).encode() + b"\n")
            told.flush()
        except BrokenPipeError:
            return False
        return True

    def _receive(self) -> None:
        while (found := _received(self._pipe)) is not None:
            self.found.put(found)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads scores, alone or with a second process beside it."""

    study: StudyFile
    """Where to read."""
    second: Second | None = None
    """Sees the same moment of the study."""

    def expect(self, checkpoints: Sequence[str]) -> None:
        """Say early whose scores will be asked for; once."""
        if self.second is not None:
            self.second.start(checkpoints)

    def columns(self, checkpoints: Iterable[str]) -> Iterator[Found]:
        """Each checkpoint's scores, in any order."""
        left = dict.fromkeys(checkpoints)
        while left:
            if self.second is not None and not self.second.found.empty():
                checkpoint, columns = self.second.found.get()
                if checkpoint not in left:
                    continue
            else:
                checkpoint = next(iter(left))
                columns = read_columns(self.study, checkpoint)
            del left[checkpoint]
            yield checkpoint, columns


@contextmanager
def one_moment(study: StudyFile) -> Iterator[Reader]:
    """Reads within see one state, whatever others write, and keep nobody waiting."""
    if study.db.conn.in_transaction:
        yield Reader(study)
        return
    try:
        with ExitStack() as stack:
            yield Reader(study, _second(study, stack))
    finally:
        study.db.rollback()


def _second(study: StudyFile, stack: ExitStack) -> Second | None:
    """Begin a transaction here and, for many scores, in a process beside this one."""
    if _begun(study) < MANY or not study.path.is_file():
        return None
    try:
        second = Second(study.path)
        stack.callback(second.close)
        with closing(sqlite3.connect(study.path)) as idle:
            for _ in range(ATTEMPTS):
                before = _version(idle)
                study.db.rollback()
                _begun(study)
                if not second.begin():
                    return None
                if _version(idle) == before:
                    return second
    except (OSError, sqlite3.OperationalError):
        return None
    return None


def _begun(study: StudyFile) -> int:
    """Number of scores ever stored, as the transaction sees it that begins here."""
    study.db.execute("BEGIN")
    # The moment is that of the first read.
    [last] = study.column("SELECT max(rowid) FROM scores")
    return int(last or 0)


def _version(idle: sqlite3.Connection) -> int:
    return int(idle.execute("PRAGMA data_version").fetchone()[0])


def main(path: str, told: BinaryIO, pipe: BinaryIO) -> None:
    """The second process: begin a transaction when told [], then send what is asked."""
    study = StudyFile(path, must_exist=True)
    study.db.execute("PRAGMA query_only = ON")
    for line in told:
        checkpoints = json.loads(line)
        for checkpoint in reversed(checkpoints):
            _send(pipe, checkpoint, read_columns(study, checkpoint))
        if not checkpoints:
            study.db.rollback()
            _begun(study)
            pipe.write(BEGUN)
        pipe.flush()


def _send(pipe: BinaryIO, checkpoint: str, columns: ScoreColumns) -> None:
    numbers = [columns.of, columns.by, columns.widths]
    of, by, widths = (np.asarray(some, dtype=np.int64) for some in numbers)
    arrays = (of, by, columns.values, widths, columns.tallies)
    sizes = [len(array) for array in arrays]
    head = [checkpoint, columns.judged, columns.signatures, sizes]
    pipe.write(json.dumps(head).encode() + b"\n")
    pipe.writelines(array.tobytes() for array in arrays)


def _received(pipe: BinaryIO) -> Found | None:
    """What was sent next; None if the second process has ended."""
    line = pipe.readline()
    if not line.endswith(b"\n"):
        return None
    checkpoint, judged, signatures, sizes = json.loads(line)
    parts = [pipe.read(NUMBER * size) for size in sizes]
    if [len(part) for part in parts] != [NUMBER * size for size in sizes]:
        return None
    of, by, values, widths, tallies = parts
    return checkpoint, ScoreColumns(
        judged=tuple(judged),
        signatures=tuple(signatures),
        of=np.frombuffer(of, dtype=np.int64),
        by=np.frombuffer(by, dtype=np.int64),
        values=np.frombuffer(values),
        widths=np.frombuffer(widths, dtype=np.int64),
        tallies=np.frombuffer(tallies),
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
