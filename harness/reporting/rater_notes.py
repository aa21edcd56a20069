"""Notes on those who rated: whose work looks wrong, and drift between waves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.campaign import campaigns_of
from harness.errors import StudyError
from harness.quality import drift, rater_quality
from harness.reporting.formats import counted, listed, on_one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.campaign import Campaign
    from harness.quality import Drift
    from harness.study import StudyFile

SIGNIFICANT = 0.05
RATED_HERE = """
    SELECT 1 FROM units JOIN campaigns ON campaigns.id = units.campaign
    WHERE campaigns.task = ? LIMIT 1
"""


def rater_notes(study: StudyFile, task: str) -> list[str]:
    """What a reader must know of the raters of a task's campaigns."""
    if not study.column(RATED_HERE, [task]):
        return []
    try:
        campaigns = campaigns_of(study, task)
    except StudyError as error:
        return [str(error)]
    found: list[str] = []
    for campaign in campaigns:
        found += _of_quality(study, campaign)
        found += _of_drift(drift(study, campaign))
    return found


def _of_quality(study: StudyFile, campaign: Campaign) -> Iterator[str]:
    raters = rater_quality(study, campaign)
    doubtful = [one for one in raters if one.warnings]
    if doubtful:
        names = [
            f"{on_one_line(one.rater)} ({'; '.join(one.warnings)})" for one in doubtful
        ]
        yield (
            f"{len(doubtful)} of {counted(len(raters), 'rater')} of campaign "
            f"{campaign.name} may need a look, and all still count: {listed(names)}. "
            "harness list raters says more."
        )


def _of_drift(waves: list[Drift]) -> Iterator[str]:
    for one in waves:
        if one.p is None or one.p >= SIGNIFICANT or one.difference.value is None:
            continue
        same = one.same_raters
        alone = (
            ""
            if same.value is None
            else f"; by the same raters {same.value:+.2f}, p {one.same_raters_p:.3f}"
        )
        yield (
            f"Drift: in wave {one.wave} of campaign {one.campaign}, "
            f"{counted(one.difference.n, 'unit')} that had been judged before "
            f"came out {one.difference.value:+.2f} on {one.criterion} "
            f"(p {one.p:.3f}{alone}). Waves may not compare."
        )
