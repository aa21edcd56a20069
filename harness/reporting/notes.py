"""Notes: what is missing, or limits what a report can say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.metrics.imported import IMPORTED
from harness.metrics.ngrams import lacks_spaces
from harness.metrics.rouge import drops_letters, has_other_letters
from harness.reporting.by_rater import few_raters
from harness.reporting.formats import counted, listed, on_one_line, verb

if TYPE_CHECKING:
    from harness.reporting.evidence import Evidence
    from harness.reporting.people import Raters
    from harness.types import Output

CUT_SHARE = 0.05
"""Share of outputs cut at the token limit above which that is noted."""

LEAST_RATED = 3
"""Rated outputs below which no correlation is defined."""

NOT_SCORED = "Outputs not scored yet: {}. harness score adds them."
NOT_IMPORTED = "Outputs without an imported score, by the references of today: {}."
NO_LIKELIHOOD = "Items without a likelihood yet: {}. harness run adds them."

MOST_LETTERS = (
    "of {} most letters are dropped and match nothing, as only a-z and 0-9 are read; "
    "tokenizer=unicode reads every script."
)
SOME_LETTERS = (
    "in {} or their references letters are dropped, as only a-z and 0-9 are read, so "
    "that words break and others match than are there ('é' is nothing, 'café' is "
    "'caf'); tokenizer=unicode reads every script."
)

SPACED_BLEU = re.compile(r"bleu\|.*tok:(13a|intl|none)(\||$)")
"""Signatures of BLEU that finds words by spaces and punctuation."""

DEFAULT_ROUGE = re.compile(r"rouge\w+\|.*\|tokenizer:default\|")
"""Signatures of ROUGE that reads no letters but a-z."""


def notes(evidence: Evidence, raters: Raters) -> list[str]:
    """What a reader of the task's report must know, in plain sentences."""
    found = [
        *_of_checkpoints(evidence),
        *(_of_outputs(evidence) if evidence.has_outputs else ()),
        *_of_texts(evidence),
        *_of_scores(evidence),
        *_of_letters(evidence),
        *_of_spaces(evidence),
        *_of_ratings(evidence, raters),
    ]
    if evidence.asked_otherwise:
        found.append(
            f"{counted(evidence.asked_otherwise, 'rating')} of an earlier question, "
            f"another scale or another source "
            f"{verb(evidence.asked_otherwise, 'does', 'do')} not count; all are in the "
            "study."
        )
    if evidence.items and not any(i.references for i in evidence.items.values()):
        found.append(
            "The items have no references, so that no metric can compare with one, "
            "and no copy of the prompt is scored."
        )
    return found


def _of_checkpoints(evidence: Evidence) -> list[str]:
    number = len(evidence.checkpoints)
    found = []
    if number <= 1:
        alone = counted(number, "checkpoint")
        found.append(f"{alone}: agreement across checkpoints needs two.")
    for ids in evidence.overwritten:
        labels = [on_one_line(evidence.labels[id_]) for id_ in ids]
        found.append(
            f"{listed(labels)} were found in the same place, whose contents have "
            f"changed: what the last run found there is {labels[-1]}."
        )
    dtypes = {used["dtype"] for used in evidence.used.values() if "dtype" in used}
    if len(dtypes) > 1:
        found.append(
            f"The checkpoints ran in {listed(sorted(dtypes))}: small differences may "
            "come of that alone. harness run --dtype makes them alike."
        )
    return found


def _of_outputs(evidence: Evidence) -> list[str]:
    found = []
    if len(evidence.items) == 1:
        found.append("1 item: intervals, and agreement over items, need several.")
    lacking = [
        missing
        for checkpoint in evidence.checkpoints
        if (missing := _items_without_output(evidence, checkpoint.id))
    ]
    if lacking:
        found.append(
            f"{counted(len(lacking), 'checkpoint')} of {len(evidence.checkpoints):,} "
            f"{verb(len(lacking), 'has', 'have')} no output for some items (up to "
            f"{max(lacking):,} of {len(evidence.items):,})."
        )
    outputs = [output for some in evidence.outputs.values() for output in some]
    cut = sum(output.finish == "length" for output in outputs)
    if cut > CUT_SHARE * len(outputs):
        found.append(
            f"{cut:,} of {counted(len(outputs), 'output')} ended at the token limit "
            "rather than by themselves."
        )
    truncated = sum(output.truncated for output in outputs)
    if truncated:
        found.append(f"{counted(truncated, 'prompt')} had to be cut to fit the model.")
        found.append(
            "Prompts are cut at their beginning, after the start token, so that the "
            "model reads their end and has room for a whole answer; of a chat the "
            "system's turn goes first."
        )
    return found


def _of_texts(evidence: Evidence) -> list[str]:
    """How the texts were read that likelihoods are of."""
    found = []
    texts = evidence.texts
    if texts.cut:
        found.append(
            f"Likelihoods of {counted(texts.cut, 'text')} are given a prompt that had "
            "to be cut to fit the model."
        )
    if texts.too_long:
        found.append(
            f"{counted(texts.too_long, 'text')} did not fit the model and got no "
            "likelihood."
        )
    if texts.documents:
        found.append(f"Documents were read so: {'; '.join(texts.documents)}.")
    if texts.windows_differ:
        found.append(
            "Models read the same documents in different windows, so that their "
            "likelihoods do not compare. Set a window that all of them have."
        )
    return found


