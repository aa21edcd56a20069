"""What the checks of a diagnosis return, and what the verdict makes of them.

Each area (data, configuration, curves, outputs, people) is checked apart and returns
`Findings`. Only the verdict joins them, so that a cause needs independent evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.logs.model import TrainingLog

CauseName = Literal[
    "narrow_data",
    "too_few_examples",
    "label_noise",
    "truncation",
    "leakage",
    "unrepresentative_data",
    "learning_rate_too_high",
    "learning_rate_too_low",
    "under_trained",
    "overfitting",
    "diverged",
    "non_finite",
    "no_warmup",
    "batch_too_small",
    "malformed_data",
    "duplicate_data",
    "conflicting_targets",
    "missing_end_marker",
    "worse_than_baseline",
    "metric_misleads",
]
CAUSES: tuple[CauseName, ...] = get_args(CauseName)
"""Every cause that can be named; part of the documented JSON."""

Area = Literal["data", "configuration", "curves", "outputs", "people"]
Status = Literal["fine", "notice", "warning", "failure"]
"""A notice is worth knowing; a warning may be a cause; a failure is likely one."""


@dataclass(frozen=True, slots=True)
class Example:
    """A row, a step or an output that shows what a check found."""

    where: str
    """File and line, step, or checkpoint and item."""
    text: str
    """What is there, shortened."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    """In snake case, unique within a diagnosis."""
    area: Area
    """What it was looked for in; findings of one area are not independent."""
    status: Status
    value: float | str | None
    """What was measured; None where a check has no single number."""
    threshold: str
    """From where on it is a finding, in words with the number."""
    source: str
    """Who says so: paper, package with version, or `measured here`."""
    says: str
    """One sentence with the numbers, for people."""
    examples: tuple[Example, ...] = ()
    """Two or three that show it."""
    weights: Mapping[CauseName, float] = field(default_factory=dict)
    """Cause to the natural logarithm of how much likelier this finding is with that
    cause than without: positive speaks for it, negative against it."""


@dataclass(frozen=True, slots=True)
class NotChecked:
    """A check that could not be made."""

    name: str
    """Its name, as in `Check`."""
    reason: str
    """What was missing, and which option would give it."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What one area's checks came to."""

    checks: tuple[Check, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the model may not be learning."""

    cause: CauseName
    alternatives: tuple[CauseName, ...]
    """Neighbours that the evidence cannot tell from it."""
    confidence: float
    """Between 0 and 1; a ranking, not a measured probability."""
    evidence: tuple[Check, ...]
    """The checks that speak for it, strongest first."""
    refute: str
    """What would show that it is not the cause."""
    next: str
    """The cheapest experiment that tells it from its neighbours."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The answer; without causes, nothing wrong was found."""

    causes: tuple[Cause, ...]
    """Most likely first."""
    checks: tuple[Check, ...]
    """All that were made."""
    not_checked: tuple[NotChecked, ...]
    """All that could not be made."""
    log: TrainingLog | None = None
    """What the curves were read from, for figures."""
