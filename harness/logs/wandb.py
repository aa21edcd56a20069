"""W&B's offline runs, `run-ID.wandb`, read without the package or its service.

A file is a LevelDB log (records in blocks of 32 KiB), each record a `Record` message
of wandb_internal.proto; the package itself has no reader that runs alone.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import TYPE_CHECKING

from harness.errors import InputError
from harness.logs.gathering import Points, number_of, step_of
from harness.logs.model import TrainingLog
from harness.logs.protobuf import fields, signed
from harness.logs.text import read_head

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.types import Json

FORM = "wandb"
IDENT = b":W&B"
BLOCK = 32 * 1024
HEADER = struct.Struct("<IHB")
DAMAGED, FULL, FIRST, LAST = 0, 1, 2, 4
"""Which part of a record a piece is, if it is whole; 3 is a middle one."""
HISTORY, CONFIG, RUN = 2, 5, 17
"""Fields of a `Record`."""
OF_RUN = 4
"""Field of a `RunRecord` with its `ConfigRecord`."""
KEY, NESTED, INTEGER, NUMBER, JSON, VALUE = 1, 2, 5, 6, 8, 16
"""Fields of an item of history or configuration; the integer is a zigzag varint."""
MOST_RECORD = 16_000_000
"""Bytes of a record that is kept."""
OWN = "_"
"""What W&B's own quantities begin with, as `_runtime`."""
STEPS = ("train/global_step", "trainer/global_step", "global_step")
"""Quantities that count optimizer steps, where W&B's own `_step` counts calls."""


def read_wandb(path: Path, aliases: Mapping[str, str]) -> TrainingLog:
    """The history of a run over its steps, and its configuration as settings.

    Raises:
        InputError: it is no such file, or holds no history.
    """
    if not read_head(path).startswith(IDENT):
        raise InputError("no file of W&B: it does not begin with ':W&B'", file=path)
    problems: list[str] = []
    points, settings = Points(), dict[str, "Json"]()
    damaged = 0
    for record in _records(path, problems):
        try:
            _take(record, points, settings)
        except (ValueError, struct.error):
            damaged += 1
    if damaged:
        problems.append(f"{path.name}: {damaged} records hold nothing readable")
    if not points.of and not settings:
        why = f": {problems[0]}" if problems else ""
        raise InputError(f"it holds no history{why}", file=path)
    settings.pop("_wandb", None)
    curves = points.curves(aliases)
    return TrainingLog(str(path), FORM, curves, settings, tuple(problems))


def _take(record: bytes, points: Points, settings: dict[str, Json]) -> None:
    for number, content in fields(record):
        if isinstance(content, int):
            continue
        if number == HISTORY:
            _add_row(content, points)
        elif number == CONFIG:
            settings |= _configuration(content)
        elif number == RUN:
            for part, inner in fields(content):
                if part == OF_RUN and isinstance(inner, bytes):
                    settings |= _configuration(inner)


def _add_row(history: bytes, points: Points) -> None:
    row: dict[str, Json] = {}
    number = None
    for part, content in fields(history):
        if part == 1 and isinstance(content, bytes):
            row |= [_item(content)]
        elif part == 2 and isinstance(content, bytes):  # noqa: PLR2004 - HistoryStep
            counts = [n for field, n in fields(content) if field == 1]
            number = signed(counts[0]) if counts and isinstance(counts[0], int) else 0
    named = next((row[name] for name in STEPS if name in row), None)
    step = step_of(row.get("_step", number) if named is None else named)
    if step is None:
        return
    for name, logged in row.items():
        value = number_of(logged)
        if value is not None and name not in STEPS and not name.startswith(OWN):
            points.add(name, step, value)


def _configuration(record: bytes) -> dict[str, Json]:
    items = [_item(part) for n, part in fields(record) if n == 1 and _is_bytes(part)]
    return {name: value for name, value in items if name}


def _is_bytes(part: int | bytes) -> bool:
    return isinstance(part, bytes)


def _item(content: int | bytes) -> tuple[str, Json]:
    """Name and value of an item; inner names after a slash."""
    if isinstance(content, int):
        raise ValueError("a number where an item must be")  # noqa: TRY004 - bad data
    names: list[str] = []
    value: Json = None
    for part, inner in fields(content):
        if part in {KEY, NESTED} and isinstance(inner, bytes):
            names.append(inner.decode("utf-8", "replace"))
        elif part == INTEGER and isinstance(inner, int):
            value = (inner >> 1) ^ -(inner & 1)
        elif part == NUMBER and isinstance(inner, bytes):
            (value,) = struct.unpack("<d", inner)
        elif part in {JSON, VALUE} and isinstance(inner, bytes):
            value = _parsed(inner)
    return "/".join(names), value


def _parsed(text: bytes) -> Json:
    try:
        return json.loads(text)
    except RecursionError:
        return None


def _records(path: Path, problems: list[str]) -> Iterator[bytes]:
    """The records, put together from their pieces, as far as their blocks are whole."""
    parts: list[bytes] | None = None  # of a record whose beginning was read
    damaged: list[int] = []
    try:
        with path.open("rb") as file:
            at = len(file.read(7))
            while block := file.read(BLOCK - at % BLOCK):
                for kind, piece in _pieces(block):
                    if kind == DAMAGED:
                        damaged.append(at)
                    if kind in {FULL, FIRST, DAMAGED}:
                        parts = None if kind == DAMAGED else []
                    if parts is not None and sum(map(len, parts)) < MOST_RECORD:
                        parts.append(piece)
                    if parts is not None and kind in {FULL, LAST}:
                        yield b"".join(parts)
                        parts = None
                at += len(block)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error
    if damaged:
        problems.append(
            f"{path.name}: {len(damaged)} blocks are damaged or cut off, "
            f"first that at byte {damaged[0]:,}; what they hold after that is left out"
        )


def _pieces(block: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and content of each piece, the last of a damaged block being `DAMAGED`."""
    at = 0
    while at + HEADER.size <= len(block):
        check, length, kind = HEADER.unpack_from(block, at)
        if not (check or length or kind):
            return  # the end of a block is filled with zeros
        end = at + HEADER.size + length
        piece = block[at + HEADER.size : end]
        whole = end <= len(block) and FULL <= kind <= LAST
        if not whole or zlib.crc32(bytes([kind]) + piece) != check:
            yield DAMAGED, b""
            return
        yield kind, piece
        at = end
