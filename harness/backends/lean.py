"""Loading models without what only training, compiling and clusters take.

transformers imports PyTorch's compiler, its distributed tensors and SciPy's optimisers
wherever they are installed, and loading a model imports the rest of the compiler. A
process that does nothing but read and write texts uses none of it, and starts sooner
without it.
"""

from __future__ import annotations

import gc
import importlib
import sys
from contextlib import ExitStack, contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.metadata import PackageNotFoundError, version
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from harness.backends.exports import read_once
from harness.backends.sizes import taken_for_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from importlib.machinery import ModuleSpec

TRIED = {"torch": "2.13", "transformers": "5.23"}
"""The packages' versions that this was tried with; others are imported whole."""
COMPILER = "torch._dynamo"
ALONE = f"{COMPILER}._trace_wrapped_higher_order_op"
"""The part of it that transformers' masks take, which stands by itself."""


@contextmanager
def lean_imports() -> Iterator[None]:
    """Import and load as if PyTorch had neither a compiler nor clusters.

    For the rest of the process transformers takes PyTorch as built without them. So
    this is for processes that are the harness's own. It changes nothing where
    transformers or the compiler is imported already, or in versions not tried.
    """
    if not _suits():
        yield
        return
    with ExitStack() as stack:
        with _unsearched():
            _import_all(stack)
        yield


@contextmanager
def _unsearched() -> Iterator[None]:
    """Import without looking for garbage again and again among what stays."""
    searches = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        # Once: later there is garbage, of an earlier model, which would stay as well.
        if not gc.get_freeze_count():
            gc.freeze()
        if searches:
            gc.enable()


def _import_all(stack: ExitStack) -> None:
    """What loading imports; the stack puts back what stands in for something."""
    import torch

    with read_once():
        from transformers.utils import import_utils
    utils = importlib.import_module("transformers.utils")
    for owner, name, instead in (
        (torch.distributed, "is_available", _no),
        (utils, "is_scipy_available", _no),
        (import_utils, "is_scipy_available", _no),
        (torch.nn.init, "normal_", _only_in_memory(torch.nn.init.normal_)),
    ):
        stack.callback(setattr, owner, name, getattr(owner, name))
        setattr(owner, name, instead)
    stack.enter_context(taken_for_numbers())
    stack.callback(_end_of_no_compiler)
    sys.modules[COMPILER] = _NoCompiler(Path(torch.__file__).parent / "_dynamo")
    rest = _RestOfCompiler()
    stack.callback(sys.meta_path.remove, rest)
    sys.meta_path.insert(0, rest)
    importlib.import_module("transformers.modeling_utils")
    # Asked once, remembered: without it, each tensor is asked about again.
    import_utils.is_torch_distributed_available()


class _NoCompiler(ModuleType):
    """Stands in for the compiler: its marks on functions leave them as they are."""

    def __init__(self, folder: Path) -> None:
        super().__init__(COMPILER)
        self.__path__ = [str(folder)]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return _left_as_it_is


class _RestOfCompiler(MetaPathFinder, Loader):
    """Has who imports another part of the compiler, in a thread say, get all of it."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - of the protocol
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        whole = sys.modules.get(fullname.rpartition(".")[0])
        stands_in = isinstance(whole, _NoCompiler) and fullname != ALONE
        return spec_from_loader(fullname, self) if stands_in else None

    def exec_module(self, module: ModuleType) -> None:
        _end_of_no_compiler()
        # What is found in its place afterwards is what was imported.
        del sys.modules[module.__name__]
        importlib.import_module(module.__name__)


def _end_of_no_compiler() -> None:
    if isinstance(sys.modules.get(COMPILER), _NoCompiler):
        del sys.modules[COMPILER]


def _left_as_it_is(marked: Any = None, *_: Any, **__: Any) -> Any:
    return _left_as_it_is if marked is None else marked


def _no() -> bool:
    return False


def _only_in_memory(draw: Callable[..., Any]) -> Callable[..., Any]:
    """To draw weights that are yet to be read takes the compiler, and is in vain."""

    def drawn(tensor: Any, *settings: Any, **named: Any) -> Any:
        return tensor if tensor.is_meta else draw(tensor, *settings, **named)

    return drawn


def _suits() -> bool:
    if COMPILER in sys.modules:
        return False
    known = sys.modules.get("transformers.utils.import_utils")
    if known is not None:
        # So it says for good after it was imported here, for an earlier model.
        return not known.is_torch_distributed_available()
    try:
        found = {name: version(name) for name in TRIED}
    except PackageNotFoundError:
        return False
    return all(found[name].startswith(f"{tried}.") for name, tried in TRIED.items())
