"""Likert scales: each output is rated from 1 to `points` on every criterion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from harness.schemes.base import (
    Control,
    Judgement,
    Option,
    Scheme,
    schemes,
    whole_number,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.taskfile import Criterion, RatingPlan
    from harness.types import Json


@schemes.register("likert")
@dataclass(frozen=True)
class Likert(Scheme):
    """The same scale for every criterion, with anchors of its own for each."""

    criteria: tuple[Criterion, ...]
    """What is judged, in the order in which it is asked."""
    points: int
    """Highest rating; the lowest is 1."""

    @classmethod
    def of(cls, plan: RatingPlan) -> Self:
        """The scheme with the criteria of a task's rating plan."""
        return cls(tuple(plan.criteria), plan.points)

    @property
    def controls(self) -> tuple[Control, ...]:
        """One group of radio buttons for each criterion."""
        return tuple(
            Control.of(
                criterion,
                "choice",
                tuple(
                    Option(point, criterion.anchors.get(point, ""), str(point))
                    for point in range(1, self.points + 1)
                ),
            )
            for criterion in self.criteria
        )

    def judgements(
        self,
        values: Mapping[str, Json],
        texts: Sequence[str],  # noqa: ARG002 - the same for every text
    ) -> list[Judgement]:
        """One row for each criterion; see `Scheme.judgements`."""
        return [
            Judgement(
                control.name,
                position=0,
                value=whole_number(control.name, value, 1, self.points),
            )
            for control, value in self.given(values)
        ]

    def values(self, judgements: Iterable[Judgement]) -> dict[str, Json]:
        """Criterion to rating."""
        return {
            judgement.criterion: int(judgement.value)
            for judgement in judgements
            if judgement.value is not None
        }
