"""Python files of users: loaded, which runs them, and looked through for a class."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from inspect import isabstract
from typing import TYPE_CHECKING, TypeVar

from harness.errors import FAILURES, InputError, MissingData
from harness.identity import content_hash

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import ModuleType

T = TypeVar("T")

PREFIX = "harness_file_"
"""How the names of such modules begin."""


class _TextAlone(SourceFileLoader):
    """Loads a file's text, never the bytecode that Python may have kept of it.

    Python takes that for the file's if time, to the second, and size are the same; the
    file's hash, by which scores are known, would then be of other code.
    """

    def path_stats(self, path: str) -> Mapping[str, float]:
        raise OSError(f"no bytecode of {path}")


def load_module(file: Path) -> ModuleType:
    """The module that a file holds, loaded anew.

    Raises:
        MissingData: no such file.
        InputError: it is not Python, or fails; quotes what it raised.
    """
    if not file.is_file():
        raise MissingData("no such Python file", file=file)
    name = f"{PREFIX}{file.stem}_{content_hash(str(file.resolve()))[:8]}"
    loader = _TextAlone(name, str(file))
    spec = importlib.util.spec_from_file_location(name, file, loader=loader)
    if spec is None or spec.loader is None:
        raise InputError("not a Python file", file=file)
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name while it is being loaded.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (SystemExit, *FAILURES) as error:
        quoted = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"cannot be loaded: {quoted}", file=file) from error
    return module


def classes_in(module: ModuleType, base: type[T]) -> set[type[T]]:
    """The subclasses that a module defines itself and that can be used."""
    return {
        thing
        for thing in vars(module).values()
        if isinstance(thing, type)
        and issubclass(thing, base)
        and thing.__module__ == module.__name__
        and not isabstract(thing)
    }
