"""What imports of outputs and of ratings share."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.data import text_of
from harness.errors import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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
    left_out: int = 0
    """Samples that hold no output, since the model failed on them."""
    unread: tuple[str, ...] = ()
    """Columns of outputs that mean nothing here."""
    outdated: int = 0
    """Scores imported for other references than the items have now: none counts."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file of outputs, read into rows of the flat form."""

    rows: Iterable[Row]
    """Rows with item, system, output, and what else is known."""
    lower_is_better: frozenset[str] = frozenset()
    """Metrics of which the file itself says that less is better."""
    left_out: int = 0
    """Samples that hold no output."""


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


def value_of(value: Json) -> float | None:
    """A metric's value as another program wrote it: true is 1, what is no number None.

    Such a file holds what its program could not tell as null or NaN.
    """
    if not isinstance(value, int | float):
        return None
    with suppress(OverflowError):
        return float(value) if math.isfinite(value) else None
    return None


def ever_known(scores: Sequence[Mapping[str, float | None]]) -> list[dict[str, Json]]:
    """The scores of each output, without metrics that have a value for none."""
    known = {name for one in scores for name, value in one.items() if value is not None}
    return [{name: v for name, v in one.items() if name in known} for one in scores]


def chat_text(messages: Json) -> str | None:
    """Turns of a chat as one text, as tasks show them; None if they are none.

    One turn alone is its text. What is no text in a turn, as an image or a model's
    thoughts, is left out.
    """
    if not isinstance(messages, list) or not messages:
        return None
    turns = []
    for message in messages:
        if not isinstance(message, dict) or "content" not in message:
            return None
        turns.append((message.get("role"), content_text(message["content"])))
    if len(turns) == 1:
        return turns[0][1]
    return "\n".join(f"{role}: {text}" for role, text in turns)


def content_text(content: Json) -> str:
    """What a message says: its text, or the texts among its parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


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
