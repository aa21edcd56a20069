"""Two checkpoints on the same items, as plain values that every rendering reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from harness.reporting.combined import Combined
    from harness.types import Estimate

LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Compared:
    """Two checkpoints by one metric or criterion; the second minus the first."""

    kind: Literal["metric", "criterion"]
    """Whether a program or raters judged."""
    name: str
    """The criterion, or the metric's short name."""
    label: str
    """The criterion, or the shortest name that tells the metric from the others."""
    signature: str
    """The metric with all its settings; the criterion again."""
    higher_is_better: bool
    """Whether more of it is better."""
    directed: bool
    """False where neither more nor less is better."""
    difference: Estimate
    """Second minus first on shared items, with its paired bootstrap interval.

    `n` counts the shared items and `dropped` those that only one checkpoint was judged
    on, or none; `method` also says what `p` rests on, or why there is no value.
    """
    p: float | None
    """Two-sided: by approximate randomisation, or by t of ratings and scores together;
    None where there is no difference."""
    p_holm: float | None
    """The same, adjusted for the number of metrics and criteria compared."""
    wins: int | None
    """Items on which the second is better; None for a metric of all outputs, or one
    without direction."""
    ties: int | None
    """Items on which they are equal; None as above."""
    losses: int | None
    """Items on which the first is better; None as above."""

    @property
    def better(self) -> Literal["first", "second"] | None:
        """Who is better by the adjusted p; None if that is not clear."""
        if self.p_holm is None or self.p_holm > LEVEL or not self.difference.value:
            return None
        if not self.directed:
            return None
        ahead = (self.difference.value > 0) == self.higher_is_better
        return "second" if ahead else "first"


@dataclass(frozen=True, slots=True)
class Changed:
    """An item whose score changed much from the first to the second checkpoint."""

    item: str
    """Key of the item."""
    prompt: str
    """Its prompt."""
    references: tuple[str, ...]
    """Right answers; may be empty."""
    first: str
    """What the first checkpoint wrote."""
    second: str
    """What the second checkpoint wrote."""
    gain: float
    """Score of the second minus that of the first; above 0 is better."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two checkpoints on one task."""

    task: str
    """Name of the task."""
    first: str
    """Label of the first checkpoint."""
    second: str
    """Label of the second checkpoint."""
    rows: tuple[Compared, ...]
    """Criteria, then metrics, in the order of the study."""
    changed_by: str | None
    """Signature of the metric that orders `changed`: the first by which an item
    changed; None if there is none."""
    changed: tuple[Changed, ...]
    """Items that changed most, the largest change first."""
    simulated: bool
    """Whether ratings among these were made up by a program."""
    notes: tuple[str, ...] = ()
    """What limits what can be said, say a metric that cannot be rebuilt."""
    combined: tuple[Combined, ...] = ()
    """By each criterion, ratings alone and together with the scores of one metric."""
    helper: str = ""
    """Label of that metric; empty where there is none."""
