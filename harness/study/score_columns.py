"""A checkpoint's scores as the study holds them, column by column."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.study.file import StudyFile

SCORES = """
    SELECT ifnull(output, ' ' || item) || ' ' || key, signature, value, tally
    FROM scores WHERE checkpoint = ? ORDER BY item
"""
"""What is judged, by which truth; no id of an output begins with a space."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoreColumns:
    """All scores of a checkpoint, whether they still count or not."""

    judged: tuple[str, ...]
    """What is judged, as `SCORES` names it, by number."""
    signatures: tuple[str, ...]
    """The metrics, by number."""
    of: NDArray[np.intp]
    """Shape (scores,): number of what each score judges."""
    by: NDArray[np.intp]
    """Shape (scores,): number of each score's signature."""
    values: NDArray[np.float64]
    """Shape (scores,); NaN where there is none."""
    widths: NDArray[np.intp]
    """Shape (scores,): numbers in each tally; -1 where there is none."""
    tallies: NDArray[np.float64]
    """All tallies, one after the other."""


def read_columns(study: StudyFile, checkpoint: str) -> ScoreColumns:
    """The scores of a checkpoint, by item."""
    judged: defaultdict[str, int] = defaultdict(lambda: len(judged))
    signatures: defaultdict[str, int] = defaultdict(lambda: len(signatures))
    # None yet, for a checkpoint without scores.
    of, by, widths = ([np.empty(0, dtype=np.intp)] for _ in range(3))
    values, blobs = [np.empty(0)], [b""]
    for names, metrics, some, tallies in study.columns(SCORES, [checkpoint]):
        of.append(_numbered(judged, names))
        by.append(_numbered(signatures, metrics))
        values.append(np.array(some, dtype=np.float64))
        widths.append(np.array([-1 if b is None else len(b) // 8 for b in tallies]))
        blobs.append(b"".join(filter(None, tallies)))
    return ScoreColumns(
        judged=tuple(judged),
        signatures=tuple(signatures),
        of=np.concatenate(of),
        by=np.concatenate(by),
        values=np.concatenate(values),
        widths=np.concatenate(widths),
        tallies=np.frombuffer(b"".join(blobs)),
    )


def _numbered(
    numbers: defaultdict[str, int], names: tuple[str, ...]
) -> NDArray[np.intp]:
    found = map(numbers.__getitem__, names)
    return np.fromiter(found, dtype=np.intp, count=len(names))
