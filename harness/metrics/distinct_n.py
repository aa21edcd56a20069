"""Distinct-n: how varied all outputs are together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.errors import Unscorable
from harness.metrics.base import Whole, metrics
from harness.metrics.ngrams import Ngram, ngrams, tokenized
from harness.metrics.settings import check_least

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from harness.metrics.base import Judged


@metrics.register("distinct_n")
@dataclass(frozen=True)
class DistinctN(Whole):
    """Distinct n-grams over n-grams of all outputs together, above 0 to 1.

    As Li et al. 2016. It falls as there is more text, so compare it between
    checkpoints on the same prompts only.
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
        found = [self._numbers(text) for _, text in judged]
        numbers = np.concatenate([np.empty(0, dtype=np.intp), *found])
        if not numbers.size:
            raise Unscorable(f"no output has {self.n} {self.tokens}")
        return float(np.count_nonzero(np.bincount(numbers)) / numbers.size)

    def _numbers(self, text: str) -> NDArray[np.intp]:
        """A text's n-grams, equal ones as equal numbers.

        A bootstrap asks for each text hundreds of times.
        """
        if text not in self._of_text:
            number = self._of_ngram
            found = ngrams(tokenized(text, self.tokens), self.n)
            self._of_text[text] = np.array(
                [number.setdefault(ngram, len(number)) for ngram in found],
                dtype=np.intp,
            )
        return self._of_text[text]

    @cached_property
    def _of_ngram(self) -> dict[Ngram, int]:
        return {}

    @cached_property
    def _of_text(self) -> dict[str, NDArray[np.intp]]:
        return {}
