"""TER: edits and shifts that it takes to a reference (Snover et al. 2006)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import Unscorable
from harness.metrics.base import metrics, ratio
from harness.metrics.sacre import SacreMetric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from harness.metrics.base import Judged
    from harness.types import Item, Tally

BEAM = 50
"""Words of a reference that sacreBLEU compares with each of the output's."""
MOST = 100_000
"""Comparisons of words for one alignment; sacreBLEU makes up to a thousand of them."""


@metrics.register("ter")
@dataclass(frozen=True, kw_only=True)
class Ter(SacreMetric):
    """Edits to the nearest reference per 100 words of the mean one, from 0 on.

    Lower is better. Slow for long outputs: the search for shifts takes two seconds for
    some texts of a hundred words, half a minute for eight hundred. What would take
    longer than a minute or so, from 2,000 words on, is unscored.
    """

    name = "ter"
    higher_is_better = False
    block = 10
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

    def tallies(self, judged: Sequence[Judged]) -> list[Tally | Unscorable]:
        """SacreBLEU's statistics of each output, or the reason for none."""
        reasons = [self._reason(item, text) for item, text in judged]
        able = [one for one, no in zip(judged, reasons, strict=True) if no is None]
        tallies = iter(super().tallies(able))
        return [no or next(tallies) for no in reasons]

    def _reason(self, item: Item, text: str) -> Unscorable | None:
        """That an output is too long to be judged, if so."""
        words = self._words(text)
        longest = max(map(self._words, item.references), default=0)
        if words * min(longest, BEAM) <= MOST:
            return None
        return Unscorable(
            f"its {words:,} words are too many: the search for shifts takes minutes"
        )

    def _words(self, text: str) -> int:
        return len(self._sacre._preprocess_segment(text).split())  # noqa: SLF001

    def value(self, tally: NDArray[np.float64]) -> NDArray[np.float64]:
        """TER of summed [edits, mean reference length]."""
        edits, words = tally[..., 0], tally[..., 1]
        # Words against an empty reference are all wrong, no words all right.
        without_reference = np.where(edits > 0, 1.0, 0.0)
        return 100 * np.where(words > 0, ratio(edits, words), without_reference)
