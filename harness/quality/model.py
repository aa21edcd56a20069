"""What is said of a rater's work, and of raters who change between waves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.types import Estimate

if TYPE_CHECKING:
    from harness.types import Json


@dataclass(frozen=True, slots=True)
class Hits:
    """How often a rater passed a check."""

    hits: int
    """Checks passed, 0 to `shown`."""
    shown: int
    """Checks that the rater answered and that could be decided."""
    p: float | None = None
    """One-sided chance of as many hits from somebody who answers at random; None
    where nothing was decided."""

    @property
    def share(self) -> float | None:
        """Hits of those shown, 0 to 1; None if there is none."""
        return self.hits / self.shown if self.shown else None


@dataclass(frozen=True, slots=True)
class Repeats:
    """How a rater answered what they had answered before."""

    shown: int
    """Units that were shown to them again and rated again."""
    same: float | None
    """Share of answers that were the same again, 0 to 1; None without repeats."""
    difference: float | None
    """Mean absolute difference between first and second answer, in points of the
    scale; in comparisons 0 is the same preference again and 1 the opposite one."""
    by_chance: float | None
    """What `difference` would be had the rater dealt out their own answers at random;
    None without repeats."""


@dataclass(frozen=True, slots=True)
class RaterQuality:
    """One rater's work in one campaign. It is shown, and never acted upon."""

    rater: str
    """Name of the rater."""
    kind: str
    """`person`, `simulated` or `imported`."""
    rated: int
    """Units rated, checks included."""
    skipped: int
    """Units put aside."""
    flagged: int
    """Units flagged for the owner of the study."""
    seconds: float | None
    """Median time for a unit; None if unknown."""
    agreement: Estimate
    """Correlation (Pearson) of the rater's answers with the mean of the others' on the
    same units, mean over criteria, -1 to 1; `n` counts units."""
    severity: Estimate
    """Mean difference from the others on the same units, in points of the scale; below
    0 is more severe. Undefined in comparisons, `n` counts units."""
    gold: Hits
    """Answers to gold items that were right, one for each criterion asked."""
    repeats: Repeats
    """Units shown twice."""
    degraded: Hits
    """Damaged copies that were rated lower than what they are copies of; a sign test,
    ties left out, gives `p`."""
    longest_run: int
    """Most units in a row with the same answer to every question; 0 where the order is
    unknown."""
    commonest: float | None
    """Share of the most frequent answer, 0 to 1; None before the first."""
    left: Estimate
    """Of the decided comparisons of two, the share in which left was preferred;
    undefined elsewhere. `n` counts units."""
    warnings: tuple[str, ...] = ()
    """What looks wrong, in plain words; the thresholds are in
    `harness.quality.warnings`."""
    careless: bool = False
    """Whether any of them is of more than severity, which a model can take out."""

    def as_json(self) -> dict[str, Json]:
        """The form in which it is printed."""
        plain: dict[str, Json] = {}
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, Estimate):
                value = value.as_json()
            elif isinstance(value, Hits | Repeats):
                value = {part: getattr(value, part) for part in value.__slots__}
            plain[name] = list(value) if isinstance(value, tuple) else value
        return plain


@dataclass(frozen=True, slots=True)
class Drift:
    """How differently the same outputs were judged in an earlier and a later wave."""

    campaign: str
    """Name of the campaign."""
    wave: int
    """The later wave, from 2."""
    criterion: str
    """What was asked."""
    difference: Estimate
    """Later minus earlier mean of the anchors, in points of the scale; in comparisons
    the change, -1 to 1, of how often the later checkpoint was preferred. `n` counts
    anchors."""
    p: float | None
    """Two-sided, that nothing changed; None without anchors that both waves rated."""
    same_raters: Estimate = field(default_factory=lambda: Estimate(None))
    """The same from raters alone who judged an anchor in both waves."""
    same_raters_p: float | None = None
    """Two-sided p of that."""

    def as_json(self) -> dict[str, Json]:
        """The form in which it is printed."""
        return {
            "campaign": self.campaign,
            "wave": self.wave,
            "criterion": self.criterion,
            "difference": self.difference.as_json(),
            "p": self.p,
            "same_raters": self.same_raters.as_json(),
            "same_raters_p": self.same_raters_p,
        }
