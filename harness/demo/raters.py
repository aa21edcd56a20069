"""Simulated raters, so that the demonstration's report has something to compare.

They see what no metric reads: words that do not exist, names that are lost or
swapped, and a wrong subject. Each has a severity of their own and is a little
unsteady, and a five-point scale makes ties. The study marks them as simulated, and
every verdict that rests on them says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from harness.assignments import Answer, next_assignment
from harness.campaign import open_campaign
from harness.demo.tasks import task_data
from harness.progress import silent
from harness.rate import answer
from harness.study.items import stored_items
from harness.study.raters import ensure_rater

if TYPE_CHECKING:
    from harness.assignments import Shown
    from harness.progress import Progress
    from harness.study import StudyFile
    from harness.study.raters import Rater
    from harness.task import Task
    from harness.types import Item

WORD = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*")
SUBJECTS = {
    "i": "I", "we": "we", "you": "you", "thou": "you", "ye": "you",
    "he": "he", "she": "she", "it": "it", "they": "they",
}  # fmt: skip
SAME_NAME = 0.7
"""Likeness from which two spellings are one name, as Arphaxad and Arpachshad."""
SEVERITY_SD, UNSTEADINESS_SD = 0.5, 0.6
"""In points of the scale; of the size found between and within people's ratings."""
LOST_NAME, WRONG_SUBJECT, INVENTED_WORD = 1.5, 1.5, 1.2
"""Points that a fault costs."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What a reader stumbles over in a rewrite."""

    invented_words: int
    """Words that occur in none of the three translations."""
    lost_names: int
    """Names that are missing or were swapped for others."""
    wrong_subject: bool
    """Whether somebody else does it."""

    @property
    def meaning(self) -> float:
        """How well the meaning is kept, 5 at best, before any rater's temper."""
        subject = WRONG_SUBJECT * self.wrong_subject
        names = LOST_NAME * min(self.lost_names, 2)
        return 5 - subject - names - INVENTED_WORD / 2 * min(self.invented_words, 2)

    @property
    def fluency(self) -> float:
        """How good the English is, 5 at best, before any rater's temper."""
        return 5 - INVENTED_WORD * min(self.invented_words, 3)


def simulate(
    study: StudyFile,
    task: Task,
    raters: int,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> int:
    """Let simulated raters judge all that the task's campaign still has for them.

    They go through the same queue, leases and checks as people.

    Args:
        study: with outputs of the task `modernize`.
        task: the task.
        raters: how many.
        seed: of their tempers.
        progress: told of each rating.

    Returns:
        The number of outputs rated now.
    """
    campaign = open_campaign(study, task)
    items = {item.prompt: item for item in stored_items(study, task.name)}
    at_work = [_Simulated.of(study, number, seed) for number in range(1, raters + 1)]
    rated = 0
    # In turns, as people at work side by side: the first would else take all places.
    while at_work:
        for one in list(at_work):
            shown = next_assignment(study, campaign, one.rater)
            if shown is None:
                at_work.remove(one)
                continue
            answer(study, one.rater, shown.token, one.judge(shown, items[shown.prompt]))
            rated += 1
            progress("simulated ratings", rated, rated)
    return rated


@dataclass(frozen=True, slots=True)
class _Simulated:
    """A simulated rater and their temper."""

    rater: Rater
    severity: float
    temper: np.random.Generator

    @classmethod
    def of(cls, study: StudyFile, number: int, seed: int) -> _Simulated:
        temper = np.random.default_rng([seed, number])
        rater = ensure_rater(study, f"simulated {number}", "simulated")
        return cls(rater, float(temper.normal(0, SEVERITY_SD)), temper)

    def judge(self, shown: Shown, item: Item) -> Answer:
        faults = find_faults(item, shown.outputs[0])
        qualities = {"meaning": faults.meaning, "fluency": faults.fluency}
        return Answer({name: self._points(q) for name, q in qualities.items()})

    def _points(self, quality: float) -> int:
        felt = quality + self.severity + self.temper.normal(0, UNSTEADINESS_SD)
        return int(np.clip(round(felt), 1, 5))


def find_faults(item: Item, output: str) -> Faults:
    """What is wrong with a rewrite of a verse, to a reader who knows the verse."""
    reference = item.references[0]
    words = [word.lower() for word in WORD.findall(output)]
    return Faults(
        invented_words=len({word for word in words if word not in _vocabulary()}),
        lost_names=_lost_names(str(item.meta["source"]), reference, output),
        wrong_subject=_subject(output) != _subject(reference),
    )


def _lost_names(source: str, reference: str, output: str) -> int:
    wanted, written = _names(reference), _names(output)
    old = _names(source)
    lost = 0
    for name in wanted:
        spellings = [name, *(other for other in old if _alike(name, other))]
        lost += not any(_alike(one, other) for one in spellings for other in written)
    strange = sum(
        not any(_alike(name, other) for other in wanted | old) for name in written
    )
    return max(lost, strange)


def _names(text: str) -> set[str]:
    """Capitalised words that do not merely begin a sentence."""
    found = set()
    for match in WORD.finditer(text):
        before = text[: match.start()].rstrip(" \"'“‘")
        begins = not before or before[-1] in ".!?:;"
        word = match[0].removesuffix("'s").removesuffix("’s")
        if word[0].isupper() and not begins and word not in {"I", "I'm", "I'll"}:
            found.add(word)
    return found


def _alike(one: str, other: str) -> bool:
    return SequenceMatcher(None, one.lower(), other.lower()).ratio() >= SAME_NAME


def _subject(text: str) -> str | None:
    """The first pronoun that can be a subject."""
    words = (word.lower().split("'")[0] for word in WORD.findall(text))
    return next((SUBJECTS[word] for word in words if word in SUBJECTS), None)


@cache
def _vocabulary() -> frozenset[str]:
    data = task_data("modernize")
    rows = [*data.training_pairs(), *data.pretraining_pairs(), *data.held_out()]
    texts = (row[column] for row in rows for column in ("source", "target"))
    return frozenset(word.lower() for text in texts for word in WORD.findall(text))
