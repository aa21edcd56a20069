"""Distinct-n: how varied all outputs are together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.errors import Unscorable
from harness.metrics.base import Whole, metrics
from harness.metrics.ngrams import Ngram, ngrams, tokenized
from harness.metrics.settings import check_least

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.metrics.base import Judged


@metrics.register("distinct_n")
@dataclass(frozen=True)
class DistinctN(Whole):
    """Distinct n-grams over n-grams of all outputs together, above 0 to 1.

    As Li et al. 2016. It falls as there is more text, so compare it between
    checkpoints on the same prompts only; for the same reason a bootstrap, which draws
    outputs twice, gives values below that of the outputs themselves.
    """

    name = "distinct_n"
    n: int = 2
    """Length of the n-grams, 1 or more; none spans two outputs."""
    tokens: Literal["words", "characters"] = "words"
    """What they are made of: words and single punctuation marks, letter by letter
    where a script has no spaces; or Unicode code points."""

    def __post_init__(self) -> None:
        """Refuse n below 1."""
        super().__post_init__()
        check_least(self, n=1)

    def value_of(self, judged: Sequence[Judged]) -> float:
        """The share.

        Raises:
            Unscorable: no output is as long as n.
        """
        distinct: set[Ngram] = set()
        total = 0
        for _, text in judged:
            found = tokenized(text, self.tokens)
            distinct.update(ngrams(found, self.n))
            total += max(len(found) - self.n + 1, 0)
        if not total:
            raise Unscorable(f"no output has {self.n} {self.tokens}")
        return len(distinct) / total
