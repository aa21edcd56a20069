"""Text of logs, read so that no file can take all memory."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from harness.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.types import Json

MOST_LINE = 1_000_000
"""Bytes of a line."""
MOST_LINEWISE = 500_000_000
"""Bytes of a file that is read line by line."""
MOST_WHOLE = 100_000_000
"""Bytes of a file that can only be read whole."""
HEAD = 4096
"""Bytes from which a file's kind is told."""


def read_head(path: Path) -> bytes:
    """The first bytes of a file.

    Raises:
        InputError: it cannot be read, or is empty.
    """
    try:
        if not path.is_file():
            raise InputError("no such file", file=path)
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error
    if not head:
        raise InputError("the file is empty", file=path)
    return head


def check_text(path: Path) -> str:
    """The beginning of a text file.

    Raises:
        InputError: it cannot be read, is empty, or is no text.
    """
    head = read_head(path)
    if b"\0" in head:
        raise InputError("it holds binary data, not text", file=path)
    return head.decode("utf-8-sig", "replace")


def read_lines(path: Path, problems: list[str]) -> Iterator[str]:
    """The lines of a text file, without their ends.

    Args:
        path: a file that `check_text` takes.
        problems: gets what could not be read and why.

    Raises:
        InputError: the file cannot be read.
    """
    done = number = 0
    damaged = False
    try:
        with path.open("rb") as file:
            while line := file.readline(MOST_LINE + 1):
                number += 1
                done += len(line)
                if len(line) > MOST_LINE or done > MOST_LINEWISE:
                    what = (
                        f"line {number} is longer than {MOST_LINE // 10**6} MB"
                        if len(line) > MOST_LINE
                        else f"it is larger than {MOST_LINEWISE // 10**6} MB"
                    )
                    problems.append(f"{path.name}: {what}; the rest is not read")
                    return
                text, bad = _decoded(line)
                if bad and not damaged:
                    damaged = True
                    problems.append(f"{path.name}:{number}: not UTF-8 text")
                yield text.removeprefix("\ufeff") if number == 1 else text
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error


def _decoded(line: bytes) -> tuple[str, bool]:
    try:
        return line.decode().rstrip("\r\n"), False
    except UnicodeDecodeError:
        return line.decode("utf-8", "replace").rstrip("\r\n"), True


def read_whole(path: Path) -> str:
    """A text file that is of use only as a whole.

    Raises:
        InputError: it cannot be read, is empty or too large, or is no UTF-8 text.
    """
    check_text(path)
    try:
        with path.open("rb") as file:
            content = file.read(MOST_WHOLE + 1)
        if len(content) > MOST_WHOLE:
            raise InputError(f"larger than {MOST_WHOLE // 10**6} MB", file=path)
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text: {error.reason}", file=path) from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error


def read_json(path: Path) -> Json:
    """What a JSON file holds; bare NaN and Infinity are numbers.

    Raises:
        InputError: as of `read_whole`, or it is no JSON.
    """
    text = read_whole(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"not valid JSON: {error.msg}", file=path, line=error.lineno
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"not valid JSON: {error}", file=path) from error


def plain_values(values: dict[str, Json]) -> dict[str, Json]:
    """Those that are numbers, truth values or texts, each finite."""
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, str | bool | int)
        or (isinstance(value, float) and math.isfinite(value))
    }
