"""How a task was done, as plain values: protocols, answers, models and data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.types import Json


@dataclass(frozen=True, slots=True)
class Asked:
    """One criterion, word for word as raters read it."""

    name: str
    """Its name."""
    question: str
    """The question; empty where it is unknown."""
    definition: str
    """What it means and leaves out; may be empty."""
    anchors: Mapping[str, str]
    """Point of the scale to what it stands for."""


@dataclass(frozen=True, slots=True)
class Wave:
    """Checkpoints that joined a campaign together."""

    number: int
    """From 1."""
    joined: str
    """When, in ISO 8601."""
    checkpoints: tuple[str, ...]
    """Their labels, by series and step."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered in a campaign; each counts what a rater was shown once."""

    rated: int = 0
    """Answers that can count for results."""
    skipped: int = 0
    """Put aside by a rater."""
    changed: int = 0
    """Answered otherwise later; the later answer counts."""
    taken_back: int = 0
    """Taken back; what was answered afterwards counts."""
    anchors: int = 0
    """To outputs shown again in a later wave; they count for drift alone."""
    examples: int = 0
    """To worked examples; they never count."""
    gold: int = 0
    """To gold items; they never count."""
    repeats: int = 0
    """To what the rater had rated before; they never count."""
    degraded: int = 0
    """To damaged copies; they never count."""
    flagged: int = 0
    """Flagged for the study's owner."""
    remarks: int = 0
    """With a comment."""
    adjudicated: int = 0
    """Units settled by the study's owner; verdicts never count as ratings."""


@dataclass(frozen=True, slots=True)
class Checks:
    """How raters did where the right answer, or their own earlier one, is known."""

    gold_right: int
    """Answers to gold items that were right, of `gold`."""
    gold: int
    """Answers to gold items, one for each criterion asked."""
    repeats_same: float | None
    """Share of repeated answers that were the same again, 0 to 1; None without any."""
    repeats: int
    """Units rated twice by one rater."""
    degraded_lower: int
    """Damaged copies rated lower than their originals, of `degraded`."""
    degraded: int
    """Damaged copies that were rated, and their originals too."""


@dataclass(frozen=True, slots=True)
class CampaignProtocol:
    """A campaign: what was frozen before its first rating, and what came of it."""

    name: str
    """Unique among the task's."""
    scheme: str
    """`likert`, `slider`, `pairwise`, `ranking`, `spans`, or `imported`."""
    created: str
    """When the protocol was frozen, in ISO 8601; when ratings were imported."""
    hash: str
    """Of the protocol's content."""
    criteria: tuple[Asked, ...]
    """In the order they were asked."""
    low: float | None
    """Lower end of the scale; None where there is none or it is unknown."""
    high: float | None
    """Upper end of the scale; None likewise."""
    answers: Answers
    """What was answered."""
    raters: Mapping[str, int]
    """Number of raters who answered, by kind: `person`, `simulated`, `imported`."""
    first: str | None
    """Time of the first answer, in ISO 8601; None before it."""
    last: str | None
    """Time of the last answer."""
    instructions: str = ""
    """What raters read above everything; may be empty."""
    plan: Mapping[str, Json] = field(default_factory=dict)
    """The rating plan, as the task file had it; empty for imported ratings."""
    prompts: int = 0
    """Prompts drawn."""
    drawn_from: int = 0
    """Prompts that had outputs when these were drawn."""
    gold: int = 0
    """Gold items."""
    examples: int = 0
    """Worked examples that each rater begins with."""
    waves: tuple[Wave, ...] = ()
    """Which checkpoints joined when."""
    checks: Checks | None = None
    """How raters did on checks; None where none was answered."""

    @property
    def imported(self) -> bool:
        """Whether it was run elsewhere."""
        return self.scheme == "imported"


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a checkpoint's outputs come from."""

    checkpoint: str
    """Its label."""
    backend: str
    """What ran it; `replay` for outputs made elsewhere."""
    fingerprint: str
    """Hash of what the model is made of, by content; of names for imported outputs."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command that worked on the task."""

    command: str
    """Its name."""
    version: str
    """Of Tandem."""
    started: str
    """When, in ISO 8601."""
    finished: str | None
    """When; None if it was stopped."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a task was done."""

    campaigns: tuple[CampaignProtocol, ...] = ()
    """Oldest first; those run elsewhere as `imported`."""
    models: tuple[ModelSource, ...] = ()
    """Of each checkpoint."""
    items_fingerprint: str = ""
    """Hash of prompts, references and columns of all items."""
    task_fingerprint: str = ""
    """Hash of the task file, in its newest version."""
    task_file: Mapping[str, Json] = field(default_factory=dict)
    """Keys of the task file that say how outputs came about: `data`, `prompt` or
    `messages`, `references`, `generation`; empty for imported outputs."""
    commands: tuple[Command, ...] = ()
    """The newest for each checkpoint."""
    outdated: int = 0
    """Ratings of outputs that a later run, setting or task file has replaced."""
    asked_otherwise: int = 0
    """Ratings of an earlier question, scale or source."""