def _items_without_output(evidence: Evidence, checkpoint: str) -> int:
    answered = {output.item for output in evidence.outputs[checkpoint]}
    return len(evidence.items.keys() - answered)


def _of_scores(evidence: Evidence) -> list[str]:
    lacking: dict[str, list[str]] = {}
    for signature in evidence.signatures:
        of_likelihoods = evidence.of_likelihoods(signature)
        missing = sum(
            max(0, len(judged) - len(found[signature]))
            for checkpoint, found in evidence.scores.items()
            if signature in found
            for judged in (
                evidence.items if of_likelihoods else evidence.outputs[checkpoint],
            )
        )
        if missing:
            name = on_one_line(evidence.descriptions[signature]["name"])
            note = NOT_SCORED
            if signature.endswith(IMPORTED):
                note = NOT_IMPORTED
            elif of_likelihoods:
                note = NO_LIKELIHOOD
            lacking.setdefault(note, []).append(f"{name} ({missing:,})")
    return [note.format(listed(names)) for note, names in lacking.items()]


def _of_letters(evidence: Evidence) -> list[str]:
    """Outputs that ROUGE, unless told otherwise, does not read as they are."""
    scored = {
        evidence.descriptions[signature]["name"]: evidence.output_scores[signature]
        for signature in evidence.signatures
        if DEFAULT_ROUGE.match(signature)
    }
    if not scored:
        return []
    most, some = set(), set()
    for output in (one for outputs in evidence.outputs.values() for one in outputs):
        if drops_letters(output.text):
            most.add(output.id)
        elif any(map(has_other_letters, _texts(evidence, output))):
            some.add(output.id)
    names = listed([on_one_line(name) for name in scored])
    found = []
    for outputs, what in ((most, MOST_LETTERS), (some, SOME_LETTERS)):
        lost = max(
            (len(outputs & known.keys()) for known in scored.values()), default=0
        )
        if lost:
            found.append(f"{names}: {what.format(counted(lost, 'output'))}")
    return found


def _of_spaces(evidence: Evidence) -> list[str]:
    """Texts of which BLEU, unless told otherwise, takes whole clauses for words."""
    unspaced = {
        item.id
        for item in evidence.items.values()
        if any(map(lacks_spaces, item.references))
    }
    if not unspaced or not any(map(SPACED_BLEU.match, evidence.signatures)):
        return []
    note = (
        f"bleu: the references of {counted(len(unspaced), 'item')} have no spaces "
        "between words, so that whole clauses count as words; tokenize=zh, ja-mecab "
        "or char divides them."
    )
    return [note]


def _texts(evidence: Evidence, output: Output) -> tuple[str, ...]:
    """An output's text and what it is compared with."""
    return (output.text, *evidence.items[output.item].references)


def _of_ratings(evidence: Evidence, raters: Raters) -> list[str]:
    found = []
    if not evidence.has_outputs:
        found.append(
            "The task asks for likelihoods alone: there are no outputs to be rated."
        )
    elif not evidence.ratings and raters.comparisons:
        found.append(
            "Outputs were compared and none was rated by itself: how far metrics agree "
            "with raters can be told from ratings of single outputs only."
        )
    elif not evidence.ratings:
        found.append(
            "No output is rated: there is nothing to hold the metrics against."
        )
    elif raters.outputs < LEAST_RATED:
        found.append(
            f"{counted(raters.outputs, 'rated output')}: agreement needs several."
        )
    if raters.count == 1:
        found.append("One rater alone: how far raters agree cannot be known.")
    found += [*few_raters(evidence), *_of_kinds(raters)]
    if evidence.skipped:
        found.append(
            f"{counted(len(evidence.skipped), 'question')} "
            f"{verb(len(evidence.skipped), 'was', 'were')} skipped."
        )
    if evidence.outdated:
        found.append(
            f"{counted(evidence.outdated, 'rating')} "
            f"{verb(evidence.outdated, 'is', 'are')} not counted: of outputs that a "
            "later run, setting or task file has replaced."
        )
    return found


def _of_kinds(raters: Raters) -> list[str]:
    """Which raters are programs, or known from imported ratings alone."""
    found = []
    if raters.kinds.get("simulated"):
        found.append(
            f"{_some(raters.kinds['simulated'], raters.count)} "
            f"{verb(raters.kinds['simulated'], 'is', 'are')} simulated: a program made "
            "the ratings up, and they say nothing about the outputs."
        )
    if raters.kinds.get("imported"):
        found.append(
            f"{_some(raters.kinds['imported'], raters.count)} came with imported "
            "ratings; what was asked of them is not known here."
        )
    return found


def _some(some: int, of: int) -> str:
    """`All 3 raters`, `2 of 3 raters`, `The rater`."""
    if some < of:
        return f"{some:,} of {counted(of, 'rater')}"
    return "The rater" if of == 1 else f"All {counted(of, 'rater')}"
