"""What BLEU, chrF and TER share: sacreBLEU counts, sums of counts give the value."""

from __future__ import annotations

from abc import abstractmethod
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import MetricError, Unscorable
from harness.metrics.base import NO_REFERENCE, TextMetric
from harness.metrics.settings import DERIVED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from harness.metrics.base import Judged
    from harness.types import Item, Tally


@dataclass(frozen=True, kw_only=True)
class SacreMetric(TextMetric):
    """A metric of sacreBLEU (Post 2018), 0 to 100.

    sacreBLEU compares an output with its references; its statistics are the tally.
    """

    nrefs: int | None = field(default=None, metadata=DERIVED)
    """References of each item; None where their number varies or is not known."""

    @abstractmethod
    def make(self) -> Any:
        """SacreBLEU's own metric with these settings."""

    def unsigned(self) -> dict[str, object]:
        """Settings that sacreBLEU's signature is silent about; none by default."""
        return {}

    @property
    def signature(self) -> str:
        """`bleu|` and sacreBLEU's own signature, as it is cited in papers.

        A setting that sacreBLEU's leaves out stands between them, where it is not
        the default.
        """
        extra = [f"{name}:{value}" for name, value in self.unsigned().items()]
        # A copy, since statistics are perhaps being counted with the original.
        signed = copy(self._sacre)
        signed.num_refs = -1 if self.nrefs is None else self.nrefs
        return "|".join([self.name, *extra, str(signed.get_signature())])

    def for_items(self, items: Iterable[Item]) -> Self:
        """The metric with the items' number of references in its signature."""
        numbers = {len(item.references) for item in items if item.references}
        return replace(self, nrefs=numbers.pop() if len(numbers) == 1 else None)

    def tally(self, item: Item, text: str) -> Tally:
        """SacreBLEU's statistics of one output."""
        return self.alone(item, text)

    def tallies(self, judged: Sequence[Judged]) -> list[Tally | Unscorable]:
        """SacreBLEU's statistics of each output, or the reason for none."""
        known = [(item.references, text) for item, text in judged if item.references]
        rows = iter(self._statistics(known) if known else ())
        return [
            next(rows) if item.references else Unscorable(NO_REFERENCE)
            for item, _ in judged
        ]

    def _statistics(self, known: Sequence[tuple[tuple[str, ...], str]]) -> Tally:
        texts = [text for _, text in known]
        # sacreBLEU wants the first references of all outputs, then the second ones,
        # and so on, with None where an output has fewer; and it silently cuts
        # whatever has another shape.
        streams = list(zip_longest(*(references for references, _ in known)))
        counts = self._sacre._extract_corpus_statistics(  # noqa: SLF001 - no other way
            texts, streams
        )
        return np.array(counts, dtype=np.float64)

    @cached_property
    def _sacre(self) -> Any:
        try:
            return self.make()
        # What its tokenizers raise that need packages or a model of their own.
        except (ImportError, OSError, RuntimeError) as error:
            raise MetricError(self.name, "cannot be set up", error) from error
