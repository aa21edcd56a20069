"""Which texts are nearly the same: MinHash, bands, and a second look.

Candidates come from banded MinHash signatures (Broder 1997; rensa computes them); only
pairs whose shingles are compared as they are count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import MissingPackage

if TYPE_CHECKING:
    from collections.abc import Sequence

    Hashes = np.ndarray[Any, np.dtype[np.uint64]]
    Places = np.ndarray[Any, np.dtype[np.intp]]

SHINGLE = 5
"""Bytes of a shingle."""
BANDS, BAND_ROWS = 20, 6
"""Pairs of Jaccard 0.7 share a band with probability 0.92, of 0.8 with 0.998."""
LONGEST = 1000
"""Bytes of a text that are looked at."""
PRIME = np.uint64(1099511628211)


def signatures(texts: Sequence[str]) -> Hashes:
    """A hash per text and band, shape (texts, bands).

    Raises:
        MissingPackage: rensa is not installed.
    """
    try:
        from rensa import RMinHash
    except ImportError:
        raise MissingPackage("Finding near duplicates", "diagnosis") from None
    tokens, offsets = _shingled(texts)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        tokens, offsets, BANDS * BAND_ROWS, 1
    )
    digests = np.array(matrix.to_rows(), dtype=np.uint64)
    bands = digests.reshape(len(texts), BANDS, BAND_ROWS)
    mixed = np.zeros((len(texts), BANDS), dtype=np.uint64)
    for row in range(BAND_ROWS):
        mixed = (mixed ^ bands[:, :, row]) * PRIME
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _shingled(texts: Sequence[str]) -> tuple[Hashes, Hashes]:
    """A hash for each shingle of all texts, and where each text's begin."""
    rows = [
        text.encode("utf-8", "surrogatepass")[:LONGEST].ljust(SHINGLE) for text in texts
    ]
    lengths = np.array([len(row) for row in rows])
    signs = np.frombuffer(b"".join(rows), dtype=np.uint8).astype(np.uint64)
    hashes = np.zeros(len(signs) - SHINGLE + 1, dtype=np.uint64)
    for place in range(SHINGLE):
        hashes = (hashes ^ signs[place : place + len(hashes)]) * PRIME
    hashes ^= hashes >> np.uint64(31)
    # The last places of each text would reach into the next.
    ends = np.cumsum(lengths)
    inner = np.ones(len(signs), dtype=bool)
    for back in range(1, SHINGLE):
        inner[ends - back] = False
    offsets = np.concatenate([[0], np.cumsum(lengths - SHINGLE + 1)])
    return hashes[inner[: len(hashes)]], offsets.astype(np.uint64)


def candidates(bands: Hashes) -> tuple[Places, Places]:
    """For rows that share a band with an earlier one: the row and the first of these.

    Returns:
        Two arrays of equal length; each row occurs at most once, in rising order.
    """
    partner = np.full(len(bands), -1, dtype=np.intp)
    for band in range(bands.shape[1]):
        column = bands[:, band]
        order = np.argsort(column, kind="stable")
        arranged = column[order]
        starts = np.flatnonzero(np.r_[True, arranged[1:] != arranged[:-1]])
        firsts = np.repeat(order[starts], np.diff(np.r_[starts, len(order)]))
        new = (partner[order] < 0) & (firsts != order)
        partner[order[new]] = firsts[new]
    rows = np.flatnonzero(partner >= 0)
    return rows, partner[rows]


def jaccard(first: str, second: str) -> float:
    """Shared shingles of two texts beside all of them, 0 to 1."""
    one, other = _shingles(first), _shingles(second)
    return len(one & other) / len(one | other)


def _shingles(text: str) -> set[bytes]:
    row = text.encode("utf-8", "surrogatepass")[:LONGEST].ljust(SHINGLE)
    return {row[start : start + SHINGLE] for start in range(len(row) - SHINGLE + 1)}
