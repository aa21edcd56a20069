"""Notes on those who rated: whose work looks wrong, and drift between waves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.quality import drift
from harness.reporting.formats import counted, listed, on_one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.campaign import Campaign
    from harness.quality import Drift
    from harness.reporting.people import CampaignRaters
    from harness.study import StudyFile

SIGNIFICANT = 0.05
NAMED = 5
"""Raters whose warnings are spelled out; of more the JSON report tells."""


def rater_notes(
    study: StudyFile, campaigns: Sequence[Campaign], work: Sequence[CampaignRaters]
) -> list[str]:
    """What a reader must know of the raters of a task's campaigns."""
    drifted = (note for one in campaigns for note in _of_drift(drift(study, one)))
    return [*(note for one in work for note in _of_quality(one)), *drifted]


def _of_quality(campaign: CampaignRaters) -> Iterator[str]:
    raters = [one.quality for one in campaign.raters]
    doubtful = [one for one in raters if one.warnings]
    doubtful.sort(key=lambda one: not one.careless)
    if not doubtful:
        return
    shown = [
        f"{on_one_line(one.rater)} ({'; '.join(one.warnings)})"
        for one in doubtful[:NAMED]
    ]
    if len(doubtful) > NAMED:
        shown.append(f"{len(doubtful) - NAMED:,} more")
    here = f"of campaign {campaign.campaign}" if campaign.campaign else "from elsewhere"
    yield (
        f"{len(doubtful)} of {counted(len(raters), 'rater')} {here} may need a look, "
        f"and all still count: {listed(shown)}."
        + (" harness list raters says more." if campaign.campaign else "")
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
