"""How far the best checkpoint is ahead, as a plain value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from harness.types import Estimate

LEVEL = 1e-9
"""Differences below it come of adding up in another order."""

Unit = Literal["", "log-odds", "win rate above half"]


@dataclass(frozen=True, slots=True)
class Lead:
    """How far the best checkpoint is ahead of the next best."""

    kind: Literal["metric", "criterion", "preference"]
    """Who puts it first: a metric, or raters by their ratings or their choices."""
    by: str
    """The metric's signature, or the criterion."""
    best: str
    """Label of the best checkpoint."""
    second: str
    """Label of the next best."""
    difference: Estimate
    """Best against next on the items that both have; above 0 is better. By raters of
    ratings and scores together, as far as the verdict rests on these."""
    needed: int | None = None
    """Items that would show a difference of this size with 80 % power, if known."""
    rival: str | None = None
    """Label of a third checkpoint that the best is not surely ahead of, though it is
    of the next best."""
    unit: Unit = ""
    """What the difference is in, where that is neither the metric's nor the scale's:
    by choices, log-odds from all comparisons, or of two checkpoints the win rate."""

    @property
    def clear(self) -> bool:
        """Whether the interval of the difference excludes 0, also from all others."""
        low = self.difference.low
        return low is not None and low > 0 and self.rival is None

    @property
    def level(self) -> bool:
        """Whether there is no difference at all."""
        return self.difference.value is not None and abs(self.difference.value) < LEVEL

    @property
    def behind(self) -> bool:
        """Whether a metric puts it first only by items that the next best lacks."""
        gap = self.difference.value
        return self.kind == "metric" and gap is not None and gap < -LEVEL

    @property
    def answer(self) -> str:
        """`clear`, `not clear`, or of whom it is not clear."""
        if self.rival is not None:
            return f"not clear beside {self.rival}"
        return "clear" if self.clear else "not clear"
