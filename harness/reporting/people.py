"""What a report says of the people who rated, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.quality import RaterQuality
    from harness.reporting.model import CriterionInfo
    from harness.types import Estimate


@dataclass(frozen=True, slots=True)
class Raters:
    """Who rated, how much, and how far they agree with one another."""

    kinds: Mapping[str, int]
    """Number of raters of each kind: `person`, `simulated`, `imported`."""
    ratings: int
    """Ratings that count."""
    outputs: int
    """Outputs with at least one of them."""
    seconds: float | None
    """Mean seconds for an output, all criteria together; None where unknown. Where
    nothing was rated by itself, for a comparison."""
    alpha: Mapping[str, Estimate]
    """Criterion to Krippendorff's alpha."""
    comparisons: int = 0
    """Answers that compare outputs of checkpoints rather than rate one."""

    @property
    def count(self) -> int:
        """Number of raters."""
        return sum(self.kinds.values())

    @property
    def simulated(self) -> bool:
        """Whether any of them is a program."""
        return bool(self.kinds.get("simulated"))

    @property
    def noun(self) -> str:
        """What to call them; programs are never called people."""
        if self.simulated:
            others = self.count > self.kinds["simulated"]
            return "simulated and other raters" if others else "simulated raters"
        return "people" if self.kinds.get("person") else "raters"


@dataclass(frozen=True, slots=True)
class RaterSeverity:
    """How one rater uses the scale."""

    rater: str
    """Name of the rater."""
    ratings: int
    """Outputs rated."""
    severity: float | None
    """Points given above (below 0: below) the others on the same outputs, shrunk
    towards 0 where there are few; None where nothing is shared with others."""
    noise: float | None
    """Standard deviation, in points, of what output and severity leave; None likewise
    and where the ratings are too few."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far the ratings of one criterion can be relied upon."""

    criterion: str
    """Name of the criterion."""
    ac2: Estimate
    """Gwet's AC2 with quadratic weights, where the scale has few points."""
    icc: Estimate
    """ICC(1): reliability of one rating."""
    icc_of_means: Estimate
    """ICC(1,k): reliability of an output's mean over its raters."""
    severity_sd: float | None
    """Standard deviation of severities, in points; None where it cannot be told."""
    noise_sd: float | None
    """Standard deviation of the noise of a rating, in points; None likewise."""
    raters: tuple[RaterSeverity, ...]
    """Each rater."""
    raw: Mapping[str, Estimate] = field(default_factory=dict)
    """Label of the checkpoint to mean rating as given."""
    z: Mapping[str, Estimate] = field(default_factory=dict)
    """Label of the checkpoint to mean of the raters' z-scores."""
    adjusted: Mapping[str, Estimate] = field(default_factory=dict)
    """Label of the checkpoint to mean rating less the raters' severities; empty where
    severity cannot be told."""


@dataclass(frozen=True, slots=True)
class RaterWork:
    """One rater's work in one campaign, beside the mixed model's view of it."""

    quality: RaterQuality
    """Pace, agreement, checks, and what looks wrong."""
    severity: float | None
    """Points given above the others, shrunk, mean over criteria; None if unknown."""
    noise: float | None
    """Standard deviation of what output and severity leave, in points, over all
    criteria (root mean square); None if unknown."""


@dataclass(frozen=True, slots=True)
class CampaignRaters:
    """Everybody who rated in one campaign, or elsewhere."""

    campaign: str
    """Name of the campaign; empty for ratings that none of this study asked for."""
    raters: tuple[RaterWork, ...]
    """By name."""


@dataclass(frozen=True, slots=True)
class BothWays:
    """One value of all ratings, and of those without the careless raters."""

    all: Estimate
    """With every rater."""
    without: Estimate
    """Without the careless."""


@dataclass(frozen=True, slots=True)
class Recounted:
    """What one criterion says with and without the careless raters."""

    criterion: str
    """Name of the criterion."""
    means: Mapping[str, BothWays]
    """Label of the checkpoint to mean rating."""
    alpha: BothWays
    """Krippendorff's alpha of the ratings as given."""
    kendall: Mapping[str, BothWays]
    """Signature to Kendall's tau-b with the ratings within items."""
    best: tuple[str | None, str | None]
    """Label of the checkpoint that comes first, both ways; None where fewer than two
    have a mean."""

    @property
    def turned(self) -> bool:
        """Whether another checkpoint comes first without the careless."""
        before, after = self.best
        return before is not None and after is not None and before != after


@dataclass(frozen=True, slots=True)
class RecountedChoices:
    """What comparisons by one criterion say with and without the careless raters."""

    criterion: str
    """Name of the criterion."""
    win_rates: Mapping[str, BothWays]
    """Label of the checkpoint to share of its comparisons won, 0 to 1."""
    strengths: Mapping[str, BothWays]
    """Label of the checkpoint to log-odds of winning against the average."""
    alpha: BothWays
    """Krippendorff's alpha (nominal) of the answers on the same pair."""
    best: tuple[str | None, str | None]
    """Label of the most preferred, both ways; None where nothing is left."""

    @property
    def turned(self) -> bool:
        """Whether another checkpoint is preferred without the careless."""
        before, after = self.best
        return before is not None and after is not None and before != after


@dataclass(frozen=True, slots=True)
class Recount:
    """The results without the raters whose work looks careless."""

    raters: tuple[str, ...]
    """Names of the raters left out."""
    ratings: int
    """Their ratings, of all criteria."""
    criteria: tuple[Recounted, ...]
    """Each criterion that they rated."""
    comparisons: int = 0
    """Their answers that compare outputs, of all criteria."""
    preferences: tuple[RecountedChoices, ...] = ()
    """Each criterion by which they compared outputs."""


@dataclass(frozen=True, slots=True)
class Preference:
    """How often a checkpoint was preferred."""

    win_rate: Estimate
    """Share of its comparisons won, ties counted half, 0 to 1; `n` counts them."""
    strength: Estimate
    """Log-odds of winning against the average of all; 0 is average."""


@dataclass(frozen=True, slots=True)
class Preferred:
    """What raters prefer by one criterion, where outputs were compared."""

    criterion: CriterionInfo
    """As raters were asked about it."""
    checkpoints: Mapping[str, Preference]
    """Label to how often it was preferred, of those compared, by series and step."""
    identical: int
    """Pairs of equal outputs, ties that nobody was asked about; they count."""
    ties: Estimate
    """Share of what was asked that was called equally good, 0 to 1."""
    both_bad: Estimate
    """Share of what was asked that was called equally bad, 0 to 1."""
    left: Estimate
    """Share of what was decided that the output shown first won, 0 to 1; .5 if the
    position does not matter."""
    alpha: Estimate
    """Krippendorff's alpha (nominal) of the raters' answers on the same pair."""

    @property
    def ranked(self) -> list[str]:
        """Labels, the most preferred first: by strength, if known, else win rate."""
        known = {
            label: (one.strength.value, one.win_rate.value or 0.0)
            for label, one in self.checkpoints.items()
        }
        return sorted(known, key=lambda k: (known[k][0] or 0.0, known[k][1]))[::-1]
