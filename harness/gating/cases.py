"""A condition on a task: what it is about, and what its numbers come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import NotFound, UsageError
from harness.gating.deciding import asked_for, reason
from harness.gating.model import Verdict
from harness.gating.naming import baseline_of, label_of, meant, names_of
from harness.gating.rated import ByPeople
from harness.gating.scored import ByMetric
from harness.reporting import combined
from harness.reporting.combined import Combiner
from harness.reporting.estimates import rebuild
from harness.reporting.evidence import gather

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.gating.deciding import Answer
    from harness.gating.model import Asked, Gain, Kind, Rules
    from harness.metrics import Metric
    from harness.progress import Progress
    from harness.reporting.evidence import Evidence
    from harness.study import StudyFile
    from harness.types import Checkpoint


@dataclass(frozen=True, slots=True)
class OneTask:
    """What is known of a task, read once for all conditions."""

    study: StudyFile
    """Where it is from."""
    evidence: Evidence
    """What counts, as `rebuild` gives it."""
    metrics: Mapping[str, Metric]
    """Signature to metric."""
    notes: tuple[str, ...]
    """What is to be said of metrics that cannot be rebuilt."""
    candidate: Checkpoint
    """The checkpoint that is tested."""
    against: str | None
    """Name of the one that it is held against; None: a threshold."""
    rules: Rules
    """What all conditions are judged by."""

    @classmethod
    def read(
        cls,
        study: StudyFile,
        name: str,
        candidate: Checkpoint,
        against: str | None,
        rules: Rules,
    ) -> OneTask:
        """What the study holds on the task of that name."""
        evidence, metrics, notes = rebuild(gather(study, name))
        return cls(study, evidence, metrics, tuple(notes), candidate, against, rules)

    def case(self, asked: Asked) -> Case:
        """The condition on this task.

        Raises:
            NotFound: no such baseline, metric or criterion.
            UsageError: a checkpoint was not evaluated on the task.
        """
        found = meant(self.evidence, asked.on)
        if found is None:
            raise NotFound("metric or criterion", asked.on, names_of(self.evidence))
        task, base = self.evidence.task, None
        if self.against is not None:
            base = baseline_of(self.study, self.against, self.candidate, task)
        for one in (self.candidate, base):
            if one is not None and one.id not in self.evidence.outputs:
                raise UsageError(
                    f"'{one.name}' was not evaluated on task '{task}'. "
                    "Do that first: harness run"
                )
        return Case(self, asked, *found, None if base is None else base.id)

    def combiner(self) -> Combiner:
        """What makes estimates of ratings and scores.

        Raises:
            NotFound: no metric of the name has scores of outputs.
            UsageError: several metrics have it.
        """
        asked = combined.Asked(self.rules.estimand, self.rules.metric)
        return Combiner.of(self.evidence, self.metrics, asked)


@dataclass(frozen=True, slots=True)
class Case:
    """A condition on a task."""

    task: OneTask
    """With all that counts."""
    asked: Asked
    """The condition as it was given."""
    kind: Kind
    """Who judges."""
    signature: str
    """Of the metric; or the criterion."""
    baseline: str | None
    """Id of the checkpoint that the candidate is held against; None: a threshold."""

    @property
    def simulated(self) -> bool:
        """Whether it rests on ratings that a program made up."""
        evidence = self.task.evidence
        if self.kind == "preference":
            return "simulated" in evidence.comparisons.kinds.values()
        return self.kind == "criterion" and any(
            one.kind == "simulated"
            for one in evidence.ratings
            if one.criterion == self.signature
        )

    def gain(self, progress: Progress) -> Gain:
        """How far the candidate is ahead.

        Raises:
            UsageError: by this it cannot be told.
        """
        task, limit = self.task, self.asked.threshold
        pair = (task.candidate.id, self.baseline)
        if self.kind == "metric":
            metric = task.metrics[self.signature]
            if not metric.directed:
                raise UsageError(
                    f"By {metric.name} neither more nor less is better, so that it "
                    "cannot be a gate."
                )
            by = ByMetric(task.evidence, metric, *pair, limit, task.rules, progress)
            return by.gain()
        people = ByPeople(
            task.combiner(), self.signature, *pair, limit, self.asked.min_difference
        )
        compared = self.kind == "preference"
        return people.of_comparisons() if compared else people.of_ratings()

    def verdict(self, gain: Gain, answer: Answer) -> Verdict:
        """The numbers and the answer, with the reason."""
        evidence, asked = self.task.evidence, self.asked
        label, upwards, notes = self.signature, True, gain.notes
        if self.kind == "metric":
            metric = self.task.metrics[self.signature]
            label, upwards = label_of(evidence, self.signature), metric.higher_is_better
            own = f"{metric.name} cannot be rebuilt"
            notes += tuple(note for note in self.task.notes if note.startswith(own))
        base = None if self.baseline is None else evidence.labels[self.baseline]
        than = asked_for(base, asked.threshold, asked.min_difference)
        return Verdict(
            task=evidence.task,
            on=label,
            kind=self.kind,
            signature=self.signature,
            higher_is_better=upwards,
            candidate=evidence.labels[self.task.candidate.id],
            baseline=base,
            threshold=asked.threshold,
            min_difference=asked.min_difference,
            gain=gain.estimate,
            p=answer.p,
            p_adjusted=answer.p_adjusted,
            outcome=answer.outcome,
            passed=answer.passed,
            why=reason(answer, gain.estimate, self.task.rules, than=than),
            notes=notes,
        )
