"""Whether the same prompt is answered in different ways."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.diagnosis.data.family import Family
from harness.diagnosis.data.keys import hashed
from harness.diagnosis.data.rules import Rule
from harness.diagnosis.model import Findings, NotChecked
from harness.reporting.formats import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.diagnosis.data.family import Hashes, Seen
    from harness.diagnosis.data.shapes import Sample

RULE = Rule(
    "conflicting_targets",
    "OpenAI's guide: where people agree in 70 %, a model likely does no better; "
    "share ours",
    {"notice": 0.0, "warning": 0.01, "failure": 0.2},
    weights={
        "fine": {"conflicting_targets": -1.5},
        "notice": {"conflicting_targets": -1.0},
        "warning": {"conflicting_targets": 1.0, "label_noise": 0.5},
        "failure": {"conflicting_targets": 3.0, "label_noise": 0.5},
    },
)
SHOWN = 3


class Conflicts(Family):
    """Rows whose prompt has another answer elsewhere, and the ceiling that it sets."""

    def __init__(self) -> None:
        self._prompts: array[int] = array("Q")
        self._keys: array[int] = array("Q")
        self._lines: array[int] = array("q")
        self._shown: list[int] = []
        self._in_conflict = 0
        self._ceiling = 1.0

    def see(self, batch: Sequence[Sample]) -> None:
        """Hash prompts and rows; plain text has none."""
        for one in batch:
            if one.plain_prompt:
                self._prompts.append(hashed(one.plain_prompt))
                self._keys.append(one.key)
                self._lines.append(one.line)

    def wanted(self) -> Iterable[int]:
        """Rows of one prompt with different answers."""
        prompts = np.frombuffer(self._prompts, dtype=np.uint64)
        keys = np.frombuffer(self._keys, dtype=np.uint64)
        if not len(prompts):
            return ()
        order = np.lexsort((keys, prompts))
        new_prompt = _changes(prompts[order])
        new_pair = new_prompt | _changes(keys[order])
        group = np.cumsum(new_prompt) - 1
        answers = np.bincount(group, weights=new_pair)
        sizes = np.bincount(np.cumsum(new_pair) - 1)
        commonest = np.zeros(len(answers), dtype=np.int64)
        np.maximum.at(commonest, group[new_pair], sizes)
        self._in_conflict = int((answers[group] > 1).sum())
        self._ceiling = float(commonest.sum() / len(prompts))
        # A row for each answer of the prompt that has most of them.
        worst = (group == int(np.argmax(answers))) & new_pair & (answers[group] > 1)
        lines = np.frombuffer(self._lines, dtype=np.int64)[order[worst]]
        self._shown = [int(line) for line in lines[:SHOWN]]
        return self._shown

    def findings(self, seen: Seen) -> Findings:
        """The share of rows in conflict, and the most that any model can reach."""
        n = len(self._prompts)
        if not n:
            return Findings((), (NotChecked(RULE.name, "the rows have no prompts"),))
        share = self._in_conflict / n
        says = (
            f"{counted(self._in_conflict, 'row')} of {n:,} have a prompt that is "
            "answered differently elsewhere"
        )
        if share:
            says += f"; no model can match more than {100 * self._ceiling:.1f} %"
        return Findings((RULE.check(share, says, seen.examples(self._shown)),))


def _changes(values: Hashes) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.concatenate([[True], values[1:] != values[:-1]])
