"""How campaigns drew their prompts: how probably, and from which strata.

Where all judgments are of one campaign that drew from strata, they are estimated as the
stratified sample that they are, about the prompts that it could have drawn. Otherwise
each prompt counts by how likely some campaign drew it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from harness.stats.rated_prompts import Design, joined_strata

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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
STRATA = """
    SELECT campaign, item, stratum FROM campaign_items
    JOIN campaigns ON campaigns.id = campaign
    WHERE campaigns.task = ? AND stratum IS NOT NULL
"""
SIZES = """
    SELECT campaign, count(place) FROM campaign_items
    JOIN campaigns ON campaigns.id = campaign
    WHERE campaigns.task = ? GROUP BY campaign
"""
_ALIKE = 1e-9
"""Difference of probabilities below which they are equal."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """How the prompts of a task's campaigns were drawn."""

    chances: Mapping[int, tuple[int, float]] = field(default_factory=dict)
    """Assignment to its campaign and the probability of its prompt; empty where every
    campaign drew all its prompts alike and none from strata."""
    strata: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    """Campaign that drew from strata to each prompt that it could draw, by its id, to
    the stratum."""
    sizes: Mapping[int, int] = field(default_factory=dict)
    """Campaign to how many prompts it drew, of those where that is noted."""

    def strata_of(self, assignments: Iterable[int]) -> Mapping[str, int] | None:
        """Prompts to strata, where all judgments are of one campaign with strata."""
        campaigns = {self.chances.get(one, (None, 0.0))[0] for one in assignments}
        if len(campaigns) != 1:
            return None
        [campaign] = campaigns
        return None if campaign is None else self.strata.get(campaign)

    def design(
        self, given: Iterable[tuple[int, int]], judged: NDArray[np.bool_]
    ) -> Design:
        """The design of what was judged: how likely some campaign drew each prompt.

        A campaign that did not draw a prompt had its mean chance of doing so. Midway
        a drawn prompt is judged as likely as the share of those that are says.

        Args:
            given: assignment, and number of the prompt, of each judgment.
            judged: shape (prompts,), of which there are some.
        """
        chance: dict[int, dict[int, float]] = {}
        for assignment, prompt in given:
            if assignment in self.chances:
                campaign, probability = self.chances[assignment]
                chance.setdefault(campaign, {})[prompt] = probability
        if not chance:
            return Design()
        missed = np.ones(len(judged))
        for campaign, of in chance.items():
            mean = float(np.mean(list(of.values())))
            so_far = sum(bool(judged[prompt]) for prompt in of)
            share = min(1.0, so_far / self.sizes.get(campaign, so_far or 1))
            missed *= [
                1 - share * of.get(number, mean) for number in range(len(judged))
            ]
        return Design(probabilities=np.where(judged, 1 - missed, np.nan))


def stratified(strata: Sequence[int], judged: NDArray[np.bool_]) -> Design:
    """The design of a sample from strata, of which few may be judged so far.

    Args:
        strata: (prompts,), the stratum of each.
        judged: (prompts,), of which there are some.
    """
    return Design(strata=joined_strata(np.asarray(strata, dtype=np.intp), judged))


def in_words(design: Design) -> str:
    """How prompts were drawn, as a clause; empty where they were drawn all alike."""
    if design.strata is not None:
        number = len(np.unique(design.strata))
        return f"prompts were drawn from {number} strata" if number > 1 else ""
    if design.probabilities is None:
        return ""
    chance = np.asarray(design.probabilities, dtype=float)
    chance = chance[np.isfinite(chance)]
    if not chance.size or np.ptp(chance) < _ALIKE:
        return ""
    return "prompts were drawn with unequal probabilities, which are undone"


def drawn(study: StudyFile, task: str) -> Drawn:
    """How the prompts of the task's campaigns were drawn."""
    strata: dict[int, dict[str, int]] = {}
    for campaign, item, stratum in study.tuples(STRATA, [task]):
        strata.setdefault(campaign, {})[item] = stratum
    strata = {one: of for one, of in strata.items() if len(set(of.values())) > 1}
    if not strata and not study.column(UNEQUAL, [task]):
        return Drawn()
    rows = study.tuples(CHANCES, [task])
    return Drawn(
        {one: (campaign, chance) for one, campaign, chance in rows},
        strata,
        study.mapping(SIZES, [task]),
    )
