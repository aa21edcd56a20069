"""Outputs that are empty, unfinished, repetitive, copied or learned by heart."""

from __future__ import annotations

from collections import Counter
from statistics import fmean
from typing import TYPE_CHECKING

from harness.diagnosis.model import Check, Example
from harness.diagnosis.outputs.against import NO_DATA, brief
from harness.errors import Unscorable
from harness.metrics.length_ratio import LengthRatio
from harness.metrics.repetition import Repetition
from harness.reporting.baselines import source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.diagnosis.model import CauseName
    from harness.diagnosis.outputs.subject import Subject
    from harness.types import Item

MANY = 0.2
"""Share of outputs from which on a fault is no exception."""
SHORT, LONG = 0.7, 1.4
"""Length of outputs over that of references, outside of which they are not alike."""
FEWEST = 5
SHOWN = 3
NO_REFERENCE = "no item has a reference"
MEASURED = "measured here"


def _share(  # noqa: PLR0913 - the parts of a check
    subject: Subject,
    name: str,
    is_so: Callable[[Item, str], bool],
    *,
    what: str,
    weights: Mapping[CauseName, float],
    beside: float = 0.0,
    source: str = MEASURED,
) -> Check | str:
    """A check of how many outputs are so, more than `beside` of the references are."""
    if not subject.answered:
        return "the checkpoint has no outputs"
    found = [(item, text) for item, text in subject.answered if is_so(item, text)]
    share = len(found) / len(subject.answered)
    many = share - beside > MANY
    of_references = f", of references {beside:.0%}" if beside else ""
    return Check(
        name=name,
        area="outputs",
        status="warning" if many else "fine",
        value=share,
        threshold=f"{MANY:.0%} of the outputs more than of the references",
        source=source,
        says=f"{len(found):,} of {len(subject.answered):,} outputs {what} "
        f"({share:.0%}{of_references}).",
        examples=_shown(subject, found) if many else (),
        weights=weights if many else {},
    )


def _shown(subject: Subject, found: Sequence[tuple[Item, str]]) -> tuple[Example, ...]:
    return tuple(
        Example(
            subject.where_of(item),
            f"{brief(item.prompt)} | {brief(text)}",
        )
        for item, text in found[:SHOWN]
    )


def empty_outputs(subject: Subject) -> Check | str:
    """Outputs without a visible character."""
    return _share(
        subject,
        "empty_outputs",
        lambda _, text: not text.strip(),
        what="are empty",
        weights={"malformed_data": 2.0, "non_finite": 1.5, "truncation": 0.5},
        beside=_of_references(subject, lambda _, text: not text.strip()),
    )


def unfinished_outputs(subject: Subject) -> Check | str:
    """Outputs that were stopped by the limit on new tokens."""
    outputs = subject.evidence.outputs[subject.last.id]
    if all(one.finish == "imported" for one in outputs):
        return "imported outputs do not say why they end"
    cut = {(one.item, one.text) for one in outputs if one.finish == "length"}
    return _share(
        subject,
        "unfinished_outputs",
        lambda item, text: (item.id, text) in cut,
        what="ran into max_new_tokens",
        # Rows that are cut lose their end marker: it is there, and never learned.
        weights={
            "missing_end_marker": 2.5,
            "truncation": 1.5,
            "diverged": 0.5,
            "under_trained": 0.5,
        },
        source="TRL 1.16, warning on the end-of-turn token; measured here",
    )


def output_length(subject: Subject) -> Check | str:
    """How long outputs are beside their references."""
    metric = LengthRatio()
    tallies = [metric.tallies([one])[0] for one in subject.answered]
    known = [one for one in tallies if not isinstance(one, Unscorable)]
    if len(known) < FEWEST:
        return NO_REFERENCE
    ratio = float(metric.value(sum(known)))  # type: ignore[arg-type]
    weights: dict[CauseName, float] = {}
    if ratio < SHORT:
        weights = {"truncation": 2.0, "malformed_data": 0.5}
    elif ratio > LONG:
        weights = {"missing_end_marker": 1.5, "diverged": 0.5}
    return Check(
        name="output_length",
        area="outputs",
        status="warning" if weights else "fine",
        value=ratio,
        threshold=f"{SHORT:g} to {LONG:g} times the references",
        source="measured here: 2.1 where training diverged",
        says=f"Outputs are {ratio:.2f} times as long as their references.",
        weights=weights,
    )


