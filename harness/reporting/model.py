"""What a report says, as plain values that every rendering reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, overload

from harness.reporting.protocol import Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from harness.quality import RaterQuality
    from harness.reporting.combined import Combined
    from harness.reporting.lead import Lead
    from harness.reporting.learning import LearningCurve
    from harness.reporting.people import (
        CampaignRaters,
        Preferred,
        Raters,
        Recount,
        Reliability,
    )
    from harness.reporting.targets import Human
    from harness.stats.ceiling import Ceiling
    from harness.stats.correlation import Coefficients, Segment
    from harness.types import Estimate, Json

    Floats = NDArray[np.float64]

Subject = Literal["outputs", "likelihoods", "whole"]
Direction = Literal["metric", "raters"]


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """A metric as the report names it."""

    signature: str
    """Name, settings and version."""
    name: str
    """The first part of the signature."""
    label: str
    """The name, with the settings that tell it from others of that name."""
    unit: str = ""
    """`%`, `bits`, ...; empty for a plain number."""
    higher_is_better: bool = True
    """Whether more of it is better."""
    directed: bool = True
    """False where neither more nor less is better."""
    of: Subject = "outputs"
    """What it judges: single outputs, likelihoods of given texts, or all together."""

    @property
    def sign(self) -> int:
        """-1 turns values so that more is better, as 1 does for the others."""
        return 1 if self.higher_is_better else -1


@dataclass(frozen=True, slots=True)
class CriterionInfo:
    """A criterion as raters were asked about it."""

    name: str
    """Unique within the task."""
    question: str = ""
    """What raters read; empty where that is unknown."""
    definition: str = ""
    """What the criterion means and leaves out."""
    low: float | None = None
    """Lower end of the scale; None where that is unknown."""
    high: float | None = None
    """Upper end of the scale; None where that is unknown."""


@dataclass(frozen=True, slots=True)
class CheckpointReport:
    """What metrics and raters say of one checkpoint."""

    name: str
    """Unique within its series."""
    series: str
    """The training run."""
    step: int | None
    """Optimiser steps taken; None where that is unknown."""
    label: str
    """The name, with its series if the report has several."""
    outputs: int
    """Outputs that count."""
    metrics: Mapping[str, Estimate]
    """Signature to corpus value."""
    human: Mapping[str, Estimate]
    """Criterion to mean rating."""
    prompts_cut: int = 0
    """Outputs whose prompt was cut to fit the model."""
    used: Mapping[str, Json] = field(default_factory=dict)
    """What its answers were made with, say its dtype; empty where unknown."""
    configuration: Mapping[str, Json] = field(default_factory=dict)
    """How it was trained, as files of its folder say; empty where unknown."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What metrics say of a trivial answer, to hold checkpoints against."""

    name: str
    """What the answer is."""
    metrics: Mapping[str, Estimate]
    """Signature to corpus value."""


@dataclass(frozen=True, slots=True)
class Parting:
    """A stretch of training over which a metric and the raters part ways."""

    series: str
    """The training run."""
    start: str
    """Label of the checkpoint that it begins with."""
    end: str
    """Label of the checkpoint that it ends with."""
    steps: tuple[int, int]
    """Steps of both."""
    to_the_end: bool
    """Whether no later checkpoint of the series has a step."""
    signature: str
    """The metric."""
    criterion: str
    """The criterion."""
    metric: Estimate
    """How the metric changed, on shared items; turned so that above 0 is better."""
    ratings: Estimate
    """How the mean rating changed, on shared items."""


@dataclass(frozen=True, slots=True)
class MetricAgreement:
    """How far one metric agrees with the raters on one criterion.

    Metrics whose lower values are better are turned, so that above 0 is agreement.
    """

    metric: str
    """The metric's short name."""
    signature: str
    """The metric with all its settings."""
    criterion: str
    """The criterion."""
    system: Coefficients
    """Of the checkpoints' means."""
    pairwise_accuracy: Estimate
    """Share of checkpoint pairs that both put in the same order."""
    spa: Estimate
    """Soft pairwise accuracy: likewise, by how sure both are of the order."""
    segment: Mapping[str, Segment]
    """`none`: over all outputs; `item`: across checkpoints within an item, averaged;
    `system`: across items within a checkpoint, averaged."""
    ceiling: Ceiling
    """How well the metric, and each left-out rater, agree with the other raters."""


@dataclass(frozen=True, slots=True)
class MetricClusters:
    """Which metrics agree better with raters than others, within items."""

    criterion: str
    """The criterion."""
    ranks: Mapping[str, int | None]
    """Signature to number of its cluster, 1 the best; None where it is undefined.
    Empty where nothing was tested."""
    n: int
    """Outputs that raters and all metrics judged."""
    dropped: int
    """Other rated outputs."""
    method: str
    """How it was tested, or why not."""


@dataclass(frozen=True, slots=True)
class RatedOutput:
    """An output with what its raters and the metrics say of it."""

    checkpoint: str
    """Label of the checkpoint."""
    item: str
    """Key of the item."""
    sample: int
    """Number of the sample, from 0."""
    prompt: str
    """The rendered prompt."""
    references: tuple[str, ...]
    """Right answers; may be empty."""
    text: str
    """What the checkpoint wrote."""
    scores: Mapping[str, float]
    """Signature to score; without metrics that could not judge it."""
    ratings: Mapping[str, float]
    """Criterion to mean rating."""
    given: Mapping[str, tuple[tuple[str, float], ...]] = field(default_factory=dict)
    """Criterion to each rater's name and rating."""


