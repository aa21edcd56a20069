"""How each rater worked: campaign by campaign, and for ratings made elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.campaign import campaigns_of
from harness.quality import Imported, imported_quality, rater_quality
from harness.reporting.people import CampaignRaters, RaterWork

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from harness.campaign import Campaign
    from harness.quality import RaterQuality
    from harness.reporting.evidence import Evidence, Rating
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
    elsewhere = [
        one for one in evidence.ratings if evidence.rater_names[one.rater] not in known
    ]
    if elsewhere:
        given = _imported(evidence, elsewhere)
        found.append(("", imported_quality(given, _scale(evidence, elsewhere))))
    return tuple(
        CampaignRaters(name, tuple(_beside_the_model(raters, reliability)))
        for name, raters in found
        if raters
    )


def _imported(evidence: Evidence, ratings: Iterable[Rating]) -> Imported:
    """What each rater said of each output that was shown."""
    once = list({one.id: one for one in ratings}.values())
    people = {
        number: (evidence.rater_names[number], kind)
        for number, kind in {one.rater: one.kind for one in once}.items()
    }
    kinds = [kind for _, kind in people.values()]
    rater = _numbered([one.rater for one in once])
    return Imported(
        raters=tuple(people.values()),
        rater=rater,
        kind=_numbered(kinds)[rater],
        page=np.array([one.assignment for one in once], dtype=np.intp),
        unit=_numbered([one.rated for one in once]),
        criterion=_numbered([one.criterion for one in once]),
        value=np.array([one.value for one in once], dtype=float),
        seconds=np.array(
            [np.nan if one.seconds is None else one.seconds for one in once]
        ),
    )


def _numbered(names: Sequence[Hashable]) -> NDArray[np.intp]:
    """The number of each name, in the order of their first use."""
    number: dict[Hashable, int] = {}
    numbered = (number.setdefault(name, len(number)) for name in names)
    return np.fromiter(numbered, np.intp, len(names))


def _scale(evidence: Evidence, ratings: Sequence[Rating]) -> float:
    """The longest of the criteria's scales; as far as they were used where unknown."""
    longest = 0.0
    for criterion in evidence.criteria:
        low, high = criterion.low, criterion.high
        if low is None or high is None:
            used = [one.value for one in ratings if one.criterion == criterion.name]
            low, high = min(used, default=0.0), max(used, default=0.0)
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
