"""Which outputs are compared in pairs; of very many pairs, a random sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Indices = NDArray[np.intp]
    Bools = NDArray[np.bool_]

Grouping = Literal["none", "item", "system"]
"""Which outputs are compared: all, those for one item, those of one system."""


def within_items(
    judged: Bools, most: int, rng: np.random.Generator
) -> tuple[Indices, Indices, Indices, int]:
    """Pairs of outputs for one item: both places, the item, and how many there are.

    Args:
        judged: shape (systems, items).
        most: pairs beyond which they are a random sample of about so many, as large
            for each item that has a pair.
        rng: draws the sample.

    Returns:
        Places in the flat matrix of the first and second output of each pair, their
        item, and the number of all pairs.
    """
    size = judged.sum(axis=0)
    total = int((size * (size - 1) // 2).sum())
    if total > most:
        return *_some_within_items(judged, most, rng), total
    one, other = np.triu_indices(len(judged), 1)
    pair, item = np.nonzero(judged[one] & judged[other])
    items = judged.shape[1]
    return one[pair] * items + item, other[pair] * items + item, item, len(item)


def _some_within_items(
    judged: Bools, most: int, rng: np.random.Generator
) -> tuple[Indices, Indices, Indices]:
    item = np.flatnonzero(judged.sum(axis=0) > 1)
    each = max(1, most // len(item))
    size = judged.sum(axis=0)[item]
    one = rng.integers(size, size=(each, len(item)))
    other = rng.integers(size - 1, size=one.shape)
    other += other >= one
    # The systems that judged an item come first, in their order.
    systems = np.argsort(~judged[:, item], axis=0, kind="stable")
    first, second = (
        np.take_along_axis(systems, nth, axis=0) * judged.shape[1] + item
        for nth in (one, other)
    )
    return first.ravel(), second.ravel(), np.tile(item, each)


def across_items(
    judged: Bools, most: int, rng: np.random.Generator, *, grouping: Grouping
) -> tuple[Indices, Indices, Indices, int]:
    """As `within_items`, for pairs of all outputs (`none`) or within a system."""
    flat = np.arange(judged.size).reshape(judged.shape)
    rows = [flat[judged]] if grouping == "none" else [*map(np.extract, judged, flat)]
    most_of_each = most // max(1, len(rows))
    parts = [_some_pairs(len(row), most_of_each, rng) for row in rows]
    total = sum(len(row) * (len(row) - 1) // 2 for row in rows)
    first = [row[one] for row, (one, _) in zip(rows, parts, strict=True)]
    second = [row[other] for row, (_, other) in zip(rows, parts, strict=True)]
    group = np.repeat(np.arange(len(rows)), [len(one) for one, _ in parts])
    return np.concatenate(first), np.concatenate(second), group, total


def _some_pairs(
    outputs: int, most: int, rng: np.random.Generator
) -> tuple[Indices, Indices]:
    if outputs * (outputs - 1) // 2 <= most:
        one, other = np.triu_indices(outputs, 1)
        return one, other
    one = rng.integers(outputs, size=most)
    other = rng.integers(outputs - 1, size=most)
    return one, other + (other >= one)
