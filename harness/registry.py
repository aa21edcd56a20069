"""Named things that can be looked up: metrics, backends, schemes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from harness.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Registry(Generic[T]):
    """Names and what they stand for, with a suggestion for a name misspelt."""

    def __init__(self, kind: str) -> None:
        """`kind` is the noun that error messages use."""
        self.kind = kind
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that enters what it decorates under the name."""

        def enter(thing: T) -> T:
            self._entries[name] = thing
            return thing

        return enter

    def __getitem__(self, name: str) -> T:
        try:
            return self._entries[name]
        except KeyError:
            raise NotFound(self.kind, name, self._entries) from None

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._entries)
