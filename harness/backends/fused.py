"""Activations that PyTorch computes in one pass over memory instead of eight."""

from __future__ import annotations

from typing import Any


def fuse_activations(network: Any) -> None:
    """Let PyTorch's own kernel compute GELU by tanh, as GPT-2 and its kin have it.

    transformers writes the formula (Hendrycks and Gimpel 2016) out, operation by
    operation. The results agree within float32 rounding.

    Args:
        network: changed in place; its weights stay.
    """
    from torch.nn import GELU
    from transformers.activations import (
        AccurateGELUActivation,
        FastGELUActivation,
        NewGELUActivation,
    )

    written_out = (AccurateGELUActivation, FastGELUActivation, NewGELUActivation)
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, written_out):
                setattr(module, name, GELU(approximate="tanh"))
