"""Whether numbers are trained that are too coarse for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.diagnosis.configuration.limits import PRECISION

if TYPE_CHECKING:
    from harness.diagnosis.configuration.model import DataFacts, Settings
    from harness.diagnosis.model import Check, Status

HALF = ("float16", "fp16", "half", "torch.float16")
YES = ("true", "1")


def float16_training(settings: Settings, _: DataFacts) -> Check | str:
    """Whether float16 weights are trained without loss scaling.

    Small gradients become 0 in float16 and large ones infinite, which loss scaling
    prevents: `fp16: true` brings it. Of an adapter, the base's dtype does not matter.
    """
    name = "dtype" if settings.text("dtype") not in {"", "auto"} else "saved_dtype"
    dtype = settings.text(name)
    if not dtype:
        return "the weights' dtype is not known; --config FILE gives it"
    told = f"The weights' dtype is {dtype} ({settings.source(name)})"
    if dtype not in HALF:
        return PRECISION.check("fine", dtype, f"{told}.")
    status, why = _of_half(settings, saved=name == "saved_dtype")
    return PRECISION.check(status, dtype, f"{told}; {why}.")


def _of_half(settings: Settings, *, saved: bool) -> tuple[Status, str]:
    """What float16 weights mean; `saved`: they may have been made so after training."""
    if settings.text("fp16") in YES:
        return "notice", "losses are scaled (fp16)"
    if settings.get("method") == "lora":
        return "notice", "only an adapter is trained"
    if settings.get("deepspeed") is not None:
        return "warning", "DeepSpeed may scale losses"
    if saved and settings.get("fp16") is None:
        return "warning", "whether losses were scaled is not known"
    return "failure", "losses are not scaled"
