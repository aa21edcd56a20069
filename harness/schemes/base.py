"""What a rating scheme is: the controls of a page, and what answers to them mean."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from harness.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.taskfile import RatingPlan
    from harness.types import Json


@dataclass(frozen=True, slots=True)
class Option:
    """One of the answers that a control offers."""

    value: int | str
    """What is stored if it is chosen."""
    label: str
    """What it means, in words; may be empty."""
    key: str
    """The key that chooses it."""


@dataclass(frozen=True, slots=True)
class Control:
    """One question of the rating page."""

    name: str
    """Name of the criterion."""
    kind: Literal["choice"]
    """How it is drawn: `choice` is a group of radio buttons."""
    question: str
    """What the rater is asked."""
    definition: str
    """What counts and what does not; may be empty."""
    options: tuple[Option, ...]
    """The answers, in the order in which they are drawn."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One row that an answer adds to the ratings."""

    criterion: str
    """Name of the criterion."""
    position: int | None = None
    """Which of the shown outputs it judges, from 0; None if all of them together."""
    value: float | None = None
    """The number given; None where the scheme has no numbers."""
    choice: str | None = None
    """`first`, `second`, `tie` or `both_bad`; None where nothing is compared."""


class Scheme(ABC):
    """A way to ask people about outputs. It is data: the page draws its controls."""

    outputs: ClassVar[int] = 1
    """Outputs that are shown together."""

    @classmethod
    @abstractmethod
    def of(cls, plan: RatingPlan) -> Self:
        """The scheme with the criteria of a task's rating plan."""

    @property
    @abstractmethod
    def controls(self) -> tuple[Control, ...]:
        """The questions of the page, in order."""

    @abstractmethod
    def judgements(self, values: Mapping[str, Json]) -> list[Judgement]:
        """What an answer adds to the ratings, one row for each criterion.

        Args:
            values: control name to the value of the chosen option, as the page sent
                it; nothing about it is taken for granted.

        Raises:
            InputError: a control has no answer, or one that it does not offer.
        """

    @abstractmethod
    def values(self, judgements: Iterable[Judgement]) -> dict[str, Json]:
        """The answer that those rows came from."""


schemes: Registry[type[Scheme]] = Registry("rating scheme")
"""Every rating scheme by the name that task files give it."""
