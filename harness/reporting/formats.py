"""How numbers and untrusted texts are written, alike in every rendering."""

from __future__ import annotations

import math
import re
import unicodedata
from io import StringIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from harness.reporting.compared import Compared
    from harness.reporting.model import MetricInfo
    from harness.types import Estimate

MISSING = "–"
NAMED = 4
"""Names given one by one; more are counted."""
HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
"""Unicode categories that print as nothing, or change how their neighbours print."""

JOINERS = "\u200c\u200d"
"""Invisible, but part of the spelling of several scripts and of emoji."""


def places(values: Iterable[float | None]) -> int:
    """Decimal places that suit all numbers of a column: three or so digits."""
    finite = (abs(v) for v in values if v is not None and math.isfinite(v))
    largest = max(finite, default=0.0)
    for limit, number in ((100.0, 0), (10.0, 1), (1.0, 2)):
        if largest > limit:
            return 1 if number == 0 and largest <= 1000 else number  # noqa: PLR2004
    return 3


def number(value: float | None, decimals: int = 2, *, sign: bool = False) -> str:
    """A number with a true minus sign; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return MISSING
    # The last bits depend on the order of a sum, and must not decide a half.
    value = float(f"{value:.12g}")
    if abs(value) >= 1e7:  # noqa: PLR2004 - too wide for a column
        text = f"{value:.2e}"
    else:
        text = f"{value:+,.{decimals}f}" if sign else f"{value:,.{decimals}f}"
    # What rounds to zero has no sign.
    if not any(digit in text for digit in "123456789"):
        text = text.lstrip("+-")
    return text.replace("-", "−")


def interval(estimate: Estimate, decimals: int = 2, *, sign: bool = False) -> str:
    """`[low, high]`, or nothing where there is no interval."""
    if estimate.low is None or estimate.high is None:
        return ""
    low = number(estimate.low, decimals, sign=sign)
    return f"[{low}, {number(estimate.high, decimals, sign=sign)}]"


def with_interval(estimate: Estimate, decimals: int = 2) -> str:
    """`value [low, high]`."""
    return f"{number(estimate.value, decimals)} {interval(estimate, decimals)}".strip()


def arrow(metric: MetricInfo | Compared) -> str:
    """`↓` where lower values are better, as only that surprises, or that none are."""
    if not metric.directed:
        return " (no best)"
    return "" if metric.higher_is_better else " ↓"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = words or [""]
    return f"{', '.join(most)} and {last}" if most else last


def few(names: Sequence[str]) -> str:
    """The first names on one line, and how many there are more."""
    shown = [on_one_line(name) for name in names]
    if len(shown) <= NAMED + 1:
        return listed(shown)
    return f"{', '.join(shown[:NAMED])} and {len(shown) - NAMED:,} more"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """`1 item`, `2 items`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def verb(count: int, one: str, many: str) -> str:
    """The form of a verb that goes with so many."""
    return one if count == 1 else many


def visible(text: str) -> str:
    """The text with characters that print as nothing, or deceive, spelled out.

    Escape sequences could rewrite a terminal, and direction overrides could make a
    text read as another; line breaks and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible_character, text.replace("\r\n", "\n")))


def _visible_character(character: str) -> str:
    if character in "\n\t" or character in JOINERS:
        return character
    if unicodedata.category(character) in HIDDEN:
        return f"\\u{ord(character):04x}"
    return character


def shortened(text: str, length: int) -> str:
    """The text, or its beginning with a note of how much is missing."""
    if len(text) <= length:
        return text
    return f"{text[:length].rstrip()} … ({len(text) - length:,} more characters)"


def on_one_line(text: str) -> str:
    """The text with all white space as single spaces."""
    return " ".join(visible(text).split())


def printed(parts: Iterable[RenderableType], *, width: int) -> str:
    """What rich prints of the parts, as plain text of that width without wide gaps.

    Nothing in it is read as markup, numbers or names of emoji.
    """
    from rich.console import Console

    out = StringIO()
    console = Console(
        file=out,
        width=width,
        color_system=None,
        markup=False,
        highlight=False,
        emoji=False,
    )
    for part in parts:
        console.print(part)
    lines = (line.rstrip() for line in out.getvalue().splitlines())
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"
