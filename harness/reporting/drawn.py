"""With what probability campaigns drew their prompts, where these are unequal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from harness.stats.rated_prompts import Design

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from harness.study import StudyFile

UNEQUAL = """
    SELECT 1 FROM assignments JOIN campaigns ON campaigns.id = assignments.campaign
    WHERE campaigns.task = ?
    GROUP BY campaign HAVING max(probability) - min(probability) > 1e-9
"""
CHANCES = """
    SELECT assignments.id, campaign, probability FROM assignments
    JOIN campaigns ON campaigns.id = assignments.campaign WHERE campaigns.task = ?
"""


@dataclass(frozen=True, slots=True)
class Drawn:
    """How the prompts of a task's campaigns were drawn."""

    chances: Mapping[int, tuple[int, float]] = field(default_factory=dict)
    """Assignment to its campaign and the probability of its prompt; empty where every
    campaign drew all its prompts alike."""

    def design(
        self, given: Iterable[tuple[int, int]], judged: NDArray[np.bool_]
    ) -> Design:
        """The design of what was judged: how likely some campaign drew each prompt.

        A campaign that did not draw a prompt had its mean chance of doing so.

        Args:
            given: assignment, and number of the prompt, of each judgment.
            judged: shape (prompts,), of which there are some.
        """
        if not self.chances:
            return Design()
        chance: dict[int, dict[int, float]] = {}
        for assignment, prompt in given:
            if assignment in self.chances:
                campaign, probability = self.chances[assignment]
                chance.setdefault(campaign, {})[prompt] = probability
        missed = np.ones(len(judged))
        for of in chance.values():
            mean = float(np.mean(list(of.values())))
            missed *= [1 - of.get(prompt, mean) for prompt in range(len(judged))]
        return Design(probabilities=np.where(judged, 1 - missed, np.nan))


def drawn(study: StudyFile, task: str) -> Drawn:
    """How the prompts of the task's campaigns were drawn."""
    if not study.column(UNEQUAL, [task]):
        return Drawn()
    rows = study.tuples(CHANCES, [task])
    return Drawn({one: (campaign, chance) for one, campaign, chance in rows})
