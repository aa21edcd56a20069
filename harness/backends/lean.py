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
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.backends.exports import read_once
from harness.backends.sizes import taken_for_numbers
from harness.backends.stand_ins import StandIn, standing_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TRIED = {"torch": "2.13", "transformers": "5.23"}
"""The packages' versions that this was tried with; others are imported whole."""
COMPILER = "torch._dynamo"


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
    folder = Path(torch.__file__).parent / "_dynamo"
    stack.enter_context(standing_in(_NoCompiler(folder)))
    importlib.import_module("transformers.modeling_utils")
    # Asked once, remembered: without it, each tensor is asked about again.
    import_utils.is_torch_distributed_available()


class _NoCompiler(StandIn):
    """In the compiler's place: its marks on functions leave them as they are."""

    alone = frozenset({f"{COMPILER}._trace_wrapped_higher_order_op"})
    """What transformers' masks take."""

    def __init__(self, folder: Path) -> None:
        super().__init__(COMPILER)
        self.__path__ = [str(folder)]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return _left_as_it_is


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
