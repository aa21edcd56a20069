"""The commands that worked on a study."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING

from harness.study.file import now

if TYPE_CHECKING:
    from harness.study.file import StudyFile


def start(study: StudyFile, command: str, settings: dict[str, object]) -> int:
    """Record that a command starts; returns its number."""
    with study.transaction() as db:
        cursor = db.execute(
            "INSERT INTO runs (command, version, settings, started) "
            "VALUES (?, ?, ?, ?)",
            [command, version("tandem-eval"), json.dumps(settings), now()],
        )
        return int(cursor.lastrowid or 0)


def finish(study: StudyFile, number: int) -> None:
    """Record that the command finished."""
    with study.transaction() as db:
        db.execute("UPDATE runs SET finished = ? WHERE id = ?", [now(), number])
