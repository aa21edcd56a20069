"""Sliders: each output is rated from 0 to 100 on every criterion."""

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

HIGHEST = 100


@schemes.register("slider")
@dataclass(frozen=True)
class Slider(Scheme):
    """A line from 0 to 100 for every criterion, without a position to start from.

    Direct assessment of Graham et al. 2013, "Continuous measurement scales in human
    evaluation of machine translation".
    """

    criteria: tuple[Criterion, ...]
    """What is judged, in the order in which it is asked."""

    @classmethod
    def of(cls, plan: RatingPlan) -> Self:
        """The scheme with the criteria of a task's rating plan."""
        return cls(tuple(plan.criteria))

    @property
    def controls(self) -> tuple[Control, ...]:
        """One slider for each criterion."""
        return tuple(slider(criterion) for criterion in self.criteria)

    def judgements(
        self,
        values: Mapping[str, Json],
        texts: Sequence[str],  # noqa: ARG002 - the same for every text
    ) -> list[Judgement]:
        """One row for each criterion; see `Scheme.judgements`."""
        return [points(control, value) for control, value in self.given(values)]

    def values(self, judgements: Iterable[Judgement]) -> dict[str, Json]:
        """Criterion to rating."""
        return {
            judgement.criterion: int(judgement.value)
            for judgement in judgements
            if judgement.value is not None
        }


def slider(criterion: Criterion) -> Control:
    """A slider that asks for one criterion."""
    anchors = sorted(criterion.anchors.items())
    return Control.of(
        criterion,
        "slider",
        tuple(Option(place, label) for place, label in anchors),
    )


def points(control: Control, value: Json) -> Judgement:
    """What a slider's position says of the one output.

    Raises:
        InputError: it is no whole number from 0 to 100.
    """
    return Judgement(
        control.name, position=0, value=whole_number(control.name, value, 0, HIGHEST)
    )
