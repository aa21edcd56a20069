"""The checkpoint against trivial answers and against the model it began as."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.diagnosis.causes import KNOWN
from harness.diagnosis.model import Check, Example
from harness.metrics.signatures import labels
from harness.reporting.baselines import source_of
from harness.reporting.formats import listed, on_one_line, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.diagnosis.model import CauseName, Status
    from harness.diagnosis.outputs.subject import Subject
    from harness.types import Estimate

NO_METRIC = "no metric of the study holds outputs against references"
NO_DATA = "it needs the training data: --data FILE"
SOURCE = "Karpathy 2019, A recipe for training neural networks"
LETTERS = 100
SHOWN = 2
FEWEST = 10
"""Items of which a difference without an interval is believed."""
SYMPTOM: CauseName = "worse_than_baseline"
OF_ROOTS = 1.0
"""What outputs below a trivial answer say of each cause that this is a symptom of. Such
a cause brings about half of its runs there, and one run in six gets there without it: 3
times, or 1.1 of the logarithm. It names no root alone, and ranks none above another; it
counts for the one that a curve, a setting or the data point at."""


def above_copy(subject: Subject) -> Check | str:
    """Against the prompt itself as an answer."""
    answers = {
        item.id: source_of(item) for item, _ in subject.answered if source_of(item)
    }
    return _against(subject, "above_copy", "a copy of the prompt", answers)


def above_frequent(subject: Subject) -> Check | str:
    """Against the most frequent answer, of the training data where they are known."""
    wanted = [answer for _, answer in subject.training] or [
        reference
        for item in subject.evidence.items.values()
        for reference in item.references
    ]
    if not wanted:
        return "no item has a reference"
    [(answer, count)] = Counter(wanted).most_common(1)
    if count == 1:
        return "no answer is frequent: all are different"
    answers = {item.id: answer for item, _ in subject.answered}
    name = "above_most_frequent_answer"
    return _against(subject, name, "always the most frequent answer", answers)


def above_nearest(subject: Subject) -> Check | str:
    """Against the answer to the training prompt that is most like the item's."""
    if not subject.nearest:
        return NO_DATA
    answers = {id_: one.answer for id_, one in subject.nearest.items()}
    name = "above_nearest_training_answer"
    return _against(subject, name, "the answer of the nearest training prompt", answers)


def _against(
    subject: Subject, name: str, what: str, answers: Mapping[str, str]
) -> Check | str:
    over = {s: one for s, one in subject.over(answers).items() if one.value is not None}
    if not over:
        return NO_METRIC
    worse, better = _clear(over)
    status: Status = "fine"
    weights: dict[CauseName, float] = {}
    if worse and not better:
        status, weights = "failure", {SYMPTOM: 3.5} | _of_roots()
    elif not better:
        status, weights = "notice", {"worse_than_baseline": 1.0}
    return Check(
        name=name,
        area="outputs",
        status=status,
        value=_first(over),
        threshold="surely worse by a metric, and surely better by none",
        source=SOURCE,
        says=f"Held against {what}, {_said(over)}.",
        examples=_examples(subject, answers) if status == "failure" else (),
        weights=weights,
    )


def above_base(subject: Subject) -> Check | str:
    """Against the first checkpoint of the series."""
    base = subject.base
    if base is None:
        return (
            "the series has one checkpoint: evaluate the base model as another of it "
            "(harness run --checkpoint SERIES=BASE)"
        )
    since = subject.since(base)
    over = {s: since[s] for s in subject.by_reference if s in since}
    over = {s: one for s, one in over.items() if one.value is not None}
    if not over:
        return NO_METRIC
    worse, better = _clear(over)
    status: Status = "fine"
    weights: dict[CauseName, float] = {"diverged": -2.0}
    if worse and not better:
        status = "failure"
        weights = {SYMPTOM: 3.5} | _of_roots() | {"diverged": 1.5}
    elif not better:
        status = "notice"
        weights = {
            "worse_than_baseline": 1.0,
            "learning_rate_too_low": 1.0,
            "under_trained": 0.5,
        }
    return Check(
        name="above_base_model",
        area="outputs",
        status=status,
        value=_first(over),
        threshold="surely worse by a metric, and surely better by none",
        source=SOURCE,
        says=f"Held against {on_one_line(subject.evidence.labels[base.id])}, "
        f"{_said(over)}.",
        weights=weights,
    )


def _of_roots() -> dict[CauseName, float]:
    return dict.fromkeys(KNOWN[SYMPTOM].roots, OF_ROOTS)


def _clear(over: Mapping[str, Estimate]) -> tuple[list[str], list[str]]:
    """The metrics by which the checkpoint is surely worse, and surely better."""
    return (
        [s for s, one in over.items() if surely(one, -1)],
        [s for s, one in over.items() if surely(one, 1)],
    )


def surely(difference: Estimate, sign: int) -> bool:
    """Whether a difference is above 0, or below it where the sign is negative."""
    ends = difference.low, difference.high
    if None in ends and difference.n >= FEWEST:
        # There is no interval where all items differ alike, which is as sure as can be.
        ends = difference.value, difference.value
    end = ends[0] if sign > 0 else ends[1]
    return end is not None and sign * end > 0


def _first(over: Mapping[str, Estimate]) -> float | None:
    return next(iter(over.values())).value


def _said(over: Mapping[str, Estimate]) -> str:
    """`it is better by bleu (+3.1 [1.0, 5.2]) and worse by chrf (…)`."""
    label = labels(list(over))
    parts = [f"{label[s]} {difference(one)}" for s, one in over.items()]
    return f"it gains {listed(parts)} (n = {max(o.n for o in over.values()):,})"


def difference(estimate: Estimate) -> str:
    """`+3.1 [1.0, 5.2]`."""
    ends = ""
    if estimate.low is not None and estimate.high is not None:
        ends = f" [{estimate.low:+.3g}, {estimate.high:+.3g}]"
    return f"{estimate.value or 0.0:+.3g}{ends}"


def _examples(subject: Subject, answers: Mapping[str, str]) -> tuple[Example, ...]:
    """Items whose trivial answer is a right one while the output is not."""
    beaten = [
        Example(
            subject.where_of(item),
            f"wrote: {brief(text)} | trivial: {brief(answers[item.id])} "
            f"| right: {brief(item.references[0])}",
        )
        for item, text in subject.answered
        if item.id in answers and item.references and text not in item.references
    ]
    return tuple(beaten[:SHOWN])


def brief(text: str) -> str:
    """The text on one line, shortened."""
    return shortened(on_one_line(text), LETTERS)
