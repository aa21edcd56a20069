"""The faults that training runs are given, and what may be named first for each.

This table was written before any threshold of the diagnosis was chosen, and before any
of these runs had been trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.diagnosis import CauseName

NOTHING = "nothing"
"""That no cause is named."""
NEAR = 1.05
"""Final held-out losses of up to so many times the healthy run's are as good as its."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a run is spoilt; the defaults spoil nothing."""

    name: str
    accepted: tuple[CauseName, ...] = ()
    """The causes of which the first that is named must be one; none: nothing may be."""
    nothing_if_near: bool = False
    """Naming none is right, too, where the run ends near its seed's healthy one."""
    examples: int | None = None
    """How many examples are trained on; None: all."""
    templates: int | None = None
    """How many sentence patterns the examples are made from; None: as they come."""
    shuffled: float = 0.0
    """Share of the answers that other examples get."""
    rate: float = 1.0
    """What the learning rate is multiplied by."""
    warmup: bool = True
    limited: bool = False
    """Whether examples are cut to the task's limit of tokens."""
    half: bool = False
    """Whether weights and gradients are float16, without loss scaling."""
    leaked: bool = False
    """Whether the held-out examples are trained on."""
    steps: float = 1.0
    """Share of the usual steps that are trained."""


FAULTS = (
    Fault("healthy"),
    Fault("100_examples", ("too_few_examples", "overfitting"), examples=100),
    Fault("1000_examples", ("too_few_examples", "overfitting"), examples=1000),
    Fault("12_templates", ("narrow_data",), examples=8000, templates=12),
    Fault("half_shuffled", ("label_noise",), shuffled=0.5),
    Fault("rate_x10", ("learning_rate_too_high", "diverged"), rate=10),
    Fault("rate_x30", ("learning_rate_too_high", "diverged"), rate=30),
    Fault("rate_x0.001", ("learning_rate_too_low", "under_trained"), rate=0.001),
    Fault("no_warmup", ("no_warmup",), nothing_if_near=True, warmup=False),
    Fault("limit", ("truncation",), limited=True),
    # Processors are slow at float16, and nothing is a number after the first steps.
    Fault("float16", ("non_finite",), half=True, steps=0.2),
    Fault("leaked", ("leakage",), leaked=True),
)


def is_right(
    fault: Fault, named: str, *, final: float | None, healthy: float | None
) -> bool:
    """Whether the cause that was named first is right.

    Args:
        fault: what the run was given.
        named: the cause, or `NOTHING`.
        final: the run's last held-out loss, None where that is no number.
        healthy: that of the healthy run of the same task and seed, likewise.
    """
    if named != NOTHING:
        return named in fault.accepted
    if not fault.accepted:
        return True
    near = final is not None and healthy is not None and final <= NEAR * healthy
    return fault.nothing_if_near and near