def repetition(subject: Subject) -> Check | str:
    """How much of the outputs says again what they said before."""
    metric = Repetition()
    written = _mean(metric, subject.answered)
    if written is None:
        return "all outputs are empty"
    wanted = _mean(metric, _references(subject)) or 0.0
    many = written - wanted > MANY
    return Check(
        name="output_repetition",
        area="outputs",
        status="warning" if many else "fine",
        value=written,
        threshold=f"{MANY:g} above that of the references",
        source="Welleck et al. 2020, seq-rep-4; measured here: 0.96 where training "
        "diverged",
        says=f"{written:.0%} of the outputs' 4-grams repeat earlier ones; of the "
        f"references' {wanted:.0%}.",
        examples=_shown(subject, subject.answered[:SHOWN]) if many else (),
        weights={"diverged": 1.5, "learning_rate_too_high": 1.0, "under_trained": 1.0}
        if many
        else {},
    )


def _mean(metric: Repetition, texts: Sequence[tuple[Item, str]]) -> float | None:
    tallies = metric.tallies(list(texts))
    values = [float(metric.value(t)) for t in tallies if not isinstance(t, Unscorable)]
    return fmean(values) if values else None


def one_answer(subject: Subject) -> Check | str:
    """Whether the checkpoint answers all prompts alike."""
    if len(subject.answered) < FEWEST:
        return "the checkpoint has fewer than five outputs"
    [(most, _)] = Counter(text for _, text in subject.answered).most_common(1)
    return _share(
        subject,
        "one_answer_for_all",
        lambda _, text: text == most,
        what=f"are the same: {brief(most)!r}",
        weights={
            "diverged": 1.5,
            "learning_rate_too_high": 1.5,
            "under_trained": 1.0,
            "learning_rate_too_low": 0.5,
        },
        beside=_most_frequent([text for _, text in _references(subject)]),
    )


def _most_frequent(texts: Sequence[str]) -> float:
    [(_, count)] = Counter(texts).most_common(1) or [("", 0)]
    return count / max(1, len(texts))


def copied_prompts(subject: Subject) -> Check | str:
    """Outputs that are the prompt."""
    return _share(
        subject,
        "copied_prompts",
        _is_copy,
        what="copy the prompt",
        weights={"under_trained": 1.5, "learning_rate_too_low": 1.5},
        beside=_of_references(subject, _is_copy),
    )


def _is_copy(item: Item, text: str) -> bool:
    return bool(text.strip()) and _folded(text) == _folded(source_of(item))


def memorised_outputs(subject: Subject) -> Check | str:
    """Wrong outputs that are, word for word, the answer to another training prompt."""
    if not subject.training:
        return NO_DATA
    known = {_folded(answer) for _, answer in subject.training}

    def is_recited(_: Item, text: str) -> bool:
        return _folded(text) in known

    def is_wrong(item: Item, text: str) -> bool:
        right = {_folded(reference) for reference in item.references}
        return is_recited(item, text) and _folded(text) not in right

    return _share(
        subject,
        "memorised_outputs",
        is_wrong,
        what="are wrong and stand among the training answers",
        weights={"overfitting": 1.5, "too_few_examples": 1.0, "narrow_data": 1.0},
        # Where few answers are possible, wrong ones are answers to something, too.
        beside=_of_references(subject, is_recited),
    )


def _of_references(subject: Subject, is_so: Callable[[Item, str], bool]) -> float:
    """The share of references of which the same holds."""
    texts = _references(subject)
    return fmean(is_so(item, text) for item, text in texts) if texts else 0.0


def _references(subject: Subject) -> list[tuple[Item, str]]:
    return [
        (item, item.references[0]) for item, _ in subject.answered if item.references
    ]


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
