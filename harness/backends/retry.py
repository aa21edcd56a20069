"""How long to wait before a server is asked again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a server is asked, and how long it may take."""

    tries: int = 8
    """Requests made in all before one is given up, 1 or more."""
    first_wait: float = 1.0
    """Longest wait after the first failure, in seconds; it doubles every time."""
    longest_wait: float = 120.0
    """Longest wait of all, in seconds; a server that wants more is given up."""
    timeout: float = 300.0
    """Longest time that one request may take, in seconds."""

    def wait(self, failures: int, draw: float) -> float:
        """Seconds until the next try, after so many failures.

        Exponential backoff with full jitter (Brooker, "Exponential backoff and
        jitter", AWS Architecture Blog 2015): clients that failed together do not
        come back together.

        Args:
            failures: 1 or more.
            draw: a random number from 0 to 1.
        """
        doublings = min(failures - 1, 60)
        return draw * min(self.longest_wait, self.first_wait * 2.0**doublings)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float:
    """Seconds that a server asks to wait (RFC 9110, 10.2.3); 0 if it asks for none.

    Args:
        headers: of its answer, names in small letters.
        now: what a date is counted from; by default the present.
    """
    for header, seconds in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            wanted = float(headers.get(header, "")) * seconds
        except ValueError:
            continue
        return max(0.0, wanted) if isfinite(wanted) else 0.0
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return 0.0
    # A date with zone "-0000" comes without one.
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())
