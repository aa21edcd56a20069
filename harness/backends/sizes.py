"""Sizes of tensors taken for the numbers they are, without algebra of unknowns.

Until its weights are read, a model is made of tensors without memory. Of each of their
sizes PyTorch asks the algebra that its compiler has for sizes not known yet. That is
SymPy, and takes longer to import than a small model takes to be made.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.backends.stand_ins import StandIn, standing_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SYMPY = "sympy"
ALGEBRA = "torch.fx.experimental.symbolic_shapes"
OF_NUMBERS: dict[str, Callable[..., Any]] = {
    "expect_true": lambda truth: truth,
    "guard_or_false": lambda truth: truth,
    "guard_or_true": lambda truth: truth,
    "guard_size_oblivious": lambda truth: truth,
    "guarding_hint_or_throw": lambda number: number,
    "has_guarding_hint": lambda _: True,
    "is_nested_int": lambda _: False,
    "statically_known_true": lambda truth: truth,
    "sym_and": lambda *truths: all(truths),
    "sym_eq": lambda one, other: one == other,
    "sym_or": lambda *truths: any(truths),
}
"""What the algebra says of numbers and truths, by the name of the question."""


@contextmanager
def taken_for_numbers() -> Iterator[None]:
    """Answer what PyTorch asks of numbers; all else imports the algebra, and asks it.

    Nothing changes where the algebra or SymPy is imported already.
    """
    if SYMPY in sys.modules or ALGEBRA in sys.modules:
        yield
        return
    algebra = {name: _asked(name) for name in OF_NUMBERS}
    with standing_in(_Known(SYMPY, {"Basic": _NoNumber}), _Known(ALGEBRA, algebra)):
        yield


class _NoNumber:
    """In the place of SymPy's expressions, which no number is."""


class _Known(StandIn):
    """In the place of a module until it is asked for more than is known here."""

    def __init__(self, name: str, known: dict[str, Any]) -> None:
        super().__init__(name)
        self.known = known
        self.__path__ = []

    def __getattr__(self, name: str) -> Any:
        found = self.known.get(name)
        if found is not None:
            return found
        # Python itself looks into all modules for names like these.
        if self.known and name.startswith("__"):
            raise AttributeError(name)
        self.make_way()
        return getattr(importlib.import_module(self.__name__), name)

    def make_way(self) -> None:
        """Both do, since the algebra imports SymPy."""
        _make_way()


def _make_way() -> None:
    """Have both imported by whoever asks for them, or keeps a stand-in, next."""
    for name in (SYMPY, ALGEBRA):
        one = sys.modules.get(name)
        if isinstance(one, _Known):
            one.known.clear()
            sys.modules.pop(name, None)


def _asked(question: str) -> Callable[..., Any]:
    def answer(*values: Any, **settings: Any) -> Any:
        if all(map(_is_number, values)):
            return OF_NUMBERS[question](*values)
        _make_way()
        return getattr(importlib.import_module(ALGEBRA), question)(*values, **settings)

    return answer


def _is_number(value: Any) -> bool:
    if type(value) is tuple:
        return all(map(_is_number, value))
    return type(value) in (bool, int)
