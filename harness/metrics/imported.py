"""Metrics of which the values are known and the program is not needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import InputError, Unscorable
from harness.metrics.base import MeanMetric
from harness.types import Score

if TYPE_CHECKING:
    from harness.types import Item

IMPORTED = "|imported"
"""How the signatures of imported metrics end."""


@dataclass(frozen=True, kw_only=True)
class StoredMean(MeanMetric):
    """The mean of values that are stored, whatever gave them."""

    name: str
    stored_signature: str
    """Signature under which the values are stored."""
    higher_is_better: bool = True
    unit: str = ""

    @property
    def signature(self) -> str:
        """As it was stored."""
        return self.stored_signature

    def score(self, item: Item, text: str) -> float:  # noqa: ARG002
        """Never a value: there is nothing to compute one with."""
        raise Unscorable("its values are stored, and there is none for this output")


@dataclass(frozen=True)
class ImportedMetric(MeanMetric):
    """The mean of values that came with imported outputs."""

    name: str
    higher_is_better: bool = True
    unit: str = ""

    def __post_init__(self) -> None:
        """Refuse a name that no signature could hold."""
        if not self.name.strip() or "|" in self.name:
            raise InputError(
                f"an imported metric cannot be named '{self.name}': "
                "a name must not be empty, nor hold a '|'"
            )

    @property
    def signature(self) -> str:
        """`NAME|imported`."""
        return f"{self.name}{IMPORTED}"

    def given(
        self, checkpoint: str, item: str, output: str, value: float | None
    ) -> Score:
        """The score that came with an output; None: it came without one.

        Args:
            checkpoint: id of the checkpoint.
            item: id of the item.
            output: id of the output.
            value: the metric's value for the output.
        """
        known = (checkpoint, item, self.signature, output)
        if value is None:
            return Score(*known, reason="no value was imported for it")
        return Score(*known, value, np.array([value, 1.0]))

    def score(self, item: Item, text: str) -> float:  # noqa: ARG002
        """Never a value: there is nothing to compute one with."""
        raise Unscorable("no value was imported for it")
