"""Pairwise comparison: which of two outputs is better, on every criterion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from harness.errors import InputError
from harness.schemes.base import Control, Judgement, Option, Scheme, schemes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.taskfile import Criterion, RatingPlan
    from harness.types import Json

CHOICES = (
    Option("first", "A is better", "1"),
    Option("second", "B is better", "2"),
    Option("tie", "Equally good", "3"),
    Option("both_bad", "Both are bad", "4"),
)


@schemes.register("pairwise")
@dataclass(frozen=True)
class Pairwise(Scheme):
    """A or B, equally good, or both bad; which is A is drawn for each rater."""

    together: ClassVar[int] = 2
    criteria: tuple[Criterion, ...]
    """What is judged, in the order in which it is asked."""

    @classmethod
    def of(cls, plan: RatingPlan) -> Self:
        """The scheme with the criteria of a task's rating plan."""
        return cls(tuple(plan.criteria))

    @property
    def controls(self) -> tuple[Control, ...]:
        """One group of radio buttons for each criterion."""
        return tuple(
            Control.of(
                criterion,
                "choice",
                CHOICES,
            )
            for criterion in self.criteria
        )

    def judgements(
        self,
        values: Mapping[str, Json],
        texts: Sequence[str],  # noqa: ARG002 - the same for every text
    ) -> list[Judgement]:
        """One row for each criterion; see `Scheme.judgements`."""
        known = [option.value for option in CHOICES]
        rows = []
        for control, value in self.given(values):
            if value not in known:
                raise InputError(
                    f"'{control.name}' must be one of {', '.join(map(str, known))}, "
                    f"not {value!r:.60}."
                )
            rows.append(Judgement(control.name, choice=value))
        return rows

    def values(self, judgements: Iterable[Judgement]) -> dict[str, Json]:
        """Criterion to choice."""
        return {
            judgement.criterion: judgement.choice
            for judgement in judgements
            if judgement.choice is not None
        }
