"""Points of curves, gathered in the order in which a log has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from harness.logs.model import Curve
from harness.logs.names import our_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.types import Json

LAST_STEP = 2**62
MOST_CURVES = 5_000
"""A log with more names than that is no log of training."""


@dataclass(slots=True)
class Points:
    """Steps and values of curves, as they come."""

    of: dict[str, tuple[list[int], list[float]]] = field(default_factory=dict)
    """The log's name to its steps and values."""

    def add(self, name: str, step: int, value: float) -> None:
        """One more value; of names beyond `MOST_CURVES` none is kept."""
        known = self.of.get(name)
        if known is None:
            if len(self.of) >= MOST_CURVES:
                return
            known = self.of[name] = ([], [])
        known[0].append(step)
        known[1].append(value)

    def curves(self, aliases: Mapping[str, str]) -> dict[str, Curve]:
        """The curves by their names here."""
        names = our_names(self.of, aliases)
        return {
            names[own]: curve_of(names[own], steps, values)
            for own, (steps, values) in self.of.items()
        }


def curve_of(name: str, steps: Sequence[int], values: Sequence[float]) -> Curve:
    """The curve in the order of steps, of a step logged twice the later value."""
    at, logged = np.array(steps, np.int64), np.array(values, np.float64)
    order = np.argsort(at, kind="stable")
    at, logged = at[order], logged[order]
    last = np.append(at[1:] != at[:-1], True) if len(at) else np.array([], bool)
    return Curve(name, at[last], logged[last])


def number_of(value: Json) -> float | None:
    """A number, also one written as text or as `NaN`; None of anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def step_of(value: Json) -> int | None:
    """A step, also one written `10.0`; None of what is no whole number."""
    number = number_of(value)
    if number is None or not abs(number) < LAST_STEP or number != int(number):
        return None
    return int(number)
