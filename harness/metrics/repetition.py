"""Repetition: how much of an output says again what it said before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.errors import Unscorable
from harness.metrics.base import MeanMetric, metrics
from harness.metrics.ngrams import EMPTY, ngrams, tokenized
from harness.metrics.settings import check_least

if TYPE_CHECKING:
    from harness.types import Item


@metrics.register("repetition")
@dataclass(frozen=True)
class Repetition(MeanMetric):
    """Share of an output's n-grams that repeat an earlier one, 0 to below 1.

    1 - distinct / all, seq-rep-n of Welleck et al. 2020; lower is better. An output
    shorter than n repeats nothing, so that its 0 is known: leaving it out would
    judge a checkpoint of terse answers by its few long ones. An empty output is
    unscorable, as it must not look like good writing.
    """

    name = "repetition"
    higher_is_better = False
    n: int = 4
    """Length of the n-grams, 1 or more."""
    tokens: Literal["words", "characters"] = "words"
    """What they are made of: words and single punctuation marks, letter by letter
    where a script has no spaces; or Unicode code points."""

    def __post_init__(self) -> None:
        """Refuse n below 1."""
        super().__post_init__()
        check_least(self, n=1)

    def score(self, item: Item, text: str) -> float:  # noqa: ARG002
        """The share.

        Raises:
            Unscorable: the output is empty.
        """
        words = tokenized(text, self.tokens)
        if not words:
            raise Unscorable(EMPTY)
        found = ngrams(words, self.n)
        return 1 - len(set(found)) / len(found) if found else 0.0
