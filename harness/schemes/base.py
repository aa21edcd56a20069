"""What a rating scheme is: the controls of a page, and what answers to them mean."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from harness.errors import InputError
from harness.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.taskfile import Criterion, RatingPlan
    from harness.types import Json

Kind = Literal["choice", "slider", "ranking", "spans"]


@dataclass(frozen=True, slots=True)
class Option:
    """One of the answers that a control offers, or a named place of a slider."""

    value: int | str
    """What is stored if it is chosen."""
    label: str
    """What it means, in words; may be empty."""
    key: str = ""
    """The key that chooses it; empty where no single one does."""


@dataclass(frozen=True, slots=True)
class Control:
    """One question of the rating page."""

    name: str
    """Name of the criterion."""
    kind: Kind
    """How it is drawn: `choice` is a group of radio buttons, `slider` a line without
    a position until it is touched, `ranking` a rank for each output, `spans` marks
    in the output's text."""
    question: str
    """What the rater is asked."""
    definition: str
    """What counts and what does not; may be empty."""
    options: tuple[Option, ...] = ()
    """The answers, in the order in which they are drawn; a slider's anchors."""
    required: bool = True
    """Whether an answer must be given before the page can be sent."""

    @classmethod
    def of(
        cls, criterion: Criterion, kind: Kind, options: tuple[Option, ...] = ()
    ) -> Self:
        """The control that asks for a criterion."""
        question, definition = criterion.question, criterion.definition
        return cls(criterion.name, kind, question, definition, options)

    def in_words(self, value: Json) -> str:
        """An answer as its rater would say it."""
        if self.kind == "spans":
            counts = Counter(mark["severity"] for mark in value or [])
            said = [f"{counts[name]} {name}" for name in sorted(counts)]
            return ", ".join(said) or "none"
        if self.kind == "ranking":
            ranks = zip("ABCDE", value, strict=False)
            return ", ".join(f"{letter} {rank}" for letter, rank in ranks)
        label = next((one.label for one in self.options if one.value == value), "")
        if isinstance(value, str):
            return label or value
        return f"{value} {label}".strip()


@dataclass(frozen=True, slots=True)
class Span:
    """An error that a rater marked in an output."""

    severity: Literal["minor", "major"]
    """How bad it is."""
    start: int | None = None
    """First character, from 0, in Unicode code points; None if something is missing
    from the output."""
    end: int | None = None
    """Character after the last; None as above."""


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
    spans: tuple[Span, ...] | None = None
    """Errors marked in the output; None where none are asked for."""


class Scheme(ABC):
    """A way to ask people about outputs. It is data: the page draws its controls."""

    together: ClassVar[int] = 1
    """Most outputs that are shown together."""
    criteria: tuple[Criterion, ...]

    @classmethod
    @abstractmethod
    def of(cls, plan: RatingPlan) -> Self:
        """The scheme with the criteria of a task's rating plan."""

    @property
    @abstractmethod
    def controls(self) -> tuple[Control, ...]:
        """The questions of the page, in order."""

    @abstractmethod
    def judgements(
        self, values: Mapping[str, Json], texts: Sequence[str]
    ) -> list[Judgement]:
        """What an answer adds to the ratings.

        Args:
            values: control name to answer, as the page sent it; nothing about it is
                taken for granted.
            texts: the shown outputs, in the order of the page.

        Raises:
            InputError: a control has no answer, or one that it does not offer.
        """

    @abstractmethod
    def values(self, judgements: Iterable[Judgement]) -> dict[str, Json]:
        """The answer that those rows came from; they are in any order."""

    def given(self, values: Mapping[str, Json]) -> list[tuple[Control, Json]]:
        """Each control with its answer, None where an optional one has none.

        Raises:
            InputError: a required answer is missing, or one is to no control.
        """
        names = [control.name for control in self.controls]
        if unknown := sorted(set(values) - set(names)):
            raise InputError(
                f"There is no criterion '{unknown[0]}'; "
                f"there is: {', '.join(names)}. Load the page again."
            )
        for control in self.controls:
            if control.required and values.get(control.name) is None:
                raise InputError(
                    f"'{control.name}' has no rating yet; choose one first."
                )
        return [(control, values.get(control.name)) for control in self.controls]


def whole_number(name: str, value: Json, low: int, high: int) -> int:
    """A whole number between two bounds, which belong to it.

    Raises:
        InputError: it is none; the message names the control.
    """
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not low <= value <= high:
        raise InputError(
            f"'{name}' must be a whole number from {low} to {high}, not {value!r:.60}."
        )
    return int(value)


schemes: Registry[type[Scheme]] = Registry("rating scheme")
"""Every rating scheme by the name that task files give it."""
