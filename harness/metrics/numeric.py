"""Numeric: whether an output ends on the right number."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import InputError, Unscorable
from harness.metrics.base import MeanMetric, metrics, references_of

if TYPE_CHECKING:
    from harness.types import Item

GROUPING = "\u00a0\u2009\u202f'’_"
"""What sets off thousands in either notation: thin and no-break spaces, and so on."""

NUMBER = r"""(?x)
    (?P<sign> (?<! [\w.,)\]] ) [-+−] )? (?: \p{{Sc}} )?
    (?P<digits> (?: \d{{1,3}} (?: [{group}] \d{{2,3}} )* [{group}] \d{{3}} (?! \d )
                  | \d+ ) (?: {point} \d+ )?
              | (?<! [\d{point}] ) {point} \d+ )
    (?: [eE] (?P<e> [-+−]? \d+ )
      | \s* (?: [×*x·] | \\times | \\cdot ) \s* 10 \s*
        (?: (?: \^ | \*\* ) \s* \{{? \s* (?P<power> [-+−]? \d+ )
          | (?P<raised> [⁺⁻]? [⁰¹²³⁴⁵⁶⁷⁸⁹]+ ) ) )?
    (?P<percent> \s* \\? [%％] )?
"""
"""Written for the package regex."""

RAISED = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "+-0123456789-")

EXACT = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])


@metrics.register("numeric")
@dataclass(frozen=True)
class Numeric(MeanMetric):
    """1 if the output's last number equals the last of any reference, else 0.

    Thousands may be set off (1,234,567 and 12,34,567), signs be typographic (−3),
    exponents be written 1.5e8, 1.5 × 10^8 or 1.5×10⁸; currency signs do not count.
    Fractions, dates and times are several numbers. An output without number is wrong.
    Numbers are compared as they are written, without binary rounding.
    """

    name = "numeric"
    absolute: float = 0.0
    """Difference from the reference that is still right."""
    relative: float = 0.0
    """Likewise, as a share of the reference: 0.01 is one per cent of it."""
    decimal: Literal["point", "comma"] = "point"
    """What divides off decimals; the other one sets off thousands."""
    percent: Literal["ignore", "hundredth"] = "ignore"
    """`ignore`: 50% is 50; `hundredth`: it is 0.5."""

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
        """The last number of a text; None if it holds none, or one beyond all bounds.

        Bounds are those of Python's decimals, exponents of 18 digits.
        """
        match = None
        for match in self._pattern.finditer(text):  # noqa: B007 - the last one counts
            pass
        return None if match is None else self._number(match)

    def _number(self, match: Any) -> Decimal | None:
        digits = match["digits"]
        for sign in ("." if self.decimal == "comma" else ",") + GROUPING:
            digits = digits.replace(sign, "")
        digits = digits.replace(",", ".")
        power = match["e"] or match["power"] or match["raised"] or "0"
        sign = "-" if match["sign"] in ("-", "−") else ""
        number = EXACT.create_decimal(f"{sign}{digits}e{power.translate(RAISED)}")
        if match["percent"] and self.percent == "hundredth":
            number = number.scaleb(-2, EXACT)
        return number if number.is_finite() else None

    def _close(self, written: Decimal, wanted: Decimal) -> bool:
        with localcontext(EXACT):
            share = abs(wanted) * Decimal(str(self.relative))
            allowed = max(Decimal(str(self.absolute)), share)
            return abs(written - wanted) <= allowed

    @cached_property
    def _pattern(self) -> Any:
        import regex

        point, group = (",", ".") if self.decimal == "comma" else (r"\.", ",")
        return regex.compile(NUMBER.format(point=point, group=group + GROUPING))
