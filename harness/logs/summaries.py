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
