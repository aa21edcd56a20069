"""What a plan says, as plain values that every rendering reads."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from harness.stats.sharpened import LIKE_THESE

if TYPE_CHECKING:
    from harness.stats.sharpened import Estimand
    from harness.types import Json


@dataclass(frozen=True, slots=True)
class Need:
    """What one way of rating takes to reach the power."""

    estimand: Estimand
    """What the interval would be about."""
    raters: int
    """Raters of each output."""
    metric: bool
    """Whether the best metric helps."""
    prompts: int | None
    """Prompts to rate for both checkpoints; None if all there are do not suffice."""
    low: int | None
    """The same if ratings vary as little as they may."""
    high: int | None
    """The same if they vary as much as they may; None as above."""
    ratings: int | None
    """Ratings, or comparisons, of all raters together; None as above."""
    minutes: float | None
    """Time for them, of all raters together; None where the pace is unknown."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Power over prompts, for prompts like these."""

    raters: int
    """Raters of each output."""
    metric: bool
    """Whether the best metric helps."""
    prompts: tuple[int, ...]
    """Rated prompts."""
    power: tuple[float, ...]
    """Chance to find the difference, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What the plan rests on."""

    measured: bool
    """Whether ratings of the study told the variances; else they are typical ones."""
    source: str
    """Where typical ones were measured; empty if they are the study's."""
    prompts: int
    """Prompts rated so far, whatever the pair of checkpoints."""
    pairs: int
    """Pairs of checkpoints that were pooled."""
    item_sd: float
    """Standard deviation of true differences from prompt to prompt, in points."""
    rater_sd: float
    """Standard deviation of what one rater adds to a prompt's difference, in points."""
    severity_sd: float | None
    """Standard deviation of raters' severities; None where it is unknown."""
    shared: float | None
    """How far the same raters rated both outputs of a pair, 0 to 1; None as above."""
    split: bool
    """Whether the study told prompts' and raters' shares of the variance apart."""
    metric: str | None
    """The metric that helps most; None without one."""
    r2: float
    """Share of the variance of one rater's differences that it explains on prompts
    which it was not chosen on, 0 to 1."""
    worth: int
    """Prompts of one rater that it saves where many more prompts are scored than
    rated."""
    seconds: float | None
    """Median time of a rater for a page, with all its criteria; None if unknown."""
    simulated: bool
    """Whether a program gave the ratings."""
    default: str | None = None
    """The metric that reports and gates take where none is named; None: none can."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many prompts and raters find a difference of two checkpoints."""

    task: str
    """Name of the task."""
    criterion: str
    """What raters judge."""
    kind: Literal["difference", "win rate"]
    """Of mean ratings, or from 0.5 where outputs are compared directly."""
    detect: float
    """The difference, in points, or of the win rate from 0.5."""
    power: float
    """Chance to find it, 0 to 1."""
    total: int
    """Prompts that the task has."""
    wanted: int
    """Prompts of a campaign, as the task file says."""
    basis: Basis
    """What is known of the variance."""
    needs: tuple[Need, ...]
    """By estimand, then without and with the metric, then raters."""
    finds: tuple[tuple[int, float], ...]
    """Raters, and the difference that `wanted` prompts find with them and the power."""
    curves: tuple[Curve, ...]
    """Without and with the metric, then by raters."""

    def need(
        self, raters: int, *, metric: bool = False, estimand: Estimand = LIKE_THESE
    ) -> Need:
        """One of the needs; of a metric that there is not, the same without."""
        [*_, found] = [
            one
            for one in self.needs
            if (one.raters, one.estimand) == (raters, estimand) and one.metric <= metric
        ]
        return found

    def as_json(self) -> dict[str, Json]:
        """All fields by name."""
        return asdict(self)
