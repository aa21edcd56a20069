"""Weights in the order in which oneDNN reads them, for small batches on a CPU.

A batch of tens of rows is through a matrix before the matrix is out of memory. The
library that PyTorch multiplies with puts the weights in its own order at every call;
oneDNN, which PyTorch comes with, takes weights that are in order already.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from harness.backends.threads import SMALL

LEAST, MOST = SMALL, 250_000_000
"""Parameters of models that gain by it: of smaller ones the weights stay in the CPU's
caches, and of larger ones a second copy would be more than a gigabyte."""
ROWS = 32
"""Rows that the order is best for; any number may be multiplied."""


def pack_weights(network: Any) -> None:
    """Have linear layers multiply by oneDNN, where that is faster.

    That is in float32 on a CPU. The layers keep their weights as they are, too, for
    models that use them in other ways. Results agree within float32 rounding.

    Args:
        network: changed in place.
    """
    import torch
    from transformers.pytorch_utils import Conv1D

    suits = network.device.type == "cpu" and network.dtype == torch.float32
    there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not (suits and there and LEAST <= network.num_parameters() <= MOST):
        return
    if not _multiplies():
        return
    for module in network.modules():
        if type(module) is torch.nn.Linear:
            _pack(module, module.weight)
        elif type(module) is Conv1D:
            _pack(module, module.weight.t())


def _multiplies() -> bool:
    """Whether this PyTorch multiplies so; the operations are none of its promises."""
    import torch

    weight, given = torch.arange(6.0).reshape(2, 3), torch.arange(12.0).reshape(4, 3)
    try:
        result = _multiply(_ordered(weight), None, given)
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.equal(result, given @ weight.t())


def _pack(module: Any, weight: Any) -> None:
    """`weight` has the shape (size of results, size of inputs)."""
    module.forward = partial(_multiply, _ordered(weight), module.bias)


def _ordered(weight: Any) -> Any:
    import torch

    reorder = torch.ops.mkldnn._reorder_linear_weight  # noqa: SLF001 - as Inductor's
    with torch.inference_mode():
        return reorder(weight.detach().contiguous(), ROWS)


def _multiply(packed: Any, bias: Any, given: Any) -> Any:
    import torch

    return torch.ops.mkldnn._linear_pointwise(given, packed, bias, "none", [], "")  # noqa: SLF001
