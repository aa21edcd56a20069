"""What trackers are told: values with intervals by step, and sample outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.metrics.signatures import labels
from harness.reporting.estimates import Estimator, Resampling, rebuild
from harness.reporting.evidence import gather
from harness.reporting.formats import shortened, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.reporting.evidence import Evidence
    from harness.study import StudyFile
    from harness.types import Checkpoint, Estimate

SHOWN = 5
"""Items of a task whose outputs are shown: the first."""
LONGEST = 4_000
"""Letters shown of a text."""
Known = dict[tuple[str, str], tuple["State", "Mapping[str, Estimate]"]]
"""Task and id of a checkpoint to what its values rest on, and the values."""
State = tuple[object, ...]
"""Equal where outputs, references and scores of a checkpoint are."""
IN_ORDER = "SELECT id FROM checkpoints ORDER BY created, rowid"


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a series at a step."""

    series: str
    """The training run."""
    step: int
    """Optimizer steps taken."""
    name: str
    """`harness/TASK/METRIC`, or `harness/TASK/human/CRITERION`; `simulated` in place of
    `human` where a program gave ratings."""
    value: float
    """As reports have it."""
    low: float | None = None
    """Lower end of its interval; None where there is none."""
    high: float | None = None
    """Upper end."""

    def scalars(self, between: str = "/") -> dict[str, float]:
        """The value by its name, its ends with `low` and `high` after it."""
        ends = {"low": self.low, "high": self.high}
        found = {self.name: self.value}
        return found | {
            f"{self.name}{between}{end}": value
            for end, value in ends.items()
            if value is not None
        }


@dataclass(frozen=True, slots=True)
class Sample:
    """What a checkpoint wrote for one item."""

    series: str
    """The training run."""
    step: int
    """Optimizer steps taken."""
    task: str
    """Name of the task."""
    item: str
    """Key of the item."""
    prompt: str
    """What the model read; not too long, as all texts here."""
    reference: str
    """The first right answer; empty where there is none."""
    output: str
    """What it wrote."""

    @property
    def name(self) -> str:
        """`harness/TASK/sample/ITEM`."""
        return f"harness/{self.task}/sample/{self.item}"

    def markdown(self) -> str:
        """The texts as blocks of code, so that nothing in them is drawn or loaded."""
        parts = {"Prompt": self.prompt, "Reference": self.reference}
        parts = {title: text for title, text in parts.items() if text}
        parts["Output"] = self.output
        return "\n\n".join(f"{title}:\n\n{_code(t)}" for title, t in parts.items())


@dataclass(frozen=True, slots=True)
class History:
    """All that trackers show of a study."""

    study: str
    """Its name."""
    points: tuple[Point, ...]
    """By series, step and name."""
    samples: tuple[Sample, ...]
    """By series and step."""
    stepless: tuple[str, ...] = ()
    """Checkpoints that are left out because nobody knows their step."""

    def by_series(self) -> Iterator[tuple[str, History]]:
        """Each series with its own part."""
        for series in dict.fromkeys(point.series for point in self.points):
            own = tuple(one for one in self.points if one.series == series)
            texts = tuple(one for one in self.samples if one.series == series)
            yield series, History(self.study, own, texts)


def history_of(
    study: StudyFile, tasks: Sequence[str], known: Known | None = None
) -> History:
    """The values and samples of all checkpoints with steps.

    What is unknown is no point. Where checkpoints of a series share a step, the one
    that was stored last counts.

    Args:
        study: with scores, and ratings where there are some.
        tasks: names of the tasks.
        known: values of an earlier call; what rests on the same outputs and scores is
            not computed again, and what is computed is added. None: there are none.
    """
    known = {} if known is None else known
    points: list[Point] = []
    samples: list[Sample] = []
    stepless: dict[str, None] = {}
    for task in tasks:
        evidence, metrics, _ = rebuild(gather(study, task))
        estimator = Estimator(evidence, metrics, Resampling())
        counted = _counted(study, evidence)
        values = _values(estimator, [checkpoint.id for checkpoint in counted], known)
        rated = estimator.ratings()
        label = labels(evidence.signatures)
        by_program = any(one.kind == "simulated" for one in evidence.ratings)
        raters = "simulated" if by_program else "human"
        for one in counted:
            found = {label[sig]: value for sig, value in values[one.id].items()}
            found |= {f"{raters}/{name}": mean for name, mean in rated[one.id].items()}
            points += _points(one, f"harness/{task}", found)
            samples += _samples(evidence, one)
        stepless |= {
            f"{one.series}/{one.name}": None
            for one in evidence.checkpoints
            if one.step is None
        }
    points.sort(key=lambda one: (one.series, one.step, one.name))
    samples.sort(key=lambda one: (one.series, one.step))
    return History(study.path.stem, tuple(points), tuple(samples), tuple(stepless))


def _values(
    estimator: Estimator, checkpoints: Sequence[str], known: Known
) -> dict[str, Mapping[str, Estimate]]:
    """Id of each checkpoint to its values by signature; only new ones are computed."""
    task = estimator.evidence.task
    states = {id_: _state(estimator.evidence, id_) for id_ in checkpoints}
    new = [
        id_
        for id_, state in states.items()
        if (task, id_) not in known or known[task, id_][0] != state
    ]
    for id_, values in estimator.values_of(new).items():
        known[task, id_] = states[id_], values
    return {id_: known[task, id_][1] for id_ in checkpoints}


def _state(evidence: Evidence, checkpoint: str) -> State:
    outputs = evidence.outputs[checkpoint]
    return (
        tuple(one.id for one in outputs),
        tuple(evidence.items[one.item].references for one in outputs),
        tuple(evidence.whole.get(checkpoint, ())),
        {
            signature: (
                tuple(some.items),
                some.values.tobytes(),
                some.tallies.tobytes(),
            )
            for signature, some in evidence.scores[checkpoint].items()
        },
    )


def _counted(study: StudyFile, evidence: Evidence) -> list[Checkpoint]:
    age = {id_: number for number, id_ in enumerate(study.column(IN_ORDER))}
    last: dict[tuple[str, int], Checkpoint] = {}
    for one in sorted(evidence.checkpoints, key=lambda one: age[one.id]):
        if one.step is not None:
            last[one.series, one.step] = one
    return list(last.values())


def _points(
    checkpoint: Checkpoint, before: str, found: dict[str, Estimate]
) -> Iterator[Point]:
    for name, estimate in found.items():
        if estimate.value is not None and checkpoint.step is not None:
            yield Point(
                checkpoint.series,
                checkpoint.step,
                f"{before}/{name}",
                float(estimate.value),
                estimate.low,
                estimate.high,
            )


def _samples(evidence: Evidence, checkpoint: Checkpoint) -> Iterator[Sample]:
    first = list(evidence.items)[:SHOWN]
    for output in evidence.outputs[checkpoint.id]:
        if output.item in first and not output.sample and checkpoint.step is not None:
            item = evidence.items[output.item]
            texts = (item.prompt, *item.references[:1], *("",) * (not item.references))
            texts = (*texts, output.text)
            yield Sample(
                checkpoint.series,
                checkpoint.step,
                evidence.task,
                item.key,
                *(visible(shortened(text, LONGEST)) for text in texts),
            )


def _code(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines() or [""])
