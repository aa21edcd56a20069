"""TER: edits and shifts that it takes to a reference (Snover et al. 2006)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.metrics.base import metrics, ratio
from harness.metrics.sacre import SacreMetric

if TYPE_CHECKING:
    from numpy.typing import NDArray


@metrics.register("ter")
@dataclass(frozen=True, kw_only=True)
class Ter(SacreMetric):
    """Edits to the nearest reference per 100 words of the mean one, from 0 on.

    Lower is better. Slow for long outputs: the search for shifts takes a second for
    some texts of a hundred words.
    """

    name = "ter"
    higher_is_better = False
    normalized: bool = False
    no_punct: bool = False
    """Whether punctuation is left out."""
    asian_support: bool = False
    """Whether the two settings above know Chinese and Japanese characters."""
    case_sensitive: bool = False

    def make(self) -> Any:
        """SacreBLEU's TER with these settings."""
        from sacrebleu.metrics import TER

        return TER(
            normalized=self.normalized,
            no_punct=self.no_punct,
            asian_support=self.asian_support,
            case_sensitive=self.case_sensitive,
        )

    def value(self, tally: NDArray[np.float64]) -> NDArray[np.float64]:
        """TER of summed [edits, mean reference length]."""
        edits, words = tally[..., 0], tally[..., 1]
        # Words against an empty reference are all wrong, no words all right.
        without_reference = np.where(edits > 0, 1.0, 0.0)
        return 100 * np.where(words > 0, ratio(edits, words), without_reference)
