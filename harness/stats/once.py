"""What follows from people's ratings alone, made once for all metrics."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Once:
    """The newest of each kind of value, beside what it was made of.

    Threads may share it: at worst two make the same.
    """

    _made: dict[str, tuple[tuple[Floats, ...], Any]] = field(default_factory=dict)
    """Kind to what its newest value was made of, and the value."""

    def of(self, kind: str, parts: tuple[Floats, ...], make: Callable[[], T]) -> T:
        """The value; made anew where the parts differ from those of the newest.

        Args:
            kind: its name.
            parts: all that decides the value, NaN where missing.
            make: makes it.
        """
        known = self._made.get(kind)
        if known is not None and all(map(_same, known[0], parts)):
            value: T = known[1]
            return value
        self._made[kind] = (parts, value := make())
        return value


def _same(one: Floats, other: Floats) -> bool:
    return one is other or np.array_equal(one, other, equal_nan=True)
