"""F1: words shared with a reference, as SQuAD counts them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.metrics.base import MeanMetric, metrics, references_of
from harness.metrics.exact_match import squad_normal

if TYPE_CHECKING:
    from harness.types import Item


@metrics.register("f1")
@dataclass(frozen=True)
class F1(MeanMetric):
    """Harmonic mean of precision and recall of words, 0 to 1; the best reference's.

    Words are what white space divides once case, ASCII punctuation and English
    articles are gone (Rajpurkar et al. 2016), and count as often as they occur. Where
    nothing is left of output or reference, it is 1 if nothing is left of both, else 0
    (Rajpurkar et al. 2018).
    """

    name = "f1"

    def score(self, item: Item, text: str) -> float:
        """The best F1."""
        written = squad_normal(text).split()
        return max(
            _f1(written, squad_normal(reference).split())
            for reference in references_of(item)
        )


def _f1(written: list[str], wanted: list[str]) -> float:
    if not written or not wanted:
        return float(written == wanted)
    common = (Counter(written) & Counter(wanted)).total()
    return 2 * common / (len(written) + len(wanted))
