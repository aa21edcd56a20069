"""Ranking: up to five outputs are ordered from best to worst, on every criterion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from harness.errors import InputError
from harness.schemes.base import (
    Control,
    Judgement,
    Scheme,
    schemes,
    whole_number,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.taskfile import Criterion, RatingPlan
    from harness.types import Json


@schemes.register("ranking")
@dataclass(frozen=True)
class Ranking(Scheme):
    """A rank for each output, 1 for the best; equal ranks are ties.

    Relative ranking of the WMT campaigns until 2016 (Bojar et al. 2016).
    """

    together: ClassVar[int] = 5
    criteria: tuple[Criterion, ...]
    """What is judged, in the order in which it is asked."""

    @classmethod
    def of(cls, plan: RatingPlan) -> Self:
        """The scheme with the criteria of a task's rating plan."""
        return cls(tuple(plan.criteria))

    @property
    def controls(self) -> tuple[Control, ...]:
        """One row of ranks for each output, for each criterion."""
        return tuple(Control.of(criterion, "ranking") for criterion in self.criteria)

    def judgements(
        self, values: Mapping[str, Json], texts: Sequence[str]
    ) -> list[Judgement]:
        """One row for each criterion and output; see `Scheme.judgements`."""
        rows = []
        for control, ranks in self.given(values):
            if not isinstance(ranks, list) or len(ranks) != len(texts):
                raise InputError(
                    f"'{control.name}' must have a rank for each of the "
                    f"{len(texts)} outputs, not {ranks!r:.60}."
                )
            rows += [
                Judgement(
                    control.name,
                    position=position,
                    value=whole_number(control.name, rank, 1, len(texts)),
                )
                for position, rank in enumerate(ranks)
            ]
        return rows

    def values(self, judgements: Iterable[Judgement]) -> dict[str, Json]:
        """Criterion to ranks, in the order of the page."""
        ranks: dict[str, dict[int, int]] = {}
        for judgement in judgements:
            if judgement.value is not None and judgement.position is not None:
                of = ranks.setdefault(judgement.criterion, {})
                of[judgement.position] = int(judgement.value)
        return {
            name: [rank for _, rank in sorted(of.items())] for name, of in ranks.items()
        }
