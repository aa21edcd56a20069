"""Rank, places and strength of an adapter; all say nothing where there is none."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from harness.diagnosis.configuration.limits import (
    LOW_RANK,
    RANK,
    SCALE,
    SCALES,
    TARGETS,
)

if TYPE_CHECKING:
    from harness.diagnosis.configuration.model import DataFacts, Settings
    from harness.diagnosis.model import Check, Status

FEED_FORWARD = ("gate", "up_proj", "down", "fc", "mlp", "w1", "w2", "w3", "dense_h")
"""Parts of names of layers in feed-forward blocks."""
ALL = ("all", "all-linear", "linear")
YES = ("true", "1")


def adapter_rank(settings: Settings, _: DataFacts) -> Check | str | None:
    """How much an adapter can hold."""
    if not _adapted(settings):
        return None
    rank = settings.number("adapter_rank")
    if rank is None:
        return "the adapter's rank is not known; --config FILE gives it"
    status: Status = "notice" if rank < LOW_RANK else "fine"
    return RANK.check(status, rank, f"The adapter's rank is {rank:g}.")


def adapter_targets(settings: Settings, _: DataFacts) -> Check | str | None:
    """Which layers it adapts."""
    if not _adapted(settings):
        return None
    targets = settings.text("adapter_targets")
    if settings.text("adapter_all_linear") in YES or targets in ALL:
        return TARGETS.check("fine", "all", "All linear layers are adapted.")
    if not targets:
        return "the adapter's layers are not known; --config FILE gives them"
    reached = any(part in targets for part in FEED_FORWARD)
    status: Status = "fine" if reached else "notice"
    return TARGETS.check(status, targets, f"Adapted are {targets}.")


def adapter_scale(settings: Settings, _: DataFacts) -> Check | None:
    """How strongly it acts, which multiplies its learning rate."""
    rank, alpha = settings.number("adapter_rank"), settings.number("adapter_alpha")
    if not _adapted(settings) or not rank or rank < 0 or alpha is None:
        return None
    stable = settings.text("rank_stabilized") in YES
    scale = alpha / (sqrt(rank) if stable else rank)
    status: Status = "fine" if SCALES[0] <= scale <= SCALES[1] else "notice"
    says = f"The adapter acts with {scale:.3g} (alpha {alpha:g}, rank {rank:g})."
    return SCALE.check(status, scale, says)


def _adapted(settings: Settings) -> bool:
    return settings.get("method") == "lora" or settings.get("adapter_rank") is not None
