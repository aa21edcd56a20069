"""How a measured value becomes a check: limits, source and weights in one row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.diagnosis.model import Check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.diagnosis.model import CauseName, Example, Status

WORST_FIRST: tuple[Status, ...] = ("failure", "warning", "notice")


@dataclass(frozen=True, slots=True)
class Rule:
    """From where on a value is a finding, who says so, and what it speaks for."""

    name: str
    """Of the check, in snake case."""
    source: str
    """Paper, package with version, or `measured here`."""
    limits: Mapping[Status, float] = field(default_factory=dict)
    """Status to the value from beyond which it holds; statuses may be left out."""
    falling: bool = False
    """Whether small values are the bad ones."""
    share: bool = True
    """Whether values are shares, written in percent."""
    weights: Mapping[Status, Mapping[CauseName, float]] = field(default_factory=dict)
    """Status to what it says of causes: natural logarithms of likelihood ratios."""

    def status(self, value: float) -> Status:
        """The worst status whose limit the value passes."""
        for status in WORST_FIRST:
            limit = self.limits.get(status)
            if limit is None:
                continue
            if value < limit if self.falling else value > limit:
                return status
        return "fine"

    @property
    def threshold(self) -> str:
        """The limits in words."""
        side = "below" if self.falling else "above"
        told = [
            f"{status} {side} {self.written(self.limits[status])}"
            for status in reversed(WORST_FIRST)
            if status in self.limits
        ]
        return ", ".join(told) or "for information"

    def written(self, value: float) -> str:
        """The value as people read it."""
        return percent(value) if self.share else f"{value:,.4g}"

    def check(
        self,
        value: float,
        says: str,
        examples: Sequence[Example] = (),
        *,
        status: Status | None = None,
    ) -> Check:
        """The check of a value; `status` where the limits alone do not decide."""
        status = self.status(value) if status is None else status
        return Check(
            name=self.name,
            area="data",
            status=status,
            value=value,
            threshold=self.threshold,
            source=self.source,
            says=says,
            examples=() if status == "fine" else tuple(examples[:3]),
            weights=dict(self.weights.get(status, {})),
        )


def percent(share: float) -> str:
    """A share with as many digits as matter: `0.02 %`, `3.1 %`, `44 %`."""
    value = 100 * share
    if value == 0 or value >= 10:  # noqa: PLR2004 - two digits are enough
        return f"{value:.0f} %"
    return f"{value:.1f} %" if value >= 1 else f"{value:.2g} %"
