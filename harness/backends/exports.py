"""What transformers' many files export, read once and quickly as it is imported."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

from harness.backends.stand_ins import asked_first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

READER = "transformers.utils.import_utils"


@contextmanager
def read_once() -> Iterator[None]:
    """Have transformers, if it is imported meanwhile, read its 2,500 files once.

    It reads them all for itself, and again for its models: what it remembers of
    folders has room for 128, and it has more. In each it looks at every line for the
    one that says what is exported, which is looked for from the end here.
    """
    with asked_first(_Finder()):
        yield


class _Finder(MetaPathFinder):
    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,  # noqa: ARG002 - of the protocol
    ) -> ModuleSpec | None:
        found = PathFinder.find_spec(fullname, path) if fullname == READER else None
        if found is not None and found.loader is not None:
            found.loader = _Hastened(found.loader)
        return found


class _Hastened(Loader):
    """Loads the module that reads the files, and makes it quicker."""

    def __init__(self, usual: Loader) -> None:
        self.usual = usual

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.usual.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.usual.exec_module(module)
        names = vars(module)
        forgetful = names["create_import_structure_from_path"]
        names["create_import_structure_from_path"] = cache(forgetful.__wrapped__)
        names["fetch__all__"] = _from_last_mark(names["fetch__all__"])


def _from_last_mark(fetch: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    def fetched(content: str) -> list[str]:
        return fetch(content[content.rfind("\n__all__") + 1 :])

    return fetched
