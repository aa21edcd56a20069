"""What tokens cost."""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import isfinite

from harness.errors import UsageError

VARIABLE = "OPENAI_PRICES"
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of a million tokens, in any currency."""

    prompt: float
    """Of tokens read."""
    new: float
    """Of tokens written."""

    @classmethod
    def from_environment(cls) -> Prices | None:
        """The prices in OPENAI_PRICES, as `2.50/10`; None if it is not set.

        Raises:
            UsageError: they cannot be read.
        """
        text = os.environ.get(VARIABLE, "").strip()
        if not text:
            return None
        try:
            prompt, new = map(float, text.split("/"))
        except ValueError:
            prompt = new = -1.0
        if not (isfinite(prompt) and isfinite(new) and prompt >= 0 and new >= 0):
            raise UsageError(
                f"{VARIABLE} is '{text}', but must hold the prices of a million prompt "
                "tokens and a million new tokens, as 2.50/10."
            )
        return cls(prompt, new)

    def cost(self, prompt_tokens: int, new_tokens: int) -> float:
        """Of so many tokens."""
        return (self.prompt * prompt_tokens + self.new * new_tokens) / MILLION
