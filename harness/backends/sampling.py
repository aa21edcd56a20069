"""Choosing the next tokens: the likeliest, or drawn by each answer's own numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from harness.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.backends.answers import Answer
    from harness.types import Generation


@dataclass(frozen=True, slots=True)
class Sampler:
    """Temperature and nucleus sampling (Holtzman et al. 2020), or greedy decoding."""

    temperature: float = 0.0
    """0 is greedy."""
    top_p: float = 1.0
    """Share of probability mass drawn from."""

    @classmethod
    def of(cls, settings: Generation) -> Sampler:
        """The sampler that the settings ask for."""
        return cls(settings.temperature, settings.top_p)

    def choose(self, logits: torch.Tensor, answers: Sequence[Answer]) -> torch.Tensor:
        """Next tokens, shape (rows,), of logits of shape (rows, vocabulary).

        Each answer is drawn by one number of its own, put through the inverse
        distribution function in the vocabulary's order, so that neither the other rows
        nor the order of nearly equal tokens can change it. What is left is rounding:
        a model's logits differ in their last digits from batch to batch, and a draw
        that falls so near to a boundary is rare.
        """
        if self.temperature == 0:
            return logits.argmax(dim=-1)
        device = logits.device
        if device.type == "mps":
            logits = logits.cpu()  # Metal has no float64
        probabilities = (logits.double() / self.temperature).softmax(dim=-1)
        if self.top_p < 1:
            probabilities = _nucleus(probabilities, self.top_p)
        draws = [[answer.draw()] for answer in answers]
        heights = probabilities.cumsum(dim=-1)
        wanted = torch.tensor(draws, dtype=heights.dtype, device=heights.device)
        # Rounding must not reach past the last token that has any probability.
        wanted = torch.minimum(
            wanted * heights[:, -1:], heights[:, -1:].nextafter(heights.new_zeros(()))
        )
        return torch.searchsorted(heights, wanted, right=True).squeeze(-1).to(device)


def _nucleus(probabilities: torch.Tensor, share: float) -> torch.Tensor:
    """The likeliest tokens that together reach the share; the others' are 0."""
    likeliest, order = probabilities.sort(dim=-1, descending=True)
    before = likeliest.cumsum(dim=-1) - likeliest
    kept = likeliest.masked_fill(before >= share, 0.0)
    return torch.zeros_like(probabilities).scatter(-1, order, kept)


def check_numbers(logits: torch.Tensor) -> None:
    """Refuse what a model writes whose training diverged.

    Raises:
        CheckpointError: logits are not numbers, or infinitely high; infinitely low is
            how models rule tokens out.
    """
    if not (logits < torch.inf).all():
        raise CheckpointError(
            "The model's logits are not numbers (NaN or infinite): its training "
            "diverged, or its weights overflow in this precision. Take an earlier "
            "checkpoint."
        )
