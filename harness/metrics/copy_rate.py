"""Copy rate: how much of an output stands in its prompt already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.errors import Unscorable
from harness.metrics.base import MeanMetric, metrics
from harness.metrics.ngrams import EMPTY, ngrams, tokenized
from harness.metrics.settings import check_least

if TYPE_CHECKING:
    from harness.types import Item


@metrics.register("copy_rate")
@dataclass(frozen=True)
class CopyRate(MeanMetric):
    """Share of an output's n-grams that occur in the prompt, 0 to 1; lower is better.

    An n-gram counts as often as the output has it; upper and lower case differ. Where
    output or prompt is shorter than n, n-grams as long as the shorter one count. The
    corpus value is the mean over outputs.
    """

    name = "copy_rate"
    higher_is_better = False
    n: int = 3
    """Length of the n-grams, 1 or more."""
    column: str = ""
    """Column of the data that is compared with instead of the whole prompt, where the
    prompt holds instructions or examples, too."""
    tokens: Literal["words", "characters"] = "words"
    """What n-grams are made of: words and single punctuation marks, letter by letter
    where a script has no spaces; or Unicode code points."""

    def __post_init__(self) -> None:
        """Refuse n below 1."""
        super().__post_init__()
        check_least(self, n=1)

    def score(self, item: Item, text: str) -> float:
        """The share.

        Raises:
            Unscorable: the output is empty, or there is nothing to copy from.
        """
        source = tokenized(self._source(item), self.tokens)
        found = tokenized(text, self.tokens)
        if not found:
            raise Unscorable(EMPTY)
        if not source:
            raise Unscorable("there is nothing to copy from")
        n = min(self.n, len(found), len(source))
        known = set(ngrams(source, n))
        written = ngrams(found, n)
        return sum(ngram in known for ngram in written) / len(written)

    def _source(self, item: Item) -> str:
        if not self.column:
            return item.prompt
        source = item.meta.get(self.column)
        if not isinstance(source, str):
            columns = ", ".join(item.meta) or "no columns"
            raise Unscorable(
                f"the item has no text in column '{self.column}'; it has: {columns}"
            )
        return source
