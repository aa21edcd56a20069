"""How much goes through a model at once, and less of it when memory runs out."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

GIB = 1 << 30
RAN_OUT = re.compile(r"out of memory|can't allocate memory|ALLOC_FAILED")
"""What errors say that are of no kind of their own: of CPUs, Metal, CUDA libraries."""


@dataclass(slots=True)
class Budget:
    """What one batch may hold at most; a row that is alone always fits."""

    rows: int
    """Texts."""
    cached: int
    """Positions whose keys and values are kept, over all rows."""
    read: int
    """Positions that go through the layers in one pass, over all rows."""
    logits: int
    """Positions whose logits are kept at once, over all rows."""

    @classmethod
    def of(cls, network: Any, device: torch.device, batch_size: int | None) -> Budget:
        """What suits model and device; `batch_size` rows if that is given."""
        config = network.config.get_text_config(decoder=True)
        on_cpu = device.type == "cpu"
        free = _free_bytes(device)
        # On two CPU cores 32 rows were fastest for models of 1 and of 12 million
        # parameters; a GPU is busy only with more.
        rows = 32 if on_cpu else 256
        return cls(
            rows=batch_size or rows,
            cached=int(0.5 * free / _cache_bytes(config, network.dtype.itemsize)),
            # What goes beyond a CPU's caches took half as long again.
            read=2048 if on_cpu else 32768,
            # In float32, and as much again for what is computed from them.
            logits=int(0.1 * free / (8 * config.vocab_size)),
        )

    def rows_of(self, length: int) -> int:
        """Rows that may be decoded together if each grows to that length."""
        return max(1, min(self.rows, self.cached // length))

    def halve(self, rows: int) -> None:
        """Allow half of what just ran out of memory with that many rows.

        Raises:
            CheckpointError: it was one row.
        """
        if rows <= 1:
            raise CheckpointError(
                "Memory ran out with a single prompt. Use a machine with more memory, "
                "or shorter prompts and a smaller max_new_tokens."
            )
        self.rows = max(1, rows // 2)
        self.cached, self.read = max(1, self.cached // 2), max(1, self.read // 2)
        self.logits = max(1, self.logits // 2)


@contextmanager
def memory_errors() -> Iterator[None]:
    """Make one error of all those by which torch says that memory ran out.

    Raises:
        torch.OutOfMemoryError: it did.
    """
    import torch

    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or not RAN_OUT.search(str(error)):
            raise
        raise torch.OutOfMemoryError(str(error)) from None


def _free_bytes(device: torch.device) -> int:
    import torch

    if device.type != "cuda":
        return 8 * GIB
    # What earlier batches took stays with torch, and later ones get it first.
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(torch.cuda.mem_get_info(device)[0] + kept)


def _cache_bytes(config: Any, itemsize: int) -> int:
    """Roughly what the keys and values of one position take."""
    try:
        heads = config.num_attention_heads
        kept = getattr(config, "num_key_value_heads", None) or heads
        width = getattr(config, "head_dim", None) or config.hidden_size // heads
        numbers = kept * width
    except (AttributeError, RuntimeError):
        # No attention, as in Mamba, or another in each layer, as in Gemma 4.
        numbers = config.hidden_size
    return int(2 * config.num_hidden_layers * numbers * itemsize)
