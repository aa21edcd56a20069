"""Protocol buffers read without a schema: numbers of fields and their values."""

from __future__ import annotations

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types; https://protobuf.dev/programming-guides/encoding/ describes them."""
SIZES = {FIXED64: 8, FIXED32: 4}


def fields(data: bytes) -> list[tuple[int, int | bytes]]:
    """Number and value of each field of a message, in order.

    Returns:
        A value is a whole number of a varint, else the bytes as they stand.

    Raises:
        ValueError: the bytes are no message, or one that was cut off.
    """
    found: list[tuple[int, int | bytes]] = []
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        kind = key & 7
        if kind == VARINT:
            value, at = _varint(data, at)
            found.append((key >> 3, value))
            continue
        if kind == BYTES:
            size, at = _varint(data, at)
        elif kind in SIZES:
            size = SIZES[kind]
        else:
            raise ValueError(f"field {key >> 3} has the unknown wire type {kind}")
        if at + size > end:
            raise ValueError(f"field {key >> 3} is cut off")
        found.append((key >> 3, data[at : at + size]))
        at += size
    return found


def varints(data: bytes) -> list[int]:
    """The whole numbers of a packed field.

    Raises:
        ValueError: the last one is cut off.
    """
    found, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        found.append(value)
    return found


def signed(value: int) -> int:
    """A varint of type int64 as the number that it stands for."""
    return value - (1 << 64) if value >> 63 else value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A whole number in groups of seven bits, and where the next field begins."""
    try:
        byte = data[at]
        if byte < 128:  # noqa: PLR2004 - the last group has its high bit clear
            return byte, at + 1
        value, shift = byte & 127, 7
        while True:
            at += 1
            byte = data[at]
            value |= (byte & 127) << shift
            if byte < 128:  # noqa: PLR2004 - as above
                break
            shift += 7
            if shift > 63:  # noqa: PLR2004 - numbers have 64 bits at most
                raise ValueError("a number is longer than 64 bits")
    except IndexError:
        raise ValueError("a number is cut off") from None
    return value & 0xFFFFFFFFFFFFFFFF, at + 1
