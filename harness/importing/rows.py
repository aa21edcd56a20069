"""What imports of outputs and of ratings share."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.data import text_of
from harness.errors import shown

if TYPE_CHECKING:
    from harness.data import Row
    from harness.types import Json

MOST_NAME_LETTERS = 200
LARGEST_WHOLE = 2**53
"""Beyond it a float is no longer exactly one whole number."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import added."""

    task: str
    """Name of the task."""
    rows: int
    """Rows read."""
    items: int
    """Items that they speak of."""
    checkpoints: int
    """Checkpoints that they speak of."""
    raters: int = 0
    """Raters that they come from; 0 for outputs."""


def number_of(row: Row, column: str, value: Json) -> float:
    """A finite number from a cell.

    Raises:
        InputError: it is none; names row and column.
    """
    if isinstance(value, str):
        with suppress(ValueError):
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise row.error(
            f"column '{column}' must hold a number, but it is {shown(value)}"
        )
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise row.error(f"column '{column}' is {number}; leave it out if unknown")
    return number


def whole_number_of(row: Row, column: str) -> int | None:
    """A whole number from 0; None where the cell is empty.

    Raises:
        InputError: it is none; names row and column.
    """
    value = row.values.get(column)
    if value is None or value == "":
        return None
    number = number_of(row, column, value)
    if not number.is_integer() or not 0 <= number <= LARGEST_WHOLE:
        raise row.error(
            f"column '{column}' must hold a whole number from 0, "
            f"but it is {shown(value)}"
        )
    return int(number)


def name_of(row: Row, column: str) -> str:
    """A name from a cell: not blank, printable, not too long.

    Raises:
        InputError: it is none; names row and column.
    """
    name = text_of(row, column)
    if not name.strip() or len(name) > MOST_NAME_LETTERS or not name.isprintable():
        raise row.error(
            f"column '{column}' must hold a name of 1 to {MOST_NAME_LETTERS} "
            f"printable letters, but it is {shown(name)}"
        )
    return name
