"""CRC-32C (Castagnoli), the checksum of TensorBoard's records."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

POLYNOMIAL = 0x82F63B78
ALL = 0xFFFFFFFF
FEW = 8
"""Texts of one length below which numpy costs more than it saves."""


def masked_crc(data: bytes) -> int:
    """The checksum, masked as TFRecord masks it."""
    table, _ = _tables()
    crc = ALL
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return _masked(crc ^ ALL)


def masked_crcs(texts: Sequence[bytes]) -> list[int]:
    """The masked checksum of each; those of one length are computed together."""
    by_length: dict[int, list[int]] = {}
    for place, text in enumerate(texts):
        by_length.setdefault(len(text), []).append(place)
    found = [0] * len(texts)
    for length, places in by_length.items():
        if len(places) < FEW:
            crcs = [masked_crc(texts[place]) for place in places]
        else:
            joined = b"".join(texts[place] for place in places)
            crcs = _of_rows(np.frombuffer(joined, np.uint8).reshape(-1, length))
        for place, crc in zip(places, crcs, strict=True):
            found[place] = crc
    return found


def _of_rows(rows: np.ndarray[Any, np.dtype[np.uint8]]) -> list[int]:
    _, table = _tables()
    crcs = np.full(len(rows), ALL, np.uint32)
    for column in rows.T:
        crcs = table[(crcs ^ column) & 0xFF] ^ (crcs >> 8)
    return [_masked(int(crc) ^ ALL) for crc in crcs]


def _masked(crc: int) -> int:
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & ALL


@cache
def _tables() -> tuple[list[int], np.ndarray[Any, np.dtype[np.uint32]]]:
    """What each byte does to a checksum, as a list and as an array."""
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return table, np.array(table, np.uint32)
