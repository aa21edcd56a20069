"""Prompts and answers of training data, to hold outputs against."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from harness.diagnosis.data.rows import read, sniff
from harness.diagnosis.data.shapes import sample

if TYPE_CHECKING:
    from pathlib import Path

    Pair = tuple[str, str]

MOST = 200_000
"""Examples that are kept: a nearest one is looked for among fewer still."""


def training_pairs(file: Path) -> list[Pair]:
    """Prompt and answer of each example that has both, of at most `MOST` rows.

    Raises:
        InputError: the file cannot be read.
    """
    rows = (sample(raw) for raw in islice(read(file, sniff(file)), MOST))
    return [(one.prompt, one.answer) for one in rows if one.prompt and one.answer]
