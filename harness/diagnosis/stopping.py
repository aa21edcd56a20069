"""Which checkpoint to keep: by loss, by metric and by ratings, where they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.diagnosis.curves.course import course_of
from harness.diagnosis.curves.generalising import as_good
from harness.diagnosis.model import Check, Findings, NotChecked
from harness.diagnosis.outputs.against import brief

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.diagnosis.outputs.subject import Subject
    from harness.logs import TrainingLog
    from harness.types import Checkpoint, Estimate

NAME = "stopping"
FEWEST = 2


def check_stopping(log: TrainingLog | None, subject: Subject | None) -> Findings:
    """The best step by each kind of evidence there is."""
    said: list[str] = []
    steps: list[set[int]] = []
    held_out = None if log is None else course_of(log).held_out
    if held_out is not None and len(held_out) > FEWEST:
        good = as_good(held_out)
        steps.append(set(good))
        said.append(f"by held-out loss {_span(good)}")
    if subject is not None:
        for what, found in _of_study(subject).items():
            steps.append(set(found))
            said.append(f"by {what} {_span(found)}")
    if not said:
        reason = "it needs held-out losses (--log FILE) or several checkpoints (--db)"
        return Findings(not_checked=(NotChecked(NAME, reason),))
    shared = set.intersection(*steps)
    # A log has steps of evaluations, a study those of checkpoints: they may not meet.
    differ = not shared and not _overlap(steps)
    return Findings(
        (
            Check(
                name=NAME,
                area="people" if subject and subject.evidence.ratings else "curves",
                status="notice" if differ else "fine",
                value=None,
                threshold="no step that is as good as the best by all",
                source="Prechelt 1998; intervals of this study",
                says=f"Best step {', '.join(said)}"
                + (
                    ": they differ, so keep the checkpoint that people prefer."
                    if differ
                    else "."
                ),
            ),
        )
    )


def _of_study(subject: Subject) -> dict[str, list[int]]:
    """The first metric by reference, perplexity and each criterion to good steps."""
    run = [
        one
        for one in subject.evidence.checkpoints
        if one.series == subject.last.series and one.step is not None
    ]
    found: dict[str, list[int]] = {}
    if len(run) < FEWEST:
        return found
    estimator = subject.estimator
    values = estimator.values_of([one.id for one in run])
    for signature in subject.by_reference[:1]:
        by_id = {one.id: values[one.id].get(signature) for one in run}
        sign = 1 if subject.metrics[signature].higher_is_better else -1
        name = subject.evidence.descriptions[signature]["name"]
        if good := _good(run, by_id, sign):
            found[name] = good
    rated = estimator.ratings()
    for criterion in subject.evidence.mean_ratings:
        by_id = {one.id: rated[one.id].get(criterion) for one in run}
        if good := _good(run, by_id, 1):
            found[f"ratings of {brief(criterion)}"] = good
    return found


def _good(
    run: list[Checkpoint], values: Mapping[str, Estimate | None], sign: int
) -> list[int]:
    """Steps whose value lies in the interval of the best."""
    known = {
        one.step or 0: (sign * found.value, found)
        for one in run
        if (found := values[one.id]) is not None and found.value is not None
    }
    if len(known) < FEWEST:
        return []
    best, interval = max(known.values(), key=lambda one: one[0])
    ends = [sign * end for end in (interval.low, interval.high) if end is not None]
    least = min([best, *ends])
    return sorted(step for step, (value, _) in known.items() if value >= least)


def _span(steps: list[int]) -> str:
    first, last = steps[0], steps[-1]
    return f"{first:,}" if first == last else f"{first:,} to {last:,}"


def _overlap(steps: list[set[int]]) -> bool:
    return max(min(one) for one in steps) <= min(max(one) for one in steps)
