"""Exact match: whether an output is one of the references."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.metrics.base import MeanMetric, metrics, references_of

if TYPE_CHECKING:
    from harness.types import Item

PUNCTUATION = str.maketrans("", "", string.punctuation)
ARTICLES = re.compile(r"\b(a|an|the)\b")


@metrics.register("exact_match")
@dataclass(frozen=True)
class ExactMatch(MeanMetric):
    """1 for an output that equals any of the references, else 0."""

    name = "exact_match"
    strip: bool = True
    """Whether white space around a text does not count."""
    lowercase: bool = False
    """Whether upper and lower case are the same."""
    normalize: Literal["none", "squad"] = "none"
    """`squad`: lower case, without ASCII punctuation, English articles and surplus
    white space (Rajpurkar et al. 2016)."""

    def score(self, item: Item, text: str) -> float:
        """0 or 1."""
        wanted = {self._normal(reference) for reference in references_of(item)}
        return float(self._normal(text) in wanted)

    def _normal(self, text: str) -> str:
        if self.normalize == "squad":
            return squad_normal(text)
        text = text.strip() if self.strip else text
        return text.lower() if self.lowercase else text


def squad_normal(text: str) -> str:
    """The text in lower case, without ASCII punctuation, articles, surplus space."""
    bare = ARTICLES.sub(" ", text.lower().translate(PUNCTUATION))
    return " ".join(bare.split())
