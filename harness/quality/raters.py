"""Every rater's work in a campaign."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from harness.quality.answers import (
    answers_of,
    compares,
    means_of_others,
    scale_of,
    totals_of,
)
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
from harness.quality.warnings import carelessness, warnings
from harness.stats.bootstrap import undefined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.campaign import Campaign
    from harness.quality.answers import Answered, Question
    from harness.study import StudyFile
    from harness.types import Json

    Totals = Mapping[Question, tuple[float, int]]

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
    units = _Units.of(study, campaign)
    found = []
    by_rater, totals = _grouped(answers_of(study, campaign))
    for row in study.rows(RATERS, [campaign.id]):
        mine = by_rater.get(row["name"], [])
        others = means_of_others(totals[row["kind"]], mine) if mine else {}
        found.append(_judged(campaign, units, row, mine, others))
    low, high = scale_of(campaign)
    return warned_of(found, high - low)


def _grouped(
    answers: Iterable[Answered],
) -> tuple[dict[str, list[Answered]], dict[str, Totals]]:
    """Each rater's answers, and what all raters of a kind said together."""
    by_rater: dict[str, list[Answered]] = {}
    by_kind: dict[str, list[Answered]] = {}
    for one in answers:
        by_rater.setdefault(one.rater, []).append(one)
        by_kind.setdefault(one.rater_kind, []).append(one)
    return by_rater, {kind: totals_of(of) for kind, of in by_kind.items()}


def warned_of(found: Sequence[RaterQuality], scale: float) -> list[RaterQuality]:
    """The raters with what looks wrong beside the others of their kind."""
    warned = []
    for one in found:
        others = [o for o in found if o.rater != one.rater and o.kind == one.kind]
        warned.append(
            replace(
                one,
                warnings=warnings(one, others, scale),
                careless=bool(carelessness(one, others)),
            )
        )
    return warned


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
    mine: Sequence[Answered],
    others: Mapping[Question, float],
) -> RaterQuality:
    """One rater's work beside the means of the others."""
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
