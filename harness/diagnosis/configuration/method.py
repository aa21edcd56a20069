"""What kind of training a run's settings describe."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, get_args

from harness.diagnosis.configuration.model import Setting

if TYPE_CHECKING:
    from harness.diagnosis.configuration.model import Settings

Method = Literal["full", "lora", "preference"]
METHODS: tuple[Method, ...] = get_args(Method)
PREFERENCES = ("dpo", "grpo", "kto", "orpo", "cpo", "rloo", "ppo", "ipo", "simpo")
"""How training from preferences or rewards is named in settings and classes."""
ADAPTERS = ("lora", "qlora", "dora", "true")
NO_ADAPTER = ("", "full", "false", "none")
ADAM = re.compile(r"^(paged_)?adamw?(_|$)")


def method_of(settings: Settings, framework: str | None) -> Setting | None:
    """Full fine-tuning, LoRA, or from preferences; None where it is none of these.

    Args:
        settings: of the run, without its method.
        framework: whose settings they are, since LLaMA-Factory's default is LoRA.
    """
    kind = f"{settings.text('preference')} {settings.text('trainer')}"
    for name in PREFERENCES:
        if name in kind:
            source = settings.source("preference") or settings.source("trainer")
            return Setting("preference", source)
    adapter = settings.text("adapter")
    if adapter in ADAPTERS or (not adapter and framework == "LLaMA-Factory"):
        source = settings.source("adapter") or "the default of LLaMA-Factory"
        return Setting("lora", source)
    if adapter in NO_ADAPTER and settings.values:
        return Setting("full", settings.source("adapter") or "no adapter was found")
    return None


def is_adam(optimizer: str) -> bool:
    """Whether it is Adam or AdamW, for which alone there are bands."""
    return ADAM.match(optimizer) is not None
