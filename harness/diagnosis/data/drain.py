"""Log templates by the Drain algorithm, on texts of any kind.

He, Zhu, Zheng and Lyu 2017, "Drain: an online log parsing approach with fixed depth
tree". As in the drain3 package a tree of fixed depth leads by number of words and first
word to a few clusters; a text joins the most similar one, and where they differ the
cluster's template gets a placeholder.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SIMILAR = 0.5
"""Least share of equal words at equal places."""
MOST_CHILDREN = 100
"""Different first words of texts of one length; others share a branch."""
ANY = "<*>"


@dataclass(slots=True)
class Cluster:
    """Texts that one template made, as far as that can be told."""

    template: list[str]
    """Words, and placeholders where the texts differ."""
    size: int = 1
    """Texts."""

    def likeness(self, words: Sequence[str]) -> tuple[int, int]:
        """Equal words, and placeholders, which decide between equals."""
        pairs = list(zip(self.template, words, strict=True))
        same = sum(own == word for own, word in pairs if own != ANY)
        return same, self.template.count(ANY)

    def take(self, words: Sequence[str]) -> None:
        """Add a text."""
        self.size += 1
        self.template = [
            own if own == word else ANY
            for own, word in zip(self.template, words, strict=True)
        ]


class Drain:
    """Clusters of texts, grown one text at a time."""

    def __init__(self) -> None:
        self.clusters: list[Cluster] = []
        self._leaves: dict[tuple[int, str], list[Cluster]] = {}
        self._branches: Counter[int] = Counter()

    def add(self, text: str) -> Cluster:
        """Put a text into its cluster, or into a new one."""
        words = text.split()
        leaf = self._leaf(words)
        if not words and leaf:
            leaf[0].size += 1
            return leaf[0]
        best = max(leaf, key=lambda one: one.likeness(words), default=None)
        if best and best.likeness(words)[0] >= SIMILAR * len(words):
            best.take(words)
            return best
        new = Cluster(words)
        leaf.append(new)
        self.clusters.append(new)
        return new

    def _leaf(self, words: Sequence[str]) -> list[Cluster]:
        first = words[0] if words else ""
        if any(sign.isdigit() for sign in first):
            first = ANY
        place = (len(words), first)
        if place not in self._leaves:
            if self._branches[len(words)] >= MOST_CHILDREN:
                place = (len(words), ANY)
            self._branches[len(words)] += 1
        return self._leaves.setdefault(place, [])


def effective_number(sizes: Iterable[int]) -> float:
    """Equally large clusters that would be as varied: 2 to the power of the entropy."""
    counts = [size for size in sizes if size]
    total = sum(counts)
    if not total:
        return 0.0
    return 2.0 ** -sum(n / total * log2(n / total) for n in counts)
