"""How the verbs tell what they are doing; the command line draws it."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with a label, units done and units in all."""


def silent(label: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
