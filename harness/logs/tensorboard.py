"""TensorBoard's event files, read without TensorFlow or TensorBoard.

A file is a row of TFRecords, each an `Event` message of TensorFlow's `event.proto`.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from operator import itemgetter
from typing import IO, TYPE_CHECKING

from harness.errors import InputError
from harness.logs.crc import masked_crc, masked_crcs
from harness.logs.gathering import Points
from harness.logs.model import TrainingLog
from harness.logs.protobuf import fields, signed
from harness.logs.summaries import SCALAR, frame_of, plain_step, summary_values
from harness.logs.text import read_head

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.types import Json

FORM = "tensorboard"
MARK = ".tfevents."
"""Part of every event file's name."""
ARGUMENTS, MODEL = "args/text_summary", "model_config/text_summary"
"""Tags in which transformers writes its TrainingArguments and the model's settings."""
MOST_CHECKED = 4096
"""Bytes of a record whose checksum is checked; scalars are far shorter."""
MOST_READ = 16_000_000
"""Bytes of a record that is read at all; images and histograms are passed over."""
MOST_SCALARS = 10_000_000
"""Values of one file that are kept."""
BATCH = 20_000
"""Records that are checked together."""
HEADER = struct.Struct("<QI")
WALL_TIME, STEP, SUMMARY, SESSION = 1, 2, 5, 7
"""Fields of an `Event`."""
START = 1
"""State of a session that discards what was logged from its step on."""


@dataclass(slots=True)
class _File:
    """What one event file holds."""

    begun: float = 0.0
    """Wall time of the first event, in seconds since 1970."""
    points: list[tuple[str, int, float]] = field(default_factory=list)
    """Tag, step and value in the order of writing; a tag of "" starts anew."""
    texts: dict[str, str] = field(default_factory=dict)
    alike: dict[bytes, str] = field(default_factory=dict)
    """What stands between an event's step and its one value, to the tag in it."""


def read_tensorboard(
    files: Mapping[Path, str], aliases: Mapping[str, str]
) -> TrainingLog:
    """The scalars of one training run, and its TrainingArguments as settings.

    Of a run that was resumed, what an earlier file has from the first step of a later
    one on is left out, tag by tag.

    Args:
        files: the event files of the run to what goes before their tags, as `eval/`.
        aliases: the log's names to ours.

    Raises:
        InputError: not a single event can be read.
    """
    problems: list[str] = []
    read = []
    for path, before in files.items():
        part = _read(path, problems)
        read.append((part.begun, str(path), before, part))
    if not any(part.points or part.texts for *_, part in read):
        why = f": {problems[0]}" if problems else ""
        raise InputError(f"it holds no scalar{why}", file=next(iter(files)))
    read.sort(key=itemgetter(0, 1))
    points = Points()
    texts: dict[str, str] = {}
    for *_, before, part in read:
        _append(points, part.points, before)
        texts |= part.texts
    source = ", ".join(str(path) for path in files)
    settings = _settings(texts, problems)
    return TrainingLog(source, FORM, points.curves(aliases), settings, tuple(problems))


def _append(
    points: Points, later: Sequence[tuple[str, int, float]], before: str
) -> None:
    begun: set[str] = set()
    for tag, step, value in later:
        name = before + tag
        if not tag:
            for known in points.of:
                _drop_from(points, known, step)
            continue
        if name not in begun:
            begun.add(name)
            _drop_from(points, name, step)
        points.add(name, step, value)


def _drop_from(points: Points, name: str, first: int) -> None:
    steps, values = points.of.get(name, ([], []))
    if steps and max(steps) >= first:
        kept = [(s, v) for s, v in zip(steps, values, strict=True) if s < first]
        points.of[name] = ([s for s, _ in kept], [v for _, v in kept])


def _settings(texts: Mapping[str, str], problems: list[str]) -> dict[str, Json]:
    settings: dict[str, Json] = {}
    for tag in (ARGUMENTS, MODEL):
        if tag not in texts:
            continue
        try:
            content = json.loads(texts[tag])
        except (ValueError, RecursionError) as error:
            problems.append(f"tag {tag} is not valid JSON: {error}")
            continue
        if isinstance(content, dict):
            settings |= content if tag == ARGUMENTS else {"model_config": content}
    return settings


