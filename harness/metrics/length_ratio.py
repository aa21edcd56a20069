"""Length ratio: how long outputs are beside their references."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.errors import Unscorable
from harness.metrics.base import TextMetric, metrics, ratio, references_of
from harness.metrics.ngrams import length

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.types import Item, Tally


@metrics.register("length_ratio")
@dataclass(frozen=True)
class LengthRatio(TextMetric):
    """Length of outputs over that of references, 0 or more; 1 where they are as long.

    Neither more nor less is better, so that no checkpoint leads by it. The corpus value
    is a ratio of sums, so that long texts count for more; of several references the
    mean length counts.
    """

    name = "length_ratio"
    directed = False
    tokens: Literal["words", "characters"] = "words"
    """What is counted. Words are divided by white space, and letter by letter where a
    script has none; characters are Unicode code points."""

    def tally(self, item: Item, text: str) -> Tally:
        """[length of the output, mean length of its references].

        Raises:
            Unscorable: the references are empty.
        """
        wanted = [length(reference, self.tokens) for reference in references_of(item)]
        if not any(wanted):
            raise Unscorable("the reference is empty")
        return np.array([length(text, self.tokens), fmean(wanted)])

    def value(self, tally: NDArray[np.float64]) -> NDArray[np.float64]:
        """Length of outputs over length of references."""
        return ratio(tally[..., 0], tally[..., 1])
