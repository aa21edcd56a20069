"""How many threads a model computes with."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL = 4_000_000
"""Parameters of models that one thread runs as fast as several."""


@contextmanager
def suited_threads(network: Any) -> Iterator[None]:
    """One thread for a small model on the CPU, torch's own choice for others.

    The parts of a small model's work are so short that threads spend the time waiting
    for each other.
    """
    import torch

    before = torch.get_num_threads()
    if network.device.type == "cpu" and network.num_parameters() < SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
