"""pass@k: how likely one of k samples of an item is right (Chen et al. 2021)."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import InputError, Unscorable, shown
from harness.metrics.base import MeanMetric, TextMetric, metrics, ratio
from harness.metrics.imported import StoredMean
from harness.metrics.settings import DERIVED, check_least
from harness.metrics.specs import build, spec_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from numpy.typing import NDArray

    from harness.backends.base import Usage
    from harness.metrics.base import Group, Judged
    from harness.types import Item, Json, Tally


@metrics.register("pass_at_k")
@dataclass(frozen=True)
class PassAtK(TextMetric):
    """Chance that one of k samples of an item is right, 0 to 1; the mean over items.

    Of an item's n samples that could be judged, c of them right, it is estimated
    without bias as 1 - C(n-c, k) / C(n, k). An item with fewer than k is left out. The
    value of a single output is 1 where it is right, else 0.
    """

    name = "pass_at_k"
    k: int = 1
    """Samples of which one must be right, 1 or more; a task asks for at least as
    many with `generation: {samples: ...}` and a temperature above 0."""
    of: Any = "exact_match"
    """The metric that says whether a sample is right, as a task writes one, or the
    metric itself: a mean of values per output. Right is a value of 1 or more."""
    stored: str = field(default="", metadata=DERIVED)
    """Signature of that metric where a study holds what it said."""

    def __post_init__(self) -> None:
        """Refuse k below 1."""
        super().__post_init__()
        check_least(self, k=1)

    def beside(self, folder: Path) -> PassAtK:
        """With the metric that says what is right.

        Raises:
            HarnessError: it cannot be built, or does not suit.
        """
        return replace(self, of=self._built(folder))

    def for_items(self, items: Iterable[Item]) -> PassAtK:
        """With that metric as the items need it."""
        return replace(self, of=self._judge.for_items(items))

    @property
    def signature(self) -> str:
        """`pass_at_k|k:...|of:SIGNATURE OF THAT METRIC|v1`."""
        return f"{self.name}|k:{self.k}|of:{self._judge.signature}|{self.version}"

    @property
    def settings(self) -> dict[str, Json]:
        """Enough for a report, which has no need of the other metric's program."""
        judge = self._judge
        return {"k": self.k, "of": spec_of(judge), "stored": judge.signature}

    def tally(self, item: Item, text: str) -> Tally:
        """[1 if it is right, else 0; 1]."""
        return self.alone(item, text)

    def tallies(self, judged: Sequence[Judged]) -> list[Tally | Unscorable]:
        """The same of each output, or the reason for none."""
        return [_right(self._judge, one) for one in self._judge.tallies(judged)]

    def in_groups(self, judged: Sequence[Judged]) -> Generator[Group, None, None]:
        """As `tallies`, in the groups of the metric that says what is right."""
        with closing(self._judge.in_groups(judged)) as groups:
            for group in groups:
                yield [(place, _right(self._judge, one)) for place, one in group]

    @property
    def usage(self) -> Usage:
        """What servers were asked for that metric."""
        return self._judge.usage

    def item_tally(self, tallies: NDArray[np.float64]) -> Tally:
        """[pass@k of the item, 1].

        Raises:
            Unscorable: it has fewer than k samples.
        """
        samples, right = len(tallies), int(tallies[:, 0].sum())
        if samples < self.k:
            raise Unscorable(f"fewer than {self.k} samples that could be judged")
        return np.array([pass_at_k(samples, right, self.k), 1.0])

    def value(self, tally: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean over items, or over the outputs of one."""
        return ratio(tally[..., 0], tally[..., 1])

    @cached_property
    def _judge(self) -> MeanMetric:
        return self._built(Path())

    def _built(self, folder: Path) -> MeanMetric:
        if self.stored:
            return StoredMean(name=self.name, stored_signature=self.stored)
        given = isinstance(self.of, MeanMetric)
        judge, *others = [self.of] if given else build(self.of, folder)
        if others or not isinstance(judge, MeanMetric) or not judge.higher_is_better:
            raise InputError(
                "metric 'pass_at_k': 'of' must be one metric with a value for each "
                f"output, the higher the better; {shown(self.of)} is none such"
            )
        return judge


def pass_at_k(samples: int, right: int, k: int) -> float:
    """Share of all choices of k samples that hold a right one.

    As a product, since the binomials themselves overflow.

    Args:
        samples: number of samples, at least k.
        right: how many of them are right.
        k: how many are chosen, 1 or more.
    """
    if samples - right < k:
        return 1.0
    return 1 - float(np.prod(1 - k / np.arange(samples - right + 1, samples + 1)))


def _right(judge: MeanMetric, tally: Tally | Unscorable) -> Tally | Unscorable:
    if isinstance(tally, Unscorable):
        return tally
    value = float(judge.output_value(tally))
    if not np.isfinite(value):
        return Unscorable(f"metric '{judge.name}' gives {value} for it")
    return np.array([float(value >= 1), 1.0])
