"""Keys and values of the rows in a batch, which grow, leave and enter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import pad
from transformers.cache_utils import DynamicCache, DynamicLayer

if TYPE_CHECKING:
    from collections.abc import Sequence

SPARE = 64
"""Columns to have in store: transformers' own layer copies all at every token."""


class GrowingLayer(DynamicLayer):  # type: ignore[misc]
    """One layer's keys and values, shape (rows, heads, columns, size) each."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.stores: list[torch.Tensor] = []

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """All keys and values so far, with the new ones at the end."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = key_states, value_states
            return key_states, value_states
        begin, new = self.keys.shape[2], key_states.shape[2]
        if not self.stores or begin + new > self.stores[0].shape[2]:
            room = new + SPARE
            self.stores = [_roomy(part, room) for part in (self.keys, self.values)]
        for store, states in zip(self.stores, (key_states, value_states), strict=True):
            store[:, :, begin : begin + new] = states
        self.keys, self.values = (s[:, :, : begin + new] for s in self.stores)
        return self.keys, self.values

    def replace(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Hold these from now on."""
        self.keys, self.values, self.stores = keys, values, []


def new_cache() -> Any:
    """An empty cache that keeps all positions of all layers, windows or not."""
    cache = DynamicCache()
    cache.layer_class_to_replicate = GrowingLayer
    return cache


def select(cache: Any, rows: Sequence[int], first: int) -> None:
    """Keep these rows, and their columns from `first` on."""
    for layer in cache.layers:
        index = torch.tensor(rows, device=layer.keys.device)
        layer.replace(layer.keys[index, :, first:], layer.values[index, :, first:])


def repeat(cache: Any, rows: int) -> Any:
    """A cache of that many rows, each as the only row of this one."""
    repeated = new_cache()
    for number, layer in enumerate(cache.layers):
        repeated.update(
            layer.keys.expand(rows, -1, -1, -1),
            layer.values.expand(rows, -1, -1, -1),
            number,
        )
    return repeated


def shift(cache: Any, columns: torch.Tensor) -> torch.Tensor:
    """Move each row to the right, off the end; what comes in on the left is padding.

    Args:
        cache: changed in place.
        columns: by how many, shape (rows,).

    Returns:
        The rows' mask, 1 where a column is none of the padding.
    """
    width = cache.layers[0].keys.shape[2]
    order = torch.arange(width, device=columns.device) - columns[:, None]
    index = order.clamp(min=0)[:, None, :, None]
    for layer in cache.layers:
        # Some models' keys are wider than their values.
        layer.replace(
            *(
                part.gather(2, index.expand_as(part))
                for part in (layer.keys, layer.values)
            )
        )
    return (order >= 0).long()


def join(cache: Any, entering: Any, width: int) -> None:
    """Put the entering rows below, all padded on the left to `width` columns."""
    for layer, new in zip(cache.layers, entering.layers, strict=True):
        layer.replace(
            _stacked(layer.keys, new.keys, width),
            _stacked(layer.values, new.values, width),
        )


def _roomy(part: torch.Tensor, room: int) -> torch.Tensor:
    """The same columns with unwritten ones behind them."""
    rows, heads, columns, size = part.shape
    store = part.new_empty(rows, heads, columns + room, size)
    store[:, :, :columns] = part
    return store


def _stacked(above: torch.Tensor, below: torch.Tensor, width: int) -> torch.Tensor:
    padded = [pad(part, (0, 0, width - part.shape[2], 0)) for part in (above, below)]
    return torch.cat(padded)
