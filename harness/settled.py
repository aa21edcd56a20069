"""What the owner watches while people rate: is it settled which is better?

Two pairs of each campaign, fixed before anything is rated: the first checkpoint and the
latest, and the one before the latest and the latest. A pair that were chosen by what
its ratings say, such as the best two, would be settled too soon. Each interval holds at
every look for its own question, not for all questions together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.overview import labels_of
from harness.pairing import ratings_of
from harness.settling import Look, Settling, looks, settling

if TYPE_CHECKING:
    from harness.campaign import Campaign
    from harness.study import StudyFile


@dataclass(frozen=True, slots=True)
class Watched:
    """One question, and how its answer came to be."""

    criterion: str
    """Name of the criterion."""
    first: str
    """The earlier checkpoint, with its series if there are several."""
    second: str
    """The later one."""
    scale: tuple[float, float]
    """Least and largest value that there can be."""
    null: float
    """The value at which neither is better."""
    settled: bool
    """Whether it is settled which is better."""
    verdict: str
    """Whether it is settled, and if not, how many ratings that might take."""
    now: Settling
    """The estimates from all ratings."""
    looks: tuple[Look, ...]
    """The estimates as ratings came."""


def watched(study: StudyFile, campaign: Campaign) -> tuple[Watched, ...]:
    """The campaign's questions, by criterion.

    Raises:
        NotFound: the metric that the plan draws by has no scores any more.
    """
    read = ratings_of(study, campaign)
    labels = labels_of(study, campaign.task)
    order = [checkpoint for checkpoint in read.texts if checkpoint in labels]
    pairs = dict.fromkeys(
        (first, order[-1]) for first in (order[:1] + order[-2:-1]) if first != order[-1]
    )
    found = []
    for criterion in campaign.plan.criteria:
        for first, second in pairs:
            pair = read.pair(criterion.name, first, second)
            now = settling(pair)
            low, high = pair.scale
            found.append(
                Watched(
                    criterion=criterion.name,
                    first=labels[first],
                    second=labels[second],
                    scale=(low, high) if pair.comparing else (low - high, high - low),
                    null=now.null,
                    settled=now.better is not None,
                    verdict=verdict(now, labels[first], labels[second]),
                    now=now,
                    looks=looks(pair),
                )
            )
    return tuple(found)


def verdict(now: Settling, first: str, second: str) -> str:
    """Whether it is settled who is better, in words."""
    if now.better is not None:
        return f"settled: {second if now.better == 'second' else first} is better"
    if not now.ratings:
        return "nobody has rated both yet"
    if now.more is None:
        return "not settled, and too early or too close to say how many more it takes"
    more = f"not settled: about {now.more:,} more ratings of the two"
    if now.enough_prompts:
        return more
    return f"{more}, and this campaign has prompts for fewer"
