"""Every rater's work in a campaign."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from harness.quality.answers import answers_of, compares, means_of_others, scale_of
from harness.quality.measures import (
    agreement,
    commonest_share,
    degraded_hits,
    gold_hits,
    left_share,
    longest_run,
    page_of,
    repeats,
    severity,
)
from harness.quality.model import RaterQuality
from harness.quality.warnings import warnings
from harness.stats.bootstrap import undefined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.campaign import Campaign
    from harness.quality.answers import Answered
    from harness.study import StudyFile
    from harness.types import Json

RATERS = """
    SELECT raters.name, raters.kind, sum(assignments.state = 'skipped') AS skipped
    FROM assignments JOIN raters ON raters.id = assignments.rater
    WHERE assignments.campaign = ? AND assignments.kind <> 'example'
        AND assignments.state IN ('rated', 'skipped')
    GROUP BY raters.id ORDER BY raters.name
"""


def rater_quality(study: StudyFile, campaign: Campaign) -> list[RaterQuality]:
    """Each rater's work in a campaign, by name; examples are left out.

    People are compared with people, simulated raters with their like.
    """
    answers = answers_of(study, campaign)
    units = _Units.of(study, campaign)
    found = []
    for row in study.rows(RATERS, [campaign.id]):
        alike = [one for one in answers if one.rater_kind == row["kind"]]
        found.append(_judged(campaign, units, row, alike))
    low, high = scale_of(campaign)
    return [
        replace(
            one,
            warnings=warnings(
                one,
                [o for o in found if o.rater != one.rater and o.kind == one.kind],
                high - low,
            ),
        )
        for one in found
    ]


@dataclass(frozen=True, slots=True)
class _Units:
    """What checks are held against."""

    contents: Mapping[int, str]
    """Gold unit to what it shows and expects."""
    copy_of: Mapping[int, int]
    """Damaged unit to its original."""

    @classmethod
    def of(cls, study: StudyFile, campaign: Campaign) -> _Units:
        contents, copy_of = (
            study.mapping(
                f"SELECT id, {column} FROM units WHERE campaign = ? AND kind = ?",  # noqa: S608 - constants
                [campaign.id, kind],
            )
            for column, kind in (("content", "gold"), ("copy_of", "degraded"))
        )
        return cls(contents, copy_of)


def _judged(
    campaign: Campaign,
    units: _Units,
    rater: Mapping[str, Json],
    alike: Sequence[Answered],
) -> RaterQuality:
    """One rater's work beside that of all raters of the kind."""
    mine = [one for one in alike if one.rater == rater["name"]]
    others = means_of_others(alike, rater["name"])
    low, high = scale_of(campaign)
    pages = [page_of(one) for one in mine]
    times = [one.seconds for one in mine if one.seconds is not None]
    return RaterQuality(
        rater=rater["name"],
        kind=rater["kind"],
        rated=len(mine),
        skipped=rater["skipped"],
        flagged=sum(one.flagged for one in mine),
        seconds=median(times) if times else None,
        agreement=agreement(mine, others, high - low),
        severity=undefined("outputs are compared, not rated")
        if compares(campaign)
        else severity(mine, others),
        gold=gold_hits(mine, units.contents, campaign.plan.scheme),
        repeats=repeats(mine),
        degraded=degraded_hits(mine, units.copy_of, low),
        longest_run=longest_run(pages),
        commonest=commonest_share(pages),
        left=left_share(mine),
    )
