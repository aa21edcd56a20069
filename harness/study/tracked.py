"""What trackers were told, so that they are told nothing twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.study.file import now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.study.file import StudyFile

Values = tuple[float, float | None, float | None]
TOLD = """
    SELECT run, name, step, value, low, high FROM tracked
    WHERE tracker = ? AND series = ? ORDER BY rowid
"""


@dataclass(frozen=True, slots=True)
class Tracked:
    """What a tracker was told of one series."""

    run: str
    """By what the tracker knows its run of the series."""
    values: Mapping[tuple[str, int], Values]
    """Name and step to value, low and high."""


def tracked(study: StudyFile, tracker: str, series: str) -> Tracked | None:
    """What a tracker's latest run of a series was told; None: there is no run."""
    rows = study.rows(TOLD, [tracker, series])
    if not rows:
        return None
    run = rows[-1]["run"]
    return Tracked(
        run,
        {
            (row["name"], row["step"]): (row["value"], row["low"], row["high"])
            for row in rows
            if row["run"] == run
        },
    )


def store_tracked(study: StudyFile, tracker: str, series: str, told: Tracked) -> None:
    """Note what a tracker was told now."""
    rows = [
        {
            "tracker": tracker,
            "series": series,
            "run": told.run,
            "name": name,
            "step": step,
            "value": value,
            "low": low,
            "high": high,
            "created": now(),
        }
        for (name, step), (value, low, high) in told.values.items()
    ]
    study.insert("tracked", rows)
