"""Numeric: whether an output ends on the right number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Decimal, localcontext
from math import inf
from typing import TYPE_CHECKING, Literal

from harness.errors import InputError, Unscorable
from harness.metrics.base import MeanMetric, metrics, references_of

if TYPE_CHECKING:
    from harness.types import Item

SIGNS = str.maketrans("−٫٬", "-.,")
"""A typographic minus; the Arabic decimal and thousands separators."""

SWAP = str.maketrans(",.", ".,")

SPACED = re.compile(r"(?<=\d)[\u00a0\u2009\u202f'’_](?=\d{3}(?!\d))")
"""What sets off thousands beside commas: no-break and thin spaces, and so on."""

TIMES_TEN = re.compile(
    r"(?<=\d)\s?(?:[×*x·]|\\times|\\cdot)\s?10"
    r"(?:(?:\^|\*\*)\{?([-+]?\d+)\}?|([⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))"
)
RAISED = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "+-0123456789")

NUMBER = re.compile(
    r"((?<![\dA-Za-z)\]])-)?"  # elsewhere it is a dash or takes away
    r"[$€£¥₹]?"
    r"((?:\d{1,3}(?:,\d{3})+(?!\d)|\d{1,2}(?:,\d\d){1,5},\d{3}(?!\d)|\d+)(?:\.\d+)?"
    r"|(?<![\d.])\.\d+)"
    r"(?:[eE]([-+]?\d{1,9}))?"
)


@metrics.register("numeric")
@dataclass(frozen=True)
class Numeric(MeanMetric):
    """1 if the output's last number equals the last of any reference, else 0.

    Thousands may be set off (1,234,567 or 12,34,567), powers of ten be written 1.5e8,
    1.5 × 10^8 or 1.5×10⁸; currency and percent signs do not count. Fractions, dates
    and times are several numbers. An output without number is wrong. Numbers are
    compared as they are written, without binary rounding.
    """

    name = "numeric"
    absolute: float = 0.0
    """Difference from the reference that is still right."""
    relative: float = 0.0
    """Likewise, as a share of the reference: 0.01 is one per cent of it."""
    decimal: Literal["point", "comma"] = "point"
    """What divides off decimals; the other one sets off thousands."""

    def __post_init__(self) -> None:
        """Refuse tolerances that are negative, infinite or no number."""
        super().__post_init__()
        for setting in ("absolute", "relative"):
            value = getattr(self, setting)
            if not 0 <= value < inf:
                raise InputError(
                    f"metric 'numeric': setting '{setting}' must be a number from 0, "
                    f"but it is {value}"
                )

    def score(self, item: Item, text: str) -> float:
        """0 or 1.

        Raises:
            Unscorable: no reference holds a number.
        """
        found = [self.last_number(reference) for reference in references_of(item)]
        wanted = [number for number in found if number is not None]
        if not wanted:
            raise Unscorable("no reference holds a number")
        written = self.last_number(text)
        return float(
            written is not None and any(self._close(written, one) for one in wanted)
        )

    def last_number(self, text: str) -> Decimal | None:
        """The last number of a text; None if it holds none."""
        text = text.translate(SIGNS)
        if self.decimal == "comma":
            text = text.translate(SWAP)
        text = TIMES_TEN.sub(_exponent, SPACED.sub(",", text))
        found = NUMBER.findall(text)
        if not found:
            return None
        sign, digits, power = found[-1]
        return Decimal(f"{sign}{digits.replace(',', '')}e{power or 0}")

    def _close(self, written: Decimal, wanted: Decimal) -> bool:
        # Wide enough for any exponent that is read.
        with localcontext(Emax=MAX_EMAX, Emin=MIN_EMIN):
            share = abs(wanted) * Decimal(str(self.relative))
            allowed = max(Decimal(str(self.absolute)), share)
            return abs(written - wanted) <= allowed


def _exponent(power: re.Match[str]) -> str:
    return "e" + (power[1] or power[2].translate(RAISED))
