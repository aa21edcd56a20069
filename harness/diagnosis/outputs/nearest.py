"""The training prompt that is most like a held-out one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.types import Item

MOST_ITEMS = 500
MOST_ROWS = 50_000
"""Items and training rows that are compared: 25 million pairs take about a minute."""
LETTERS = 500
"""Letters of a prompt that are compared."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """A training row beside a held-out prompt."""

    similarity: float
    """Of the prompts, 0 to 100: RapidFuzz's normalised indel similarity."""
    prompt: str
    """Of the training row."""
    answer: str
    """Of the training row."""


def nearest_prompts(
    items: Iterable[Item], training: Sequence[tuple[str, str]]
) -> dict[str, Nearest]:
    """Id of an item to its nearest training row; empty without training data.

    Of more than `MOST_ITEMS` items the first are looked at, and of more than
    `MOST_ROWS` rows every so many.
    """
    from rapidfuzz import fuzz, process

    rows = training[:: max(1, -(-len(training) // MOST_ROWS))]
    prompts = [prompt[:LETTERS] for prompt, _ in rows]
    found: dict[str, Nearest] = {}
    for item in list(items)[:MOST_ITEMS] if rows else []:
        match = process.extractOne(item.prompt[:LETTERS], prompts, scorer=fuzz.ratio)
        if match is not None:
            _, similarity, place = match
            found[item.id] = Nearest(similarity, *rows[place])
    return found
