"""What a gate is asked, and what it answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from harness.stats.sharpened import LIKE_THESE

if TYPE_CHECKING:
    from harness.stats.sharpened import Estimand
    from harness.types import Estimate, Json

Kind = Literal["metric", "criterion", "preference"]
Outcome = Literal["better", "worse", "not clear", "cannot tell"]
Require = Literal["not-worse", "better"]
OnMissing = Literal["pass", "fail"]

REQUIRED: tuple[Require, ...] = ("not-worse", "better")
MISSING: tuple[OnMissing, ...] = ("pass", "fail")


@dataclass(frozen=True, slots=True)
class Asked:
    """One condition, as it is given."""

    on: str
    """A criterion, or a metric's short name or signature."""
    threshold: float | None
    """What is to be reached, on the scale of `on`; None: another checkpoint's value."""
    min_difference: float
    """How far the baseline is to be surpassed; below 0, what it may be missed by."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What all conditions are judged by."""

    require: Require = "not-worse"
    """`not-worse`: fail where the interval says worse; `better`: pass only where it
    says better."""
    on_missing: OnMissing | None = None
    """Where there is no interval; None: pass if not worse is enough, else fail."""
    adjust: bool = True
    """Whether several conditions share the rate of false alarms (Holm)."""
    estimand: Estimand = LIKE_THESE
    """What intervals of ratings are about."""
    metric: str | None = None
    """The metric that may sharpen ratings; None: the first that can; `none`: none."""
    draws: int = 4000
    """Resamples behind the interval of a metric."""
    seed: int = 0
    """Seed of the resamples."""

    @property
    def missing_passes(self) -> bool:
        """Whether a condition without an interval passes."""
        if self.on_missing is None:
            return self.require == "not-worse"
        return self.on_missing == "pass"


@dataclass(frozen=True, slots=True)
class Gain:
    """How far the candidate is ahead, by one metric or criterion."""

    estimate: Estimate
    """Of the candidate less that of the baseline, or less the threshold. Above 0 is
    better, also where less of a metric is better."""
    df: float | None = None
    """Degrees of freedom by which the interval was made; None: as of a normal."""
    notes: tuple[str, ...] = ()
    """What limits it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One condition on one task, with the numbers that decided it."""

    task: str
    """Name of the task."""
    on: str
    """The criterion, or the shortest name that tells the metric from others."""
    kind: Kind
    """Whether a program judged, people rated, or people compared."""
    signature: str
    """The metric with all its settings; the criterion again."""
    higher_is_better: bool
    """Whether more of it is better."""
    candidate: str
    """Label of the checkpoint that is tested."""
    baseline: str | None
    """Label of the one that it is held against; None where that is a threshold."""
    threshold: float | None
    """What it is held against; None where that is a checkpoint."""
    min_difference: float
    """The gain that is asked for; 0 with a threshold."""
    gain: Estimate
    """Candidate less baseline or threshold; above 0 is better. 95 % interval."""
    p: float | None
    """One-sided, of what decides: of being no worse, or of being no better."""
    p_adjusted: float | None
    """The same after Holm's adjustment, where that is made."""
    outcome: Outcome
    """What the interval says."""
    passed: bool
    """Whether the condition is met."""
    why: str
    """The reason, in a clause."""
    notes: tuple[str, ...] = ()
    """What limits it."""

    def as_json(self) -> dict[str, Json]:
        """All fields by name."""
        return {**asdict(self), "gain": self.gain.as_json(), "notes": list(self.notes)}


@dataclass(frozen=True, slots=True)
class GateResult:
    """The answer of a gate."""

    verdicts: tuple[Verdict, ...]
    """Task by task, in the order in which conditions were given; one at least."""
    rules: Rules
    """What they were judged by."""
    simulated: bool
    """Whether ratings that decided were made up by a program."""

    @property
    def passed(self) -> bool:
        """Whether every condition is met."""
        return all(one.passed for one in self.verdicts)

    def as_json(self) -> dict[str, Json]:
        """In a form that stays stable over versions."""
        return {
            "version": 1,
            "passed": self.passed,
            "rules": asdict(self.rules),
            "simulated": self.simulated,
            "conditions": [one.as_json() for one in self.verdicts],
        }
