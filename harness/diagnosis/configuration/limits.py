"""From where on a setting is unusual, who says so, and what that speaks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.diagnosis.model import Check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.diagnosis.configuration.method import Method
    from harness.diagnosis.model import CauseName, Status


@dataclass(frozen=True, slots=True)
class Band:
    """Usual learning rates of one way to train, for Adam and AdamW at their peak."""

    method: Method
    least: float
    """Parameters from which on it holds."""
    most: float
    """Parameters below which it holds."""
    low: float
    high: float
    source: str

    def outside(self, rate: float) -> float:
        """How many times above the band, or below it (as a number under 1); 1 in it."""
        return rate / min(max(rate, self.low), self.high)


SMALLEST = 50e6
"""Parameters below which no band is published: small models want higher rates."""
BANDS = (
    Band(
        *("full", 1e9, float("inf"), 5e-6, 5e-5),
        "TRL 1.16.0: 2e-5 is SFTConfig's default",
    ),
    Band(
        *("full", SMALLEST, 1e9, 1e-5, 1e-4),
        "transformers: 5e-5 is the default of TrainingArguments",
    ),
    Band(
        *("lora", SMALLEST, float("inf"), 5e-5, 5e-4),
        "Unsloth's and Predibase's guides: start at 2e-4",
    ),
    Band(
        *("preference", SMALLEST, float("inf"), 5e-7, 5e-5),
        "Unsloth's guide: 5e-6 for DPO and GRPO",
    ),
)
FAR, VERY_FAR = 3.0, 10.0
"""Times outside a band from which it is a warning, and a likely cause."""
UPPER = 0.5
"""Part of a band, by its logarithm, from which on a rate is high for no warm-up."""

SMALL_BATCH = 4
FEW_STEPS = 50
MANY_EPOCHS, VERY_MANY_EPOCHS = 5, 25
LONG_WARMUP = 0.2
LOW_RANK = 4
SCALES = (0.25, 8.0)
"""Usual alpha / r, or alpha / sqrt(r) where the rank is stabilized."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one check holds a setting against."""

    name: str
    threshold: str
    source: str
    weights: Mapping[Status, Mapping[CauseName, float]] = field(default_factory=dict)
    """Status to causes and natural logarithms of likelihood ratios."""

    def check(self, status: Status, value: float | str | None, says: str) -> Check:
        """The check with the rule's weights for that status."""
        return Check(
            name=self.name,
            area="configuration",
            status=status,
            value=value,
            threshold=self.threshold,
            source=self.source,
            says=says,
            weights=dict(self.weights.get(status, {})),
        )


OUTSIDE = f"warning {FAR:g} times outside the band, failure {VERY_FAR:g} times"
RATE_FINE = Rule(
    *("learning_rate_band", OUTSIDE, ""),
    {"fine": {"learning_rate_too_high": -1.0, "learning_rate_too_low": -1.0}},
)
RATE_HIGH = Rule(
    *("learning_rate_band", OUTSIDE, ""),
    {
        "notice": {"learning_rate_too_low": -1.5},
        "warning": {"learning_rate_too_high": 1.5, "learning_rate_too_low": -3.0},
        "failure": {"learning_rate_too_high": 3.3, "learning_rate_too_low": -3.0},
    },
)
RATE_LOW = Rule(
    *("learning_rate_band", OUTSIDE, ""),
    {
        "notice": {"learning_rate_too_high": -1.5},
        "warning": {"learning_rate_too_low": 1.5, "learning_rate_too_high": -3.0},
        "failure": {"learning_rate_too_low": 3.3, "learning_rate_too_high": -3.0},
    },
)
BATCH = Rule(
    "effective_batch_size",
    f"warning below {SMALL_BATCH} examples",
    "Unsloth's guide: about 16; Predibase's: 16 to 32; the limit is ours",
    {"warning": {"batch_too_small": 1.5}, "fine": {"batch_too_small": -2.0}},
)
STEPS = Rule(
    "optimizer_steps",
    f"warning below {FEW_STEPS}",
    "ours",
    {"warning": {"under_trained": 2.0}},
)
EPOCHS = Rule(
    "epochs",
    f"notice above {MANY_EPOCHS}, warning above {VERY_MANY_EPOCHS}",
    "Unsloth's guide: 1 to 3; OpenAI cookbook: 25 at most",
    {
        "notice": {"overfitting": 0.7},
        "warning": {"overfitting": 1.5, "under_trained": -1.5},
        "fine": {"overfitting": -0.5},
    },
)
WARMUP = Rule(
    "warmup",
    f"warning without any in the upper half of the band, or above {LONG_WARMUP:.0%}",
    "axolotl 0.19.0: 3 % by default; Unsloth's guide: 5 to 10 %",
)
NO_WARMUP = Rule(
    *(WARMUP.name, WARMUP.threshold, WARMUP.source),
    {"notice": {"no_warmup": 1.0}, "warning": {"no_warmup": 1.5}},
)
SOME_WARMUP = Rule(
    *(WARMUP.name, WARMUP.threshold, WARMUP.source),
    {
        "fine": {"no_warmup": -5.0},
        "warning": {"no_warmup": -5.0, "under_trained": 0.5},
    },
)
LENGTH = Rule(
    "sequence_length",
    "warning if an example is longer",
    "TRL 1.16.0 and LLaMA-Factory 0.9.5 cut the end off, axolotl 0.19.0 drops the row",
)
PRECISION = Rule(
    "float16_training",
    "failure for float16 weights that are trained without loss scaling",
    "measured here: not a number from the second step on; Micikevicius et al. 2018",
    {
        "fine": {"non_finite": -1.0},
        "warning": {"non_finite": 1.5},
        "failure": {"non_finite": 3.0},
    },
)
RANK = Rule(
    "adapter_rank",
    f"notice below {LOW_RANK}",
    "Hu et al. 2021 use 4 and 8; Unsloth's guide: 8 to 128",
    {"notice": {"under_trained": 0.3}},
)
TARGETS = Rule(
    "adapter_targets",
    "notice where no feed-forward block is adapted",
    "Schulman 2025, LoRA Without Regret: adapters on attention alone learn less",
    {"notice": {"under_trained": 0.3}},
)
SCALE = Rule(
    "adapter_scale",
    f"notice outside {SCALES[0]:g} to {SCALES[1]:g}",
    "Unsloth's guide: alpha of r or twice r; the limits are ours",
)
AGREE = Rule("settings_agree", "notice for any that differ", "ours")
