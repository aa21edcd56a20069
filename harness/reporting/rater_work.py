"""How each rater worked: campaign by campaign, and for ratings made elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.campaign import campaigns_of
from harness.quality import Imported, imported_quality, rater_quality
from harness.reporting.given_ratings import numbered
from harness.reporting.people import CampaignRaters, RaterWork

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.campaign import Campaign
    from harness.quality import RaterQuality
    from harness.reporting.evidence import Evidence
    from harness.reporting.given_ratings import GivenRatings
    from harness.reporting.people import Reliability
    from harness.study import StudyFile

RATED_HERE = """
    SELECT 1 FROM units JOIN campaigns ON campaigns.id = units.campaign
    WHERE campaigns.task = ? LIMIT 1
"""


def rated_here(study: StudyFile, task: str) -> list[Campaign]:
    """The campaigns of a task that this study dealt out, oldest first.

    Raises:
        StudyError: one of them was made by another version of Tandem.
    """
    return campaigns_of(study, task) if study.column(RATED_HERE, [task]) else []


def rater_work(
    study: StudyFile,
    campaigns: Sequence[Campaign],
    evidence: Evidence,
    reliability: Sequence[Reliability],
) -> tuple[CampaignRaters, ...]:
    """Everybody who rated, by campaign; ratings made elsewhere come last.

    Args:
        study: what the campaigns are in.
        campaigns: of the task, see `rated_here`.
        evidence: with the ratings as they were given.
        reliability: of the same ratings.
    """
    found = [(one.name, rater_quality(study, one)) for one in campaigns]
    known = {one.rater for _, raters in found for one in raters}
    given = evidence.given
    numbers = [n for n, name in evidence.rater_names.items() if name not in known]
    elsewhere = given.kept(np.isin(given.rater, numbers))
    if elsewhere:
        work = imported_quality(
            _imported(evidence, elsewhere), _scale(evidence, elsewhere)
        )
        found.append(("", work))
    return tuple(
        CampaignRaters(name, tuple(_beside_the_model(raters, reliability)))
        for name, raters in found
        if raters
    )


def _imported(evidence: Evidence, ratings: GivenRatings) -> Imported:
    """What each rater said of each output that was shown."""
    once = ratings.once()
    # The newest rating tells of which kind a rater is.
    people = {
        number: (evidence.rater_names[number], kind)
        for number, kind in zip(once.rater.tolist(), once.kind, strict=True)
    }
    kinds = [kind for _, kind in people.values()]
    rater = numbered(once.rater.tolist())[1]
    return Imported(
        raters=tuple(people.values()),
        rater=rater,
        kind=numbered(kinds)[1][rater],
        page=once.assignment,
        unit=numbered(once.rated)[1],
        criterion=numbered(once.criterion)[1],
        value=once.value,
        seconds=once.seconds,
    )


def _scale(evidence: Evidence, ratings: GivenRatings) -> float:
    """The longest of the criteria's scales; as far as they were used where unknown."""
    longest = 0.0
    used = ratings.by_criterion()
    for criterion in evidence.criteria:
        low, high = criterion.low, criterion.high
        if low is None or high is None:
            some = used[criterion.name].value if criterion.name in used else np.zeros(1)
            low, high = float(some.min()), float(some.max())
        longest = max(longest, high - low)
    # Where all ratings are the same, nothing is divided by nothing.
    return longest or 1.0


def _beside_the_model(
    raters: Sequence[RaterQuality], reliability: Sequence[Reliability]
) -> Iterator[RaterWork]:
    severity: dict[str, list[float]] = {}
    noise: dict[str, list[float]] = {}
    for rater in (rater for one in reliability for rater in one.raters):
        if rater.severity is not None:
            severity.setdefault(rater.rater, []).append(rater.severity)
        if rater.noise is not None:
            noise.setdefault(rater.rater, []).append(rater.noise)
    for one in raters:
        points, spread = severity.get(one.rater), noise.get(one.rater)
        yield RaterWork(
            quality=one,
            severity=float(np.mean(points)) if points else None,
            noise=float(np.sqrt(np.mean(np.square(spread)))) if spread else None,
        )
