"""Settings of a run under one name each, and what they are held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.types import Json


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, and who says so."""

    value: Json
    """A finite number, a truth value or a text."""
    source: str
    """The file, and the name that the setting has there."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is known of how a run was set up."""

    values: Mapping[str, Setting] = field(default_factory=dict)
    """By the names of `harness.settings`, and `trainer`, `method` and `parameters`."""
    differing: tuple[str, ...] = ()
    """Settings of which two sources say different things, as sentences."""
    problems: tuple[str, ...] = ()
    """Files that could not be read, and why."""

    def get(self, name: str) -> Json:
        """The value of a setting; None where it is not known."""
        return self.values[name].value if name in self.values else None

    def number(self, name: str) -> float | None:
        """The value, if it is a number."""
        value = self.get(name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if is_number else None

    def text(self, name: str) -> str:
        """The value in small letters; empty where it is not known."""
        value = self.get(name)
        return "" if value is None else str(value).lower()

    def source(self, name: str) -> str:
        """Who says so; empty where it is not known."""
        return self.values[name].source if name in self.values else ""

    @property
    def max_length(self) -> int | None:
        """Tokens of an example that are kept; None where it is not known."""
        value = self.number("max_length")
        return int(value) if value and value > 0 else None


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What is known of the training data; None where it is not."""

    rows: int | None = None
    """Examples."""
    longest: int | None = None
    """Tokens of the longest example."""
