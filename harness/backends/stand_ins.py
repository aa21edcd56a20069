"""Modules that stand in for others while a model is loaded, and make way."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.util import spec_from_loader
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec


@contextmanager
def asked_first(finder: MetaPathFinder) -> Iterator[None]:
    """Have it asked for every module that is imported meanwhile."""
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class StandIn(ModuleType):
    """In the place of a module, until another part of it is imported than `alone`."""

    alone: frozenset[str] = frozenset()
    """Names of parts that can be imported without the rest."""

    def make_way(self) -> None:
        """Have the module imported by whoever asks for it next."""
        if sys.modules.get(self.__name__) is self:
            sys.modules.pop(self.__name__, None)


@contextmanager
def standing_in(*them: StandIn) -> Iterator[None]:
    """Put them in the places of their modules, as long as none is asked for more."""
    for one in them:
        sys.modules[one.__name__] = one
    try:
        with asked_first(_PartsOfWhole()):
            yield
    finally:
        for one in them:
            one.make_way()


class _PartsOfWhole(MetaPathFinder, Loader):
    """Has a package imported itself before a part of it is: they import each other."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - of the protocol
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        whole = sys.modules.get(fullname.rpartition(".")[0])
        stands_in = isinstance(whole, StandIn) and fullname not in whole.alone
        return spec_from_loader(fullname, self) if stands_in else None

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        whole = sys.modules.get(name.rpartition(".")[0])
        if isinstance(whole, StandIn):
            whole.make_way()
        # What is found in its place afterwards is what was imported.
        del sys.modules[name]
        importlib.import_module(name)
