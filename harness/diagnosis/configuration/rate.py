"""The learning rate against bands by method and size, and its warm-up."""

from __future__ import annotations

from dataclasses import replace
from math import log
from typing import TYPE_CHECKING

from harness.diagnosis.configuration.limits import (
    BANDS,
    FAR,
    LONG_WARMUP,
    NO_WARMUP,
    RATE_FINE,
    RATE_HIGH,
    RATE_LOW,
    SMALLEST,
    SOME_WARMUP,
    UPPER,
    VERY_FAR,
    Band,
)
from harness.diagnosis.configuration.method import is_adam
from harness.diagnosis.configuration.schedule import steps_of

if TYPE_CHECKING:
    from harness.diagnosis.configuration.model import DataFacts, Settings
    from harness.diagnosis.model import Check, Status

NO_RATE = "the learning rate is not known; --config FILE gives it"


def learning_rate_band(settings: Settings, _: DataFacts) -> Check | str:
    """Whether the rate is usual for the method and the model's size.

    A model whose base nobody names may have been trained from scratch, where higher
    rates are usual: of that no likely cause is made.
    """
    rate = settings.number("learning_rate")
    if rate is None:
        return NO_RATE
    band = band_of(settings)
    if isinstance(band, str):
        return band
    times = band.outside(rate)
    far = max(times, 1 / times) if times > 0 else float("inf")
    status: Status = "fine" if far <= 1 else "notice"
    if far >= FAR:
        status = "failure" if far >= VERY_FAR else "warning"
    if status == "failure" and times > 1 and settings.get("model") is None:
        status = "warning"
    side = "above" if times > 1 else "below"
    rule = RATE_FINE if far <= 1 else RATE_HIGH if times > 1 else RATE_LOW
    placed = "in" if far <= 1 else f"{far:.3g} times {side}"
    check = rule.check(
        status,
        rate,
        f"The learning rate {rate:.3g} ({settings.source('learning_rate')}) is "
        f"{placed} the band {band.low:g} to {band.high:g} for {_subject(settings)}.",
    )
    return replace(check, source=band.source)


def band_of(settings: Settings) -> Band | str:
    """The band for the run's method and size; a reason where there is none."""
    optimizer = settings.text("optimizer")
    if not is_adam(optimizer):
        return (
            f"there are no bands for the optimizer {optimizer}"
            if optimizer
            else "the optimizer is not known; --config FILE gives it"
        )
    size, method = settings.number("parameters"), settings.get("method")
    if size is None:
        return "the model's size is not known; a run's folder with its weights tells it"
    if size < SMALLEST:
        return (
            f"there is no published band for models below {SMALLEST / 1e6:g} M "
            f"parameters, and this has {_written(size)}"
        )
    found = [
        band
        for band in BANDS
        if band.method == method and band.least <= size < band.most
    ]
    return found[0] if found else "the method of training is not known"


def warmup(settings: Settings, facts: DataFacts) -> Check | str:
    """Whether the rate rises slowly at first, and not for too long."""
    share = _warmup_share(settings, facts)
    if share is None:
        return "warm-up is not known; --config FILE gives it"
    if share > LONG_WARMUP:
        says = f"Warm-up takes {share:.0%} of the steps."
        return SOME_WARMUP.check("warning", share, says)
    if share > 0:
        return SOME_WARMUP.check("fine", share, f"Warm-up takes {share:.1%} of steps.")
    band, rate = band_of(settings), settings.number("learning_rate")
    says = "Training begins at the full learning rate, without warm-up"
    if isinstance(band, str) or rate is None:
        return NO_WARMUP.check("notice", 0.0, f"{says}.")
    high = log(rate / band.low) >= UPPER * log(band.high / band.low) if rate else False
    where = "in" if high else "below"
    return NO_WARMUP.check(
        "warning" if high else "fine",
        0.0,
        f"{says}; {rate:.3g} is {where} the upper half of the band or above it."
        if high
        else f"{says}, but {rate:.3g} is no high one.",
    )


def _warmup_share(settings: Settings, facts: DataFacts) -> float | None:
    """Share of the steps; None where it is not known."""
    steps, ratio = settings.number("warmup_steps"), settings.number("warmup_ratio")
    if steps is not None and 0 < steps < 1:  # transformers 5 takes such as a share
        return steps
    if steps:
        total = steps_of(settings, facts)
        # Without the total, some warm-up is all that is known.
        return steps / total if total else LONG_WARMUP / 10
    return ratio if ratio is not None else steps


def _subject(settings: Settings) -> str:
    method = {"full": "full fine-tuning", "lora": "LoRA", "preference": "preferences"}
    size = settings.number("parameters") or 0
    kind = method.get(str(settings.get("method")), "training")
    return f"{kind} of {_written(size)} parameters"


def _written(size: float) -> str:
    return f"{size / 1e9:.3g} B" if size >= 1e9 else f"{size / 1e6:.3g} M"  # noqa: PLR2004
