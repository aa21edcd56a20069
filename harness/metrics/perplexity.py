"""How probable a model finds the reference: perplexity and bits per byte."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, log
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.errors import Unscorable
from harness.metrics.base import LikelihoodMetric, metrics, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.types import Likelihood, Tally

NLL, TOKENS, WORDS, BYTES = range(4)
"""What stands where in the tallies of this file; the first in nats."""


@metrics.register("perplexity")
@dataclass(frozen=True)
class Perplexity(LikelihoodMetric):
    """Perplexity of the reference given the prompt, 1 or more; lower is better.

    Summed over items before it is divided and exponentiated: a mean of the items'
    own perplexities would be ruled by the few that surprise the model most. Per
    token it compares checkpoints of one tokenizer only; per word, or as
    `bits_per_byte`, also others.
    """

    name = "perplexity"
    higher_is_better = False
    ref: Literal["first"] = "first"
    """Which of the references is scored."""
    per: Literal["token", "word"] = "token"
    """What the negative log-likelihood is divided by."""

    def tally(self, likelihood: Likelihood) -> Tally:
        """[nats, tokens, words, bytes]."""
        return _sums(likelihood, unit=self._unit)

    def value(self, tally: NDArray[np.float64]) -> NDArray[np.float64]:
        """exp(nats / tokens), or words; infinite where that exceeds a float."""
        with np.errstate(over="ignore"):
            return np.exp(ratio(tally[..., NLL], tally[..., self._unit]))

    @property
    def _unit(self) -> int:
        return TOKENS if self.per == "token" else WORDS


@metrics.register("bits_per_byte")
@dataclass(frozen=True)
class BitsPerByte(LikelihoodMetric):
    """Bits for each UTF-8 byte of the reference given the prompt; lower is better.

    The one likelihood that compares models of different tokenizers.
    """

    name = "bits_per_byte"
    higher_is_better = False
    unit = "bits"
    ref: Literal["first"] = "first"
    """Which of the references is scored."""

    def tally(self, likelihood: Likelihood) -> Tally:
        """[nats, tokens, words, bytes]."""
        return _sums(likelihood, unit=BYTES)

    def value(self, tally: NDArray[np.float64]) -> NDArray[np.float64]:
        """Nats / ln 2 / bytes."""
        return ratio(tally[..., NLL] / log(2), tally[..., BYTES])


def _sums(likelihood: Likelihood, *, unit: int) -> Tally:
    if not isfinite(likelihood.nll):
        raise Unscorable(f"the model's log-likelihood is {-likelihood.nll}")
    sums = (likelihood.nll, likelihood.tokens, likelihood.words, likelihood.bytes)
    if not likelihood.tokens or not sums[unit]:
        raise Unscorable("the reference holds nothing that can be scored")
    return np.array(sums, dtype=np.float64)
