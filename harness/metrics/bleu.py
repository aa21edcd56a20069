"""BLEU: overlap of word n-grams (Papineni et al. 2002), by sacreBLEU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from harness.metrics.base import metrics, ratio
from harness.metrics.sacre import SacreMetric
from harness.metrics.settings import check_least

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_ORDER = 4


@metrics.register("bleu")
@dataclass(frozen=True, kw_only=True)
class Bleu(SacreMetric):
    """BLEU, 0 to 100; single outputs by effective order, as sacreBLEU advises."""

    name = "bleu"
    lowercase: bool = False
    tokenize: Literal[
        "13a",
        "intl",
        "char",
        "zh",
        "ja-mecab",
        "ko-mecab",
        "spm",
        "flores101",
        "flores200",
        "spBLEU-1K",
        "none",
    ] = "13a"
    """`intl` splits off all Unicode punctuation; `zh`, `ja-mecab`, `ko-mecab` and the
    `spm` family serve languages without spaces."""
    smooth_method: Literal["exp", "floor", "add-k", "none"] = "exp"
    smooth_value: float | None = None
    """For `floor` and `add-k`; None: sacreBLEU's default for the method."""
    max_ngram_order: int = MAX_ORDER
    effective_order: bool = False
    """Whether orders that the outputs are too short for are left out."""

    def __post_init__(self) -> None:
        """Refuse settings that BLEU has no value for."""
        super().__post_init__()
        check_least(self, max_ngram_order=1)

    def make(self) -> Any:
        """SacreBLEU's BLEU with these settings."""
        from sacrebleu.metrics import BLEU

        return BLEU(
            lowercase=self.lowercase,
            force=True,
            tokenize=self.tokenize,
            smooth_method=self.smooth_method,
            smooth_value=self.smooth_value,
            max_ngram_order=self.max_ngram_order,
            effective_order=self.effective_order,
        )

    def unsigned(self) -> dict[str, object]:
        """The highest order, where it is not 4, and what two decimals would hide."""
        extra: dict[str, object] = {}
        if self.max_ngram_order != MAX_ORDER:
            extra["order"] = self.max_ngram_order
        if self.smooth_value is not None and round(self.smooth_value, 2) != (
            self.smooth_value
        ):
            extra["smooth_value"] = self.smooth_value
        return extra

    def value(self, tally: NDArray[np.float64]) -> NDArray[np.float64]:
        """BLEU of summed [output length, reference length, matches..., n-grams...]."""
        return self._bleu(tally, effective_order=self.effective_order)

    def output_value(self, tally: NDArray[np.float64]) -> NDArray[np.float64]:
        """BLEU of single outputs, by effective order."""
        return self._bleu(tally, effective_order=True)

    def _bleu(
        self, tally: NDArray[np.float64], *, effective_order: bool
    ) -> NDArray[np.float64]:
        """The arithmetic of sacreBLEU's `compute_bleu`, over all leading axes."""
        matches = tally[..., 2 : 2 + self.max_ngram_order]
        ngrams = tally[..., 2 + self.max_ngram_order :]
        some = matches.any(axis=-1)
        matches, counted, ngrams = self._smoothed(matches, ngrams)
        with np.errstate(divide="ignore"):
            logs = np.log(np.where(counted, ratio(matches, ngrams), 0.0))
        if effective_order:
            logs = np.where(counted, logs, 0.0)
            orders = np.maximum(counted.sum(axis=-1), 1)
        else:
            orders = np.array(self.max_ngram_order)
        mean = np.exp(logs.sum(axis=-1) / orders)
        return np.where(some, 100 * _brevity_penalty(tally) * mean, 0.0)

    def _smoothed(
        self, matches: NDArray[np.float64], ngrams: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
        """Matches and n-grams after smoothing, and which orders count at all."""
        if self.smooth_method == "add-k":
            added = np.full(self.max_ngram_order, self._smooth_value)
            added[0] = 0
            matches, ngrams = matches + added, ngrams + added
        counted = np.logical_and.accumulate(ngrams > 0, axis=-1)
        missed = counted & (matches == 0)
        if self.smooth_method == "exp":
            matches = np.where(missed, 0.5 ** np.cumsum(missed, axis=-1), matches)
        elif self.smooth_method == "floor":
            matches = np.where(missed, self._smooth_value, matches)
        return matches, counted, ngrams

    @property
    def _smooth_value(self) -> float:
        if self.smooth_value is not None:
            return self.smooth_value
        return 0.1 if self.smooth_method == "floor" else 1.0


def _brevity_penalty(tally: NDArray[np.float64]) -> NDArray[np.float64]:
    written, wanted = tally[..., 0], tally[..., 1]
    # Nothing written: no n-gram matches then, so that the penalty is of no account.
    short = np.where(written > 0, ratio(wanted, written), 1.0)
    return np.exp(np.minimum(0.0, 1.0 - short))