def _read(path: Path, problems: list[str]) -> _File:
    found = _File()
    damaged = 0
    try:
        read_head(path)
        with path.open("rb") as file:
            for data in _records(file, path, problems):
                if len(found.points) >= MOST_SCALARS:
                    problems.append(f"{path.name}: more than {MOST_SCALARS:,} values")
                    break
                try:
                    _take(data, found)
                except (ValueError, struct.error, OverflowError):
                    damaged += 1
    except InputError as error:
        problems.append(str(error).replace(f"{path}", path.name))
    except OSError as error:
        problems.append(f"{path.name}: cannot be read: {error.strerror}")
    if damaged:
        problems.append(f"{path.name}: {damaged} records hold no event")
    return found


def _take(data: bytes, found: _File) -> None:
    """Add an event's scalars and texts."""
    # Nearly all events are of few tags and differ in time, step and value alone.
    step, at = plain_step(data)
    tag = found.alike.get(data[at:-4]) if at else None
    if tag is not None:
        found.points.append((tag, step, *SCALAR.unpack_from(data, len(data) - 4)))
        return
    scalars = _take_whole(data, found)
    if at and len(scalars) == 1 and data[at:-4] == frame_of(scalars[0]):
        found.alike[data[at:-4]] = scalars[0]


def _take_whole(data: bytes, found: _File) -> list[str]:
    """Add what any event may hold; returns the tags of its scalars."""
    step, summary, session = 0, b"", b""
    for number, value in fields(data):
        if number == WALL_TIME and not found.begun:
            (found.begun,) = struct.unpack("<d", _bytes(value))
        elif number == STEP and isinstance(value, int):
            step = signed(value)
        elif number == SUMMARY:
            summary = _bytes(value)
        elif number == SESSION:
            session = _bytes(value)
    if session and (1, START) in fields(session):
        found.points.append(("", step, 0.0))
    scalars = []
    for tag, logged in summary_values(summary) if summary else ():
        if isinstance(logged, str):
            found.texts[tag] = logged
        elif tag:
            found.points.append((tag, step, logged))
            scalars.append(tag)
    return scalars


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number where bytes must be")  # noqa: TRY004 - bad data
    return value


def _records(file: IO[bytes], path: Path, problems: list[str]) -> Iterator[bytes]:
    """Records whose checksum is right, as far as the file's frame is whole."""
    batch: list[tuple[bytes, int]] = []
    for record in _frames(file, path, problems):
        batch.append(record)
        if len(batch) == BATCH:
            yield from _checked(batch, path, problems)
            batch = []
    yield from _checked(batch, path, problems)


def _frames(
    file: IO[bytes], path: Path, problems: list[str]
) -> Iterator[tuple[bytes, int]]:
    """Each record with the checksum that stands behind it."""
    size = path.stat().st_size
    right: dict[bytes, int] = {}
    at = 0
    while header := file.read(HEADER.size):
        if len(header) < HEADER.size:
            problems.append(f"{path.name}: cut off at byte {at:,}")
            return
        length, check = HEADER.unpack(header)
        written = header[:8]
        if written not in right:
            right[written] = masked_crc(written)
        if right[written] != check:
            problems.append(
                f"{path.name}: damaged at byte {at:,}; the rest "
                f"({size - at:,} bytes) is not read"
            )
            return
        end = at + HEADER.size + length + 4
        if end > size:
            problems.append(f"{path.name}: cut off at byte {at:,}")
            return
        if length > MOST_READ:
            file.seek(end)
        else:
            data = file.read(length + 4)
            yield data[:-4], int.from_bytes(data[-4:], "little")
        at = end


def _checked(
    batch: Sequence[tuple[bytes, int]], path: Path, problems: list[str]
) -> Iterator[bytes]:
    small = [data for data, _ in batch if len(data) <= MOST_CHECKED]
    crcs = iter(masked_crcs(small))
    damaged = 0
    for data, check in batch:
        if len(data) <= MOST_CHECKED and next(crcs) != check:
            damaged += 1
        else:
            yield data
    if damaged:
        problems.append(f"{path.name}: {damaged} records are damaged and left out")
