"""What makes every command start quickly and compute well beside other work."""

from __future__ import annotations

import atexit
import gc
import os

KEPT = 50_000
"""New objects between two searches for garbage, in place of Python's 700."""


def start_quickly() -> None:
    """Settle how this process waits and looks for garbage."""
    # Threads that spin while they wait make a model several times slower as soon as
    # anything else runs on the machine; torch reads this when it is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Modules stay. To search them for garbage takes a seventh of the time that the
    # import of a large package takes.
    gc.set_threshold(KEPT)
    # Nor is there need to search all for garbage, several times, as the process ends.
    atexit.register(gc.freeze)
