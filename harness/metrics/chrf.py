"""chrF and chrF++: character n-grams in common (Popović 2015, 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.metrics.base import metrics, ratio
from harness.metrics.sacre import SacreMetric
from harness.metrics.settings import check_least

if TYPE_CHECKING:
    from numpy.typing import NDArray

EPSILON = 1e-16
BETA = 2


@metrics.register("chrf")
@dataclass(frozen=True, kw_only=True)
class ChrF(SacreMetric):
    """F-score of character n-grams, 0 to 100, against the best reference."""

    name = "chrf"
    char_order: int = 6
    word_order: int = 0
    """Word n-grams that count beside the characters'; 2 is chrF++."""
    beta: int = BETA
    """How many times as much recall weighs as precision."""
    lowercase: bool = False
    whitespace: bool = False
    """Whether spaces are characters, too."""
    eps_smoothing: bool = False
    """Whether orders that a text is too short for count as nearly 0, as in chrF++.py,
    NLTK and Moses, rather than not at all."""

    def __post_init__(self) -> None:
        """Refuse settings that chrF has no value for."""
        super().__post_init__()
        check_least(self, char_order=1, word_order=0, beta=1)

    def make(self) -> Any:
        """SacreBLEU's chrF with these settings."""
        from sacrebleu.metrics import CHRF

        return CHRF(
            char_order=self.char_order,
            word_order=self.word_order,
            beta=self.beta,
            lowercase=self.lowercase,
            whitespace=self.whitespace,
            eps_smoothing=self.eps_smoothing,
        )

    def unsigned(self) -> dict[str, object]:
        """The weight of recall, where it is not 2."""
        return {} if self.beta == BETA else {"beta": self.beta}

    def value(self, tally: NDArray[np.float64]) -> NDArray[np.float64]:
        """F-score of summed [written, wanted, in both], three for each order."""
        counts = tally.reshape(*tally.shape[:-1], -1, 3)
        written, wanted, both = counts[..., 0], counts[..., 1], counts[..., 2]
        precision = np.where(written > 0, ratio(both, written), EPSILON)
        recall = np.where(wanted > 0, ratio(both, wanted), EPSILON)
        if self.eps_smoothing:
            scores = self._f_score(precision, recall, undefined=EPSILON)
            return np.asarray(100 * scores.mean(axis=-1))
        # An order for which either text is too short says nothing.
        counted = (written > 0) & (wanted > 0)
        orders = np.maximum(counted.sum(axis=-1), 1)
        return 100 * self._f_score(
            np.where(counted, precision, 0.0).sum(axis=-1) / orders,
            np.where(counted, recall, 0.0).sum(axis=-1) / orders,
            undefined=0.0,
        )

    def _f_score(
        self,
        precision: NDArray[np.float64],
        recall: NDArray[np.float64],
        *,
        undefined: float,
    ) -> NDArray[np.float64]:
        weight = self.beta**2
        score = ratio(
            (1 + weight) * precision * recall,
            weight * precision + recall,
        )
        return np.where(precision + recall > 0, score, undefined)


@metrics.register("chrf++")
@dataclass(frozen=True, kw_only=True)
class ChrFPlusPlus(ChrF):
    """chrF with word n-grams up to order 2, 0 to 100."""

    name = "chrf++"
    word_order: int = 2
