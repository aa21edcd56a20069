"""Backends that users bring: a Python file, or a package's entry point."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.backends.base import Backend, backends
from harness.errors import FAILURES, CheckpointError, InputError, NotFound
from harness.identity import content_hash
from harness.pythonfile import classes_in, load_module

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import EntryPoint

GROUP = "harness.backends"
"""Entry points in this group name backends: classes, or instances of them."""


def backend_named(name: str) -> Backend:
    """A backend of Tandem, else of an installed package or in a Python file.

    What users bring is loaded now, which runs its code, and only once.

    Args:
        name: as users write it; that of a file ends with `.py`.

    Raises:
        CheckpointError: it fails to load, or is no backend.
        InputError: no such file, or not exactly one backend in it.
        NotFound: no backend has this name; the nearest is suggested.
    """
    from importlib.metadata import entry_points

    if name in backends:
        return backends[name]
    if name.endswith(".py"):
        file = Path(name)
        text = file.read_text("utf-8") if file.is_file() else ""
        return _of_file(file, content_hash(text)[:8])
    points = entry_points(group=GROUP)
    if name not in points.names:
        raise NotFound("backend", name, {*backends.names(), *points.names})
    return _of_package(points[name])


@cache
def _of_package(point: EntryPoint) -> Backend:
    where = f"Backend '{point.name}' ({point.value})"
    try:
        with _no_shadowing(where):
            found = point.load()
    except FAILURES as error:
        raise _failure(where, error) from error
    return _checked(found, where)


@cache
def _of_file(file: Path, digest: str) -> Backend:
    """The one backend of a file; the digest of its text becomes part of the version."""
    with _no_shadowing(str(file)):
        module = load_module(file)
    kinds = classes_in(module, Backend)  # type: ignore[type-abstract]
    if len(kinds) != 1:
        names = ", ".join(sorted(kind.__name__ for kind in kinds)) or "none"
        raise InputError(
            "it must hold one subclass of harness.backends.Backend with a method "
            f"'load', but it holds {names}",
            file=file,
        )
    (kind,) = kinds
    kind.version = f"{kind.version}+{digest}".removeprefix("+")
    return _checked(kind, f"{file}: class {kind.__name__}")


def _checked(found: Any, where: str) -> Backend:
    if isinstance(found, type) and issubclass(found, Backend):
        try:
            found = found()
        except FAILURES as error:
            raise _failure(where, error) from error
    if not isinstance(found, Backend):
        raise CheckpointError(f"{where} is no subclass of harness.backends.Backend.")
    if not getattr(found, "name", ""):
        raise CheckpointError(f"{where} needs a name, as in name = 'mine'.")
    return found


def _failure(where: str, error: BaseException) -> CheckpointError:
    quoted = " ".join(f"{type(error).__name__}: {error}".split())
    return CheckpointError(f"{where} cannot be loaded: {quoted}")


@contextmanager
def _no_shadowing(where: str) -> Iterator[None]:
    """Put back what is registered anew meanwhile, and refuse it."""
    before = {name: backends[name] for name in backends.names()}
    try:
        yield
    finally:
        taken = [name for name, one in before.items() if backends[name] is not one]
        for name in taken:
            backends.register(name)(before[name])
    if taken:
        raise CheckpointError(
            f"{where} registers '{taken[0]}', which is taken. Leave "
            "backends.register out: it is found by its file or entry point."
        )
