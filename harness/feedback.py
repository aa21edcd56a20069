"""What a rater is told after a worked example of the training round."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeedbackLine:
    """One question of an example: what the rater said, what was expected."""

    question: str
    """The question as the page asked it."""
    given: str
    """The rater's answer, in words."""
    expected: str
    """The answer that the task's author expected, in words."""
    right: bool
    """Whether the two agree as far as the task asks for."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the page shows before the rater goes on; never stored, never a number."""

    right: bool
    """Whether every line is right."""
    lines: tuple[FeedbackLine, ...]
    """One for each question that the example has an answer to."""
    explanation: str
    """Why, in the words of the task's author; may be empty."""
