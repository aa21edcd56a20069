"""Logs that are rows: CSV and JSONL, as OpenAI's jobs and many loops write them."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
import re
from itertools import islice
from typing import TYPE_CHECKING

from harness.errors import InputError
from harness.logs.gathering import Points, number_of, step_of
from harness.logs.model import TrainingLog
from harness.logs.names import STEP, our_names
from harness.logs.text import check_text, read_lines, read_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from harness.types import Json

CSV, JSONL, OPENAI = "csv", "jsonl", "openai"
RESULTS = (
    {"step", "train_loss", "train_accuracy", "valid_loss"},
    {"step", "elapsed_tokens", "training_loss"},
)
"""Columns of which OpenAI's results.csv has all: the current form and the retired."""
EVENT, CHECKPOINT = "fine_tuning.job.event", "fine_tuning.job.checkpoint"
BASE64 = re.compile(r"[A-Za-z0-9+/\s]{16,}={0,2}\s*")
MOST_ROWS = 5_000_000
SNIFFED = 1_000
"""Rows in which the column of steps is looked for."""
DEEPEST = 3
"""Levels of a JSON row below which nothing is a quantity."""

Row = dict[str, "Json"]


def read_csv(path: Path, aliases: Mapping[str, str]) -> TrainingLog:
    """A table with a column of steps, comma, semicolon or tab between cells.

    OpenAI's results.csv may be encoded in base64, as its API hands it out.

    Raises:
        InputError: it cannot be read, or has no column of numbers.
    """
    problems: list[str] = []
    head = check_text(path)
    lines: Iterator[str] = read_lines(path, problems)
    if BASE64.fullmatch(head):
        lines = io.StringIO(_unpacked(path))
    first = next(lines, "")
    delimiter = max(",\t;", key=first.count)
    columns = next(csv.reader([first], delimiter=delimiter), [])
    form = OPENAI if any(set(columns) >= known for known in RESULTS) else CSV
    cells = csv.reader(lines, delimiter=delimiter)
    rows = _rows_of(cells, columns, path, problems)
    return _log(rows, path, form, aliases, problems)


def read_jsonl(path: Path, aliases: Mapping[str, str]) -> TrainingLog:
    """Objects with a step, one a line; also OpenAI's events and checkpoints.

    Raises:
        InputError: it cannot be read, or no object holds a number.
    """
    problems: list[str] = []
    check_text(path)
    return _of_objects(_parsed(path, problems), path, aliases, problems)


def json_log(content: Json, path: Path, aliases: Mapping[str, str]) -> TrainingLog:
    """As of `read_jsonl`, of one JSON list, or of an answer of OpenAI's API.

    Raises:
        InputError: no object holds a number.
    """
    if isinstance(content, dict):
        page = content.get("data")
        content = page if isinstance(page, list) else [content]
    if not isinstance(content, list):
        raise InputError("it holds no list of objects", file=path)
    objects = (row for row in content if isinstance(row, dict))
    return _of_objects(objects, path, aliases, [])


def _unpacked(path: Path) -> str:
    try:
        packed = "".join(read_whole(path).split())
        return base64.b64decode(packed, validate=True).decode("utf-8-sig")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InputError(
            f"neither a table nor one encoded in base64: {error}", file=path
        ) from error


def _rows_of(
    cells: Iterator[list[str]], columns: list[str], path: Path, problems: list[str]
) -> Iterator[Row]:
    try:
        for row in cells:
            # A table that is being written may end within a row.
            yield dict(zip(columns, row, strict=False))
    except csv.Error as error:
        problems.append(f"{path.name}: not valid CSV: {error}; the rest is not read")


def _parsed(path: Path, problems: list[str]) -> Iterator[Row]:
    damaged, where = 0, ""
    for number, line in enumerate(read_lines(path, problems), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            row, where = None, where or f"line {number}: {error}"
        if isinstance(row, dict):
            yield row
        else:
            damaged += 1
            where = where or f"line {number} holds {type(row).__name__}"
    if damaged:
        problems.append(
            f"{path.name}: {damaged} lines are not JSON objects, first {where}"
        )


def _of_objects(
    objects: Iterable[Row], path: Path, aliases: Mapping[str, str], problems: list[str]
) -> TrainingLog:
    objects = iter(objects)
    first = list(islice(objects, SNIFFED))
    kinds = {row.get("object") for row in first if isinstance(row.get("object"), str)}
    form = OPENAI if kinds & {EVENT, CHECKPOINT} else JSONL

    def flat() -> Iterator[Row]:
        for part in (first, objects):
            for row in part:
                yield dict(_flat(_measured(row), "", DEEPEST))

    return _log(flat(), path, form, aliases, problems)


def _measured(row: Row) -> Row:
    """What an object of OpenAI's API says was measured; other rows as they are."""
    kind = row.get("object")
    if kind == EVENT:
        data = row.get("data")
        return data if isinstance(data, dict) else {}
    if kind == CHECKPOINT:
        metrics = row.get("metrics")
        inner = metrics if isinstance(metrics, dict) else {}
        return {**inner, STEP: row.get("step_number")}
    return row


def _flat(values: Row, before: str, deep: int) -> Iterator[tuple[str, Json]]:
    for key, value in values.items():
        if isinstance(value, dict) and deep > 1:
            yield from _flat(value, f"{before}{key}/", deep - 1)
        elif isinstance(value, int | float | str):
            yield f"{before}{key}", value


def _log(
    rows: Iterator[Row],
    path: Path,
    form: str,
    aliases: Mapping[str, str],
    problems: list[str],
) -> TrainingLog:
    first = list(islice(rows, SNIFFED))
    steps = [
        name for name, ours in our_names(_names(first), aliases).items() if ours == STEP
    ]
    points = Points()
    without = 0
    whole = _both(first, rows)
    for number, row in enumerate(islice(whole, MOST_ROWS), start=1):
        step = step_of(row.get(steps[0])) if steps else number
        if step is None:
            without += any(number_of(value) is not None for value in row.values())
            continue
        for name, written in row.items():
            value = number_of(written)
            if value is not None and name not in steps:
                points.add(name, step, value)
    if not points.of:
        raise InputError("it holds no number at a step", file=path)
    if next(whole, None) is not None:
        problems.append(f"{path.name}: only the first {MOST_ROWS:,} rows are read")
    if not steps:
        problems.append(f"{path.name}: no column of steps; rows are numbered instead")
    if without:
        problems.append(f"{path.name}: {without} rows without a step")
    curves = points.curves(aliases)
    return TrainingLog(str(path), form, curves, problems=tuple(problems))


def _names(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _both(first: list[Row], rest: Iterator[Row]) -> Iterator[Row]:
    yield from first
    yield from rest
