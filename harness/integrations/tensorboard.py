"""TensorBoard: a folder for each series, its event files with values and samples.

TensorBoard shows a step twice that is written twice, and one that runs stumbles over
files that are deleted. So only what is new is written, into a file of its own that
opens with a session's start at its first step: readers then forget what they knew of
that step and of later ones, all of which the file tells again.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.identity import content_hash
from harness.integrations.journal import Adding
from harness.integrations.tracker import trackers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.integrations.journal import Addition

OWN = "events.out.tfevents.*.harness"
"""Files of this module."""


@trackers.register("tensorboard")
class TensorBoard(Adding):
    """Event files for `tensorboard --logdir DIR`."""

    name = package = "tensorboard"
    title = "TensorBoard"
    wants = "DIR"
    tells_later_steps_again = True

    @property
    def key(self) -> str:
        """The folder, from wherever it is named."""
        return f"{self.name}:{Path(self.place).expanduser().resolve()}"

    def has(self, run: str) -> bool:
        """Whether the folder still has files of ours."""
        return any(Path(run).glob(OWN))

    def add(self, run: str | None, addition: Addition) -> str:
        """Write a file; it has its name only once it is whole.

        Raises:
            UsageError: the folder cannot be written.
        """
        root = Path(self.place).expanduser().resolve()
        # A folder of its own: a training may log to that of the series, and readers
        # would forget steps of its.
        folder = Path(run) if run else root / folder_of(addition.series) / "harness"
        seconds, rest = divmod(time.time_ns(), 10**9)
        # TensorBoard reads files in the order of their names.
        path = folder / f"events.out.tfevents.{seconds}.{rest:09d}.harness"
        partial = folder / f".{rest:09d}.partial"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write(partial, addition)
            partial.replace(path)
        except OSError as error:
            raise self.refused(error) from None
        return str(folder)


def folder_of(series: str) -> str:
    """A folder's name for a series, whatever signs that has, and no other's."""
    plain = re.sub(r"[^\w.-]", "_", series)
    if plain == series and plain.strip("."):
        return series
    return f"{plain.strip('.')}-{content_hash(series)[:6]}"


def _write(path: Path, addition: Addition) -> None:
    from tensorboard.summary.writer.record_writer import RecordWriter

    with path.open("wb") as file:
        writer = RecordWriter(file)
        for event in _events(addition):
            writer.write(event.SerializeToString())


def _events(addition: Addition) -> Iterator[Any]:
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.text.summary_v2 import text_pb

    now = time.time()
    start = SessionLog(status=SessionLog.SessionStatus.START)
    first = next(step for step, _, _ in addition.steps())
    yield Event(wall_time=now, file_version="brain.Event:2")
    yield Event(wall_time=now, step=first, session_log=start)
    for step, points, samples in addition.steps():
        for point in points:
            values = [
                Summary.Value(tag=name, simple_value=value)
                for name, value in point.scalars().items()
            ]
            yield Event(wall_time=now, step=step, summary=Summary(value=values))
        for sample in samples:
            text = text_pb(sample.name, sample.markdown())
            yield Event(wall_time=now, step=step, summary=text)
