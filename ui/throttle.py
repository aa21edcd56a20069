"""Failed attempts to get in: who made many must wait, longer each time."""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW = 15 * 60.0
"""Seconds after which a failure is forgotten."""
FREE_FAILURES = 5
"""Failures of one client before it must wait."""
FIRST_WAIT = 4.0
"""Seconds that it waits then; each further failure doubles them."""
FREE_FAILURES_OF_ALL = 100
"""Failures of all clients together before those that never got in must wait."""
SECONDS_FOR_ALL = 2.0
"""How long these wait after the newest failure of anybody."""
MOST_CLIENTS = 10_000
"""Clients that are remembered; the oldest are forgotten first."""


@dataclass
class Throttle:
    """Counts failures by client, and those of all clients together.

    A client is an address, or for IPv6 a network of 64 bits, as one home or server has
    2^64 addresses. What a client with many failures sends is not even looked at until
    its time is over, so that a right guess does not show either; others are let in as
    ever. An attacker with very many addresses delays clients that were never here
    before, not those that got in from their address. All of it is in memory, and
    bounded; a restart forgets it.
    """

    clock: Callable[[], float] = time.monotonic
    """Seconds from any moment on."""
    _failures: OrderedDict[str, tuple[int, float]] = field(default_factory=OrderedDict)
    _good: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _of_all: deque[float] = field(
        default_factory=lambda: deque(maxlen=FREE_FAILURES_OF_ALL)
    )

    def wait(self, address: str) -> int:
        """Whole seconds until the client may try again; 0 if it may now."""
        client, now = _client(address), self.clock()
        count, last = self._failures.get(client, (0, -math.inf))
        if now - last > WINDOW:
            count = 0
        until = -math.inf
        if count >= FREE_FAILURES:
            doubled = 2 ** min(count - FREE_FAILURES, 20)
            until = last + min(FIRST_WAIT * doubled, WINDOW)
        full = len(self._of_all) == FREE_FAILURES_OF_ALL
        if full and self._of_all[0] > now - WINDOW and client not in self._good:
            until = max(until, self._of_all[-1] + SECONDS_FOR_ALL)
        return max(0, math.ceil(until - now)) if until > now else 0

    def failed(self, address: str) -> None:
        """Note an unknown invite or a wrong password."""
        client, now = _client(address), self.clock()
        count, last = self._failures.get(client, (0, now))
        self._failures[client] = (1 if now - last > WINDOW else count + 1, now)
        self._failures.move_to_end(client)
        self._of_all.append(now)
        if len(self._failures) > MOST_CLIENTS:
            self._failures.popitem(last=False)

    def passed(self, address: str) -> None:
        """Note that the client got in, which forgives its failures."""
        client = _client(address)
        self._failures.pop(client, None)
        self._good[client] = None
        self._good.move_to_end(client)
        if len(self._good) > MOST_CLIENTS:
            self._good.popitem(last=False)


def _client(address: str) -> str:
    try:
        number = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if not isinstance(number, IPv6Address):
        return str(number)
    if number.ipv4_mapped is not None:
        return str(number.ipv4_mapped)
    return f"{int(number) >> 64:x}"
