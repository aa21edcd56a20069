"""The two forms of a metric: tallies that add up, or one value of the whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import FAILURES, InputError, MetricError, Unscorable
from harness.metrics.settings import check_choices
from harness.registry import Registry
from harness.types import Item, Json, Likelihood, Passage, Tally

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from harness.backends.base import Usage

Judged = tuple[Item, str]
"""An item and the text that a model wrote for it."""
Group = list[tuple[int, Tally | Unscorable]]
"""Tallies, or the reasons for none, each with the place of its output."""

metrics: Registry[type[Metric]] = Registry("metric")

NO_REFERENCE = "the item has no reference"


class Metric(ABC):
    """What can be said of outputs by a program.

    A subclass is a frozen dataclass whose fields are its settings; where few values
    are allowed, their type is a `Literal`. `name` and the like are plain class
    attributes there, without annotation: an annotated one would be a setting.
    """

    name: str
    version: str = "v1"
    """Raised whenever the same output would get another value."""
    higher_is_better: bool = True
    directed: bool = True
    """False where neither more nor less is better, so that nobody is ahead by it."""
    unit: str = ""
    """`%`, `bits`, ...; empty for a plain number."""
    costly: bool = False
    """Whether it loads a model or asks a server, which a report must not."""
    origin: str = ""
    """How a task names it where that is not by `name`, say by a file."""

    def __post_init__(self) -> None:
        """Refuse settings that are none of the choices.

        Raises:
            InputError: names metric, setting, and the nearest choice or all.
        """
        check_choices(self)

    @property
    def signature(self) -> str:
        """`name|setting:value|...|version`: two equal ones give equal numbers."""
        settings = [f"{name}:{signed(value)}" for name, value in self.settings.items()]
        return "|".join([self.name, *settings, self.version])

    @property
    def settings(self) -> dict[str, Json]:
        """Name and value of each setting, enough to make the metric again."""
        chosen = (f for f in fields(self) if f.init)  # type: ignore[arg-type]
        return {f.name: getattr(self, f.name) for f in chosen}

    def beside(self, folder: Path) -> Metric:  # noqa: ARG002
        """The metric with the files that its settings name read from a folder."""
        return self

    def for_items(self, items: Iterable[Item]) -> Metric:  # noqa: ARG002
        """The metric as the items need it, say with their number of references."""
        return self

    @property
    def usage(self) -> Usage:
        """What servers were asked for it; nothing for metrics that ask none."""
        from harness.backends.base import Usage

        return Usage()


class Tallied(Metric):
    """A metric whose value follows from a sum of one vector per output.

    Corpus value, per-output value, bootstrap interval and paired tests then all
    come from one matrix (the idea is sacreBLEU's).
    """

    @abstractmethod
    def value(self, tally: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of summed tallies.

        Args:
            tally: shape (..., width); each last axis is one summed tally.

        Returns:
            Shape (...); NaN where the value is undefined.
        """

    def output_value(self, tally: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of single outputs; as `value` unless sentences need another rule."""
        return self.value(tally)

    def item_tally(self, tallies: NDArray[np.float64]) -> Tally:
        """What an item adds to the sum, from the tallies of its outputs.

        Args:
            tallies: shape (outputs, width), of the outputs that could be judged; the
                outputs of one item are its samples.

        Returns:
            Shape (width,); their sum unless the samples of an item count together.

        Raises:
            Unscorable: they are too few to judge the item by.
        """
        total: Tally = tallies.sum(axis=0)
        return total


class TextMetric(Tallied):
    """A tallied metric of what the model wrote."""

    block: int = 500
    """Outputs judged between two commits; fewer where each takes long."""

    @abstractmethod
    def tally(self, item: Item, text: str) -> Tally:
        """The output's sufficient statistics, shape (width,).

        Raises:
            Unscorable: the metric cannot judge this output.
        """

    def tallies(self, judged: Sequence[Judged]) -> list[Tally | Unscorable]:
        """One tally, or the reason for none, for each output.

        Raises:
            MetricError: the metric itself failed; names the item.
        """
        return [self._tally_or_reason(item, text) for item, text in judged]

    def alone(self, item: Item, text: str) -> Tally:
        """What `tallies` says of one output, for metrics that judge many at once.

        Raises:
            Unscorable: the metric cannot judge this output.
        """
        (tally,) = self.tallies([(item, text)])
        if isinstance(tally, Unscorable):
            raise tally
        return tally

    def in_groups(self, judged: Sequence[Judged]) -> Generator[Group, None, None]:
        """What `tallies` gives, in groups that are stored as they come.

        Yields:
            Tallies of some outputs, in any order.

        Raises:
            HarnessError: the metric itself failed; the groups before it count.
        """
        for start in range(0, len(judged), self.block):
            some = judged[start : start + self.block]
            tallies = self.tallies(some)
            if len(tallies) != len(some):
                raise MetricError(
                    self.name, f"gave {len(tallies)} tallies for {len(some)} outputs"
                )
            yield list(enumerate(tallies, start))

    def _tally_or_reason(self, item: Item, text: str) -> Tally | Unscorable:
        try:
            return self.tally(item, text)
        except Unscorable as reason:
            return reason
        except FAILURES as error:
            raise failed(self, item, error) from error


class LikelihoodMetric(Tallied):
    """A tallied metric of how probable the model finds given texts."""

    @abstractmethod
    def passages(self, item: Item) -> Sequence[Passage]:
        """The texts that it needs the likelihoods of; metrics may share them.

        Raises:
            Unscorable: the item has none.
        """

    @abstractmethod
    def tally(self, item: Item, found: Sequence[Likelihood]) -> Tally:
        """The item's sufficient statistics, shape (width,).

        Args:
            item: with the texts.
            found: the likelihood of each passage, in order; each was scored.

        Raises:
            Unscorable: the metric cannot judge the item.
        """

    def wanted(self, item: Item) -> Sequence[Passage] | Unscorable:
        """The item's passages, or the reason for none.

        Raises:
            MetricError: the metric itself failed; names the item.
        """
        try:
            return self.passages(item)
        except Unscorable as reason:
            return reason
        except FAILURES as error:
            raise failed(self, item, error) from error

    def tally_or_reason(
        self, item: Item, known: Mapping[str, Likelihood]
    ) -> Tally | Unscorable | None:
        """The tally, or the reason for none; None while a likelihood is missing.

        Args:
            item: what is judged.
            known: target to likelihood of the item.

        Raises:
            MetricError: the metric itself failed; names the item.
        """
        wanted = self.wanted(item)
        if isinstance(wanted, Unscorable):
            return wanted
        found = [known[one.target] for one in wanted if one.target in known]
        if len(found) < len(wanted):
            return None
        for one in found:
            if one.reason is not None:
                return Unscorable(one.reason)
        try:
            return self.tally(item, found)
        except Unscorable as reason:
            return reason
        except FAILURES as error:
            raise failed(self, item, error) from error


class MeanMetric(TextMetric):
    """A metric whose corpus value is the plain mean of its per-output values."""

    @abstractmethod
    def score(self, item: Item, text: str) -> float:
        """The value for one output.

        Raises:
            Unscorable: the metric cannot judge this output.
        """

    def tally(self, item: Item, text: str) -> Tally:
        """[value, 1]."""
        return np.array([self.score(item, text), 1.0])

    def value(self, tally: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of values over number of outputs."""
        return ratio(tally[..., 0], tally[..., 1])


class BatchedMean(MeanMetric):
    """A mean of values that are found for many outputs at once."""

    @abstractmethod
    def tallies(self, judged: Sequence[Judged]) -> list[Tally | Unscorable]:
        """[value, 1], or the reason for none, for each output."""

    def score(self, item: Item, text: str) -> float:
        """The value for one output.

        Raises:
            Unscorable: the metric cannot judge this output.
        """
        return float(self.alone(item, text)[0])


class Whole(Metric):
    """A metric of all outputs together, without a value for each."""

    def reason(self, item: Item, text: str) -> Unscorable | None:  # noqa: ARG002
        """Why an output has no part in the value, if so."""
        return None

    @abstractmethod
    def value_of(self, judged: Sequence[Judged]) -> float:
        """The value of these outputs together.

        Raises:
            Unscorable: the metric cannot judge them.
        """

    def value_or_error(self, judged: Sequence[Judged]) -> float:
        """What `value_of` gives.

        Raises:
            Unscorable: the metric cannot judge them.
            MetricError: the metric itself failed.
        """
        try:
            return float(self.value_of(judged))
        except FAILURES as error:
            raise MetricError(self.name, "failed", error) from error


def signed(value: Json) -> str:
    """A setting as it stands in a signature, where bars divide settings."""
    return str(value).replace("%", "%25").replace("|", "%7C")


def ratio(above: Any, below: Any) -> NDArray[np.float64]:
    """`above / below`, NaN where `below` is 0."""
    above, below = np.broadcast_arrays(
        np.asarray(above, dtype=float), np.asarray(below, dtype=float)
    )
    quotient = np.full(above.shape, np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient


def column_of(item: Item, column: str, metric: str) -> Json:
    """What the item's row holds in a column; None for nothing.

    Raises:
        InputError: the row has no such column.
    """
    if column not in item.meta:
        raise bad_item(
            item, metric, f"has no column '{column}'; it has: {', '.join(item.meta)}"
        )
    value = item.meta[column]
    # Tables write a missing value as None, as NaN or as nothing.
    return None if value == "" or value != value else value  # noqa: PLR0124 - NaN


def bad_item(item: Item, metric: str, problem: str) -> InputError:
    """An error that names metric, task and item."""
    return InputError(
        f"metric '{metric}': item '{item.key}' of task '{item.task}' {problem}"
    )


def failed(metric: Metric, item: Item, error: Exception) -> MetricError:
    """An error that says on which item a metric failed."""
    where = f"failed on item '{item.key}' of task '{item.task}'"
    return MetricError(metric.name, where, error)


def references_of(item: Item) -> tuple[str, ...]:
    """The item's references.

    Raises:
        Unscorable: it has none.
    """
    if not item.references:
        raise Unscorable(NO_REFERENCE)
    return item.references