@dataclass(frozen=True, slots=True, eq=False)
class RatedOutputs(Sequence[RatedOutput]):
    """Every output that was rated, each made when it is asked for: there may be many.

    Equal to a sequence that holds equal outputs.
    """

    made: Callable[[int], RatedOutput]
    """The output at a place."""
    size: int
    """How many there are."""
    scores: Mapping[str, Floats]
    """Signature to scores, shape (outputs,); NaN where the metric judged none."""
    ratings: Mapping[str, Floats]
    """Criterion to mean ratings, shape (outputs,); NaN where there is none."""

    def __len__(self) -> int:
        """How many there are."""
        return self.size

    @overload
    def __getitem__(self, at: int) -> RatedOutput: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[RatedOutput, ...]: ...
    def __getitem__(self, at: int | slice) -> RatedOutput | tuple[RatedOutput, ...]:
        """One or several of them."""
        places = range(self.size)[at]
        if isinstance(places, range):
            return tuple(map(self.made, places))
        return self.made(places)

    def __eq__(self, other: object) -> bool:
        """Whether the other sequence holds the same."""
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An output that a metric and the raters see differently."""

    criterion: str
    """The criterion."""
    signature: str
    """The metric."""
    higher: Direction
    """Who ranks the output higher among all that are rated."""
    metric_rank: float
    """The metric's midrank of it among the rated outputs, 0 (worst) to 1 (best)."""
    rating_rank: float
    """The raters' midrank of it, likewise."""
    output: RatedOutput
    """The output."""


@dataclass(frozen=True, slots=True)
class TaskReport:
    """All that is known of one task."""

    task: str
    """Name of the task."""
    description: str
    """What the task is; may be empty."""
    items: int
    """Items that count."""
    metrics: tuple[MetricInfo, ...]
    """Columns of the metrics, in the order of the newest run."""
    criteria: tuple[CriterionInfo, ...]
    """Columns of the ratings, in the order they were asked."""
    checkpoints: tuple[CheckpointReport, ...]
    """By series and step."""
    baselines: tuple[Baseline, ...]
    """Trivial answers."""
    leads: tuple[Lead, ...]
    """Best against next best, for each criterion and metric, and by choices."""
    agreement: tuple[MetricAgreement, ...]
    """For each metric with a value per output, and each criterion."""
    raters: Raters
    """Who rated."""
    disagreements: tuple[Disagreement, ...]
    """By criterion and metric, the one that follows raters best first; the most
    extreme first in each direction."""
    rated: Sequence[RatedOutput]
    """Every output that was rated, for figures."""
    sentences: tuple[str, ...]
    """The verdict: what is known, and what to do next."""
    notes: tuple[str, ...]
    """What is missing or limits what can be said."""
    has_outputs: bool = True
    """Whether the task asks for outputs, or for likelihoods only."""
    partings: tuple[Parting, ...] = ()
    """Where metrics and raters part ways over training, the surest first."""
    reaches: Mapping[tuple[bool, str], Estimate] = field(default_factory=dict)
    """Whether raters judged, and the criterion or signature, to how far the best
    of the checkpoints with steps is above the worst."""
    clusters: tuple[MetricClusters, ...] = ()
    """For each criterion, where several metrics and checkpoints can be compared."""
    preferred: tuple[Preferred, ...] = ()
    """For each criterion by which outputs were compared."""
    reliability: tuple[Reliability, ...] = ()
    """For each criterion by which outputs were rated by themselves."""
    rater_notes: tuple[str, ...] = ()
    """Those of the notes that say whose work looks wrong, and of drift."""
    human: Human = "raw"
    """What counts as people's judgment wherever it is used."""
    campaigns: tuple[CampaignRaters, ...] = ()
    """How each rater worked, by campaign."""
    recount: Recount | None = None
    """The results without careless raters; None where nobody looks careless."""
    protocol: Protocol = field(default_factory=Protocol)
    """What raters were asked, of what, and what outputs were made with."""
    combined: tuple[Combined, ...] = ()
    """By criterion: ratings alone, and together with the scores of one metric."""
    learning: tuple[LearningCurve, ...] = ()
    """What training logged, by series."""

    @property
    def simulated(self) -> bool:
        """Whether a rating that counts comes from a program."""
        return self.raters.simulated

    @property
    def careless(self) -> list[RaterQuality]:
        """The raters whose work looks careless, by campaign."""
        everybody = (one.quality for of in self.campaigns for one in of.raters)
        return [one for one in everybody if one.careless]

    @property
    def verdict(self) -> str:
        """Two plain sentences; opens with `SIMULATED: ` if any rating is."""
        return " ".join(self.sentences)

    def leads_of(
        self, kind: Literal["metric", "criterion", "preference"]
    ) -> list[Lead]:
        """Best against next best by metrics, ratings or choices."""
        return [lead for lead in self.leads if lead.kind == kind]

    def metric(self, signature: str) -> MetricInfo:
        """The metric of that signature."""
        return next(info for info in self.metrics if info.signature == signature)


@dataclass(frozen=True, slots=True)
class Report:
    """Metrics and raters side by side, task by task."""

    study: str
    """Name of the study file."""
    tasks: tuple[TaskReport, ...]
    """In the order the tasks were first seen."""
    draws: int
    """Resamples behind each interval."""
    seed: int
    """Seed of the resamples."""
    versions: Mapping[str, str]
    """Package to version, of those that the numbers depend on."""
    human: Human = "raw"
    """What counts as people's judgment: ratings as given, z-scores, or adjusted."""

    @property
    def simulated(self) -> bool:
        """Whether a rating that counts comes from a program."""
        return any(task.simulated for task in self.tasks)
