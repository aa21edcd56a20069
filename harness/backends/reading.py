"""Reading prompts into keys and values, what they have in common only once."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import torch

from harness.backends.batching import memory_errors
from harness.backends.cache import new_cache, repeat, shift

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
        prefix = shared_prefix(contexts)
        if not prefix:
            return
        tokens = torch.tensor([prefix], device=self.network.device)
        positions = torch.arange(len(prefix), device=tokens.device)[None]
        cache = new_cache()
        try:
            with memory_errors():
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
        # A shorter prompt's columns take the end of what is shared as well, so that no
        # gap comes between: some models count how far they see in columns.
        rests = [context[max(0, len(context) - width) :] for context in contexts]
        tokens = torch.zeros(len(contexts), width, dtype=torch.long)
        mask = torch.zeros_like(tokens)
        for row, rest in enumerate(rests):
            tokens[row, width - len(rest) :] = torch.tensor(rest)
            mask[row, width - len(rest) :] = 1
        tokens, mask = tokens.to(self.network.device), mask.to(self.network.device)
        cache = new_cache()
        if known:
            cache = repeat(self.prefix_cache, len(contexts))
            spare = [known + width - len(context) for context in contexts]
            before = shift(cache, torch.tensor(spare, device=tokens.device))
            mask = torch.cat([before, mask], dim=1)
        positions = (mask.cumsum(1) - 1).clamp(min=0)[:, known:]
        return cache, mask, self.forward(tokens, mask, positions, cache)

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
