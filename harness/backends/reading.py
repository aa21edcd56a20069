"""Reading prompts into keys and values, what they have in common only once."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import torch

from harness.backends.cache import close_gaps, new_cache, repeat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.backends.tokens import Tokens

WORTHWHILE = 16
"""Fewest tokens in common that are read apart."""


class Reader:
    """Runs a causal model over prompts.

    Few-shot examples and system prompts stand before every prompt: after `share`, the
    tokens that all begin with are read from a cache.
    """

    def __init__(self, network: Any) -> None:
        parameters = inspect.signature(network.forward).parameters
        self.network = network
        self.extra = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}
        self.prefix: Tokens = []
        self.prefix_cache: Any = None

    @torch.inference_mode()
    def share(self, contexts: Sequence[Tokens]) -> None:
        """Read what all these prompts begin with, if it is worth it."""
        self.prefix = []
        # Windows are counted in columns, which padding behind the prefix would move.
        prefix = shared_prefix(contexts) if _sees_all(self.network) else []
        if not prefix:
            return
        tokens = torch.tensor([prefix], device=self.network.device)
        positions = torch.arange(len(prefix), device=tokens.device)[None]
        cache = new_cache()
        try:
            self.forward(tokens, torch.ones_like(tokens), positions, cache)
        except torch.OutOfMemoryError:
            return  # whole prompts will say it better
        self.prefix, self.prefix_cache = prefix, cache

    def read(
        self, contexts: Sequence[Sequence[int]]
    ) -> tuple[Any, torch.Tensor, torch.Tensor]:
        """Read prompts that begin with what is shared.

        Returns:
            Their cache, padded on the left; its mask, shape (rows, columns); the
            logits of what follows each, shape (rows, vocabulary).
        """
        known = len(self.prefix)
        width = max(map(len, contexts)) - known
        tokens = torch.zeros(len(contexts), width, dtype=torch.long)
        mask = torch.ones(len(contexts), known + width, dtype=torch.long)
        for row, context in enumerate(contexts):
            rest = context[known:]
            tokens[row, width - len(rest) :] = torch.tensor(rest)
            mask[row, known : known + width - len(rest)] = 0
        tokens, mask = tokens.to(self.network.device), mask.to(self.network.device)
        cache = repeat(self.prefix_cache, len(contexts)) if known else new_cache()
        positions = (mask.cumsum(1) - 1).clamp(min=0)[:, known:]
        logits = self.forward(tokens, mask, positions, cache)
        return cache, close_gaps(cache, mask) if known else mask, logits

    def forward(
        self,
        tokens: torch.Tensor,
        mask: torch.Tensor,
        positions: torch.Tensor,
        cache: Any,
    ) -> torch.Tensor:
        """Logits of the last column, shape (rows, vocabulary); the cache grows."""
        output = self.network(
            input_ids=tokens,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            **self.extra,
        )
        logits: torch.Tensor = output.logits[:, -1]
        return logits


def shared_prefix(contexts: Sequence[Tokens]) -> Tokens:
    """What all contexts begin with, short of the last token of each; [] if little."""
    if len(contexts) <= 1:
        return []
    # In alphabetical order, the first and the last have least in common.
    first, last = min(contexts), max(contexts)
    most = min(map(len, contexts)) - 1
    pairs = zip(first[:most], last[:most], strict=True)
    length = next((at for at, (a, b) in enumerate(pairs) if a != b), most)
    return first[:length] if length >= WORTHWHILE else []


def layers_of(network: Any) -> set[type]:
    """Kinds of the layers that keep what the model remembers."""
    from transformers.cache_utils import DynamicCache

    config = network.config.get_text_config(decoder=True)
    return {type(layer) for layer in DynamicCache(config=config).layers}


def _sees_all(network: Any) -> bool:
    """Whether each token sees all tokens before it, however far away."""
    from transformers.cache_utils import DynamicLayer

    return layers_of(network) == {DynamicLayer}
