"""The report as the owner's page shows it: made elsewhere, one by one, and kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from threading import Lock
from typing import IO, TYPE_CHECKING

from ui.reporter import ABOUT, SAMPLES, newest, written_forms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.study import StudyFile
    from harness.types import Json

COMPLAINT = "complaint.txt"
"""What the process said of its failure."""
SINCE = "SELECT count(DISTINCT assignment) FROM ratings WHERE id > ?"
SECONDS_TO_END = 5


@dataclass(frozen=True, slots=True)
class Made:
    """A report that is there."""

    folder: Path
    """Where its forms are."""
    about: Mapping[str, Json]
    """When it was made, from which rows, and what it says."""


@dataclass(frozen=True, slots=True)
class Making:
    """A process that makes a report."""

    process: subprocess.Popen[bytes]
    """Ends by itself."""
    folder: Path
    """Where it leaves the report."""
    begun: float
    """When it was started, by the monotonic clock in seconds."""


@dataclass(slots=True)
class Reports:
    """The newest report of a study, and the one that is being made, if any.

    All methods can be called from any thread.
    """

    study: StudyFile
    """What is reported on."""
    _lock: Lock = field(default_factory=Lock)
    _home: TemporaryDirectory[str] | None = None
    _count: int = 0
    _making: Making | None = None
    _made: Made | None = None
    _problem: str = ""

    def start(self) -> None:
        """Make a report anew, unless one is being made."""
        with self._lock:
            self._settle()
            if self._making is None:
                self._problem = ""
                self._making = self._started()

    def standing(self) -> dict[str, Json]:
        """What is there, what is being made, and what has come in since."""
        with self._lock:
            self._settle()
            making, made = self._making, self._made
            reply: dict[str, Json] = {
                "making": making and time.monotonic() - making.begun,
                "problem": self._problem,
                "made": None,
            }
        if made is not None:
            now, then = newest(self.study), made.about["newest"]
            [since] = self.study.column(SINCE, [then["ratings"] or 0])
            reply["made"] = {
                "at": made.about["at"],
                "tasks": made.about["tasks"],
                "forms": written_forms(),
                "samples": (made.folder / SAMPLES).exists(),
                "answers_since": since,
                "changed": now != then,
            }
        return reply

    def opened(self, form: str) -> IO[bytes] | None:
        """The newest report in a form; None where there is none.

        It stays readable when a newer one takes its place.
        """
        with self._lock:
            self._settle()
            if self._made is None or form not in written_forms():
                return None
            return (self._made.folder / f"report.{form}").open("rb")

    def opened_samples(self) -> IO[bytes] | None:
        """How outputs changed, as of the newest report; None where there is nothing."""
        with self._lock:
            self._settle()
            if self._made is None or not (self._made.folder / SAMPLES).exists():
                return None
            return (self._made.folder / SAMPLES).open("rb")

    @property
    def problem(self) -> str:
        """Why the last one could not be made; empty if it could or is being made."""
        with self._lock:
            self._settle()
            return self._problem

    def close(self) -> None:
        """End what is being made and delete what was made."""
        with self._lock:
            if self._making is not None:
                self._making.process.terminate()
                self._making.process.wait(SECONDS_TO_END)
            if self._home is not None:
                self._home.cleanup()
            self._home = self._making = self._made = None

    def _started(self) -> Making:
        if self._home is None:
            self._home = TemporaryDirectory(
                prefix="tandem-report-", ignore_cleanup_errors=True
            )
        self._count += 1
        folder = Path(self._home.name) / str(self._count)
        folder.mkdir()
        with (folder / COMPLAINT).open("wb") as complaint:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", "-m", "ui.reporter", self.study.path, folder],
                # It must find what this process found, wherever that was.
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaint,
            )
        return Making(process, folder, time.monotonic())

    def _settle(self) -> None:
        """Take in what has been made."""
        making = self._making
        if making is None or making.process.poll() is None:
            return
        self._making = None
        if making.process.returncode == 0:
            about = json.loads((making.folder / ABOUT).read_text(encoding="utf-8"))
            before, self._made = self._made, Made(making.folder, about)
            stale = before and before.folder
        else:
            self._problem = _complaint(making)
            stale = making.folder
        if stale:
            rmtree(stale, ignore_errors=True)


def _complaint(making: Making) -> str:
    """Why no report came, in words."""
    code = making.process.returncode
    if code < 0:
        return (
            f"It was ended by the system (signal {-code}), perhaps for want of memory. "
            "Try again, or make it elsewhere: harness report --format html"
        )
    said = (making.folder / COMPLAINT).read_text(encoding="utf-8", errors="replace")
    # Of a failure that nobody foresaw, the last line says what it was.
    return said.strip().rpartition("\n")[2] or f"It ended with status {code}."
