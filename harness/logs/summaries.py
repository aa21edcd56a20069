"""Scalars and texts in TensorBoard's `Summary` messages, whichever way written."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from harness.logs.protobuf import fields, signed, varints

if TYPE_CHECKING:
    from collections.abc import Iterator

TAG, SIMPLE, TENSOR = 1, 2, 8
"""Fields of `Summary.Value`."""
DTYPE, CONTENT, FLOATS, DOUBLES, INTS, STRINGS, INT64S = 1, 4, 5, 6, 7, 8, 10
"""Fields of `TensorProto`."""
STRING, BFLOAT16 = 7, 14
NUMPY = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}
"""TensorFlow's types to numpy's."""
REPEATED = {FLOATS: "<f4", DOUBLES: "<f8"}
SCALAR = struct.Struct("<f")


def plain_step(event: bytes) -> tuple[int, int]:
    """The step of an event that begins with time and step, and where it ends.

    Returns:
        (0, 0) if the event begins otherwise.
    """
    if event[:1] != b"\x09" or event[9:10] != b"\x10":
        return 0, 0
    step, at, shift = 0, 10, 0
    # Eight groups of seven bits; longer ones are left to the reader of any event.
    for byte in event[10:18]:
        step |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:  # noqa: PLR2004 - the last group has its high bit clear
            return step, at
    return 0, 0


def frame_of(tag: str) -> bytes:
    """What stands before the value, and behind the step, of an event of one scalar.

    Returns:
        Nothing for tags so long that a length takes more than one byte.
    """
    text = tag.encode()
    if len(text) + 9 > 127:  # noqa: PLR2004 - the largest varint of one byte
        return b""
    sizes = (len(text) + 9, len(text) + 7, len(text))
    return b"\x2a%c\x0a%c\x0a%c%b\x15" % (*sizes, text)


def summary_values(summary: bytes) -> Iterator[tuple[str, float | str]]:
    """Tag and value of each scalar and text; images and the like are passed over.

    Raises:
        ValueError: it is no such message.
    """
    for number, value in fields(summary):
        if number != 1 or isinstance(value, int):
            continue
        tag, found = "", None
        for part, content in fields(value):
            if isinstance(content, int):
                continue
            if part == TAG:
                tag = content.decode("utf-8", "replace")
            elif part == SIMPLE:
                (found,) = SCALAR.unpack(content)
            elif part == TENSOR:
                found = _of_tensor(content)
        if found is not None:
            yield tag, found


def _of_tensor(tensor: bytes) -> float | str | None:
    """The only element of a tensor; None if it has another number of them."""
    dtype, numbers, texts = 0, [], []
    content = b""
    for part, value in fields(tensor):
        if part == DTYPE and isinstance(value, int):
            dtype = value
        elif part == CONTENT and isinstance(value, bytes):
            content = value
        elif part == STRINGS and isinstance(value, bytes):
            texts.append(value)
        elif part in REPEATED and isinstance(value, bytes):
            numbers += np.frombuffer(value, REPEATED[part]).tolist()
        elif part in {INTS, INT64S}:
            numbers += (
                [signed(value)]
                if isinstance(value, int)
                else map(signed, varints(value))
            )
    if content:
        numbers = _of_content(content, dtype)
    if dtype == STRING:
        return texts[0].decode("utf-8", "replace") if len(texts) == 1 else None
    return float(numbers[0]) if len(numbers) == 1 else None


def _of_content(content: bytes, dtype: int) -> list[float]:
    if dtype == BFLOAT16:
        halves = np.frombuffer(content, "<u2").astype("<u4")
        return (halves << 16).view("<f4").tolist()  # type: ignore[no-any-return]
    if dtype in NUMPY:
        return np.frombuffer(content, NUMPY[dtype]).tolist()  # type: ignore[no-any-return]
    return []
