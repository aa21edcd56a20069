"""Whether raters judge the same outputs differently in a later wave."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from harness.quality.answers import answers_of, compares
from harness.quality.model import Drift
from harness.stats.bootstrap import mean_estimate, undefined
from harness.stats.paired import randomisation_p
from harness.study.checkpoints import stored_checkpoints

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from harness.campaign import Campaign
    from harness.quality.answers import Answered
    from harness.study import StudyFile
    from harness.types import Estimate

    Floats = NDArray[np.float64]
    Said = Mapping[str, float]
    """Rater to number."""

ANCHORS = """
    SELECT id, wave, copy_of FROM units
    WHERE campaign = ? AND kind = 'anchor' ORDER BY wave, id
"""
CHECKPOINTS = """
    SELECT unit_outputs.unit, outputs.checkpoint FROM unit_outputs
    JOIN units ON units.id = unit_outputs.unit
    JOIN outputs ON outputs.id = unit_outputs.output
    WHERE units.campaign = ? ORDER BY unit_outputs.unit, unit_outputs.place
"""


def drift(study: StudyFile, campaign: Campaign) -> list[Drift]:
    """How anchors were judged in each later wave and, before, where they come from.

    One entry for each later wave and criterion. People alone count where there are
    any. Equal weight to each anchor; the interval resamples anchors, p is that of
    exchanging waves anchor by anchor.
    """
    numbers = _numbers(study, campaign)
    anchors: dict[int, list[tuple[int, int]]] = {}
    for unit, wave, earlier in study.db.execute(ANCHORS, [campaign.id]):
        anchors.setdefault(wave, []).append((earlier, unit))
    return [
        _of_wave(
            campaign,
            wave,
            criterion.name,
            [
                (
                    numbers.get((a, criterion.name), {}),
                    numbers.get((b, criterion.name), {}),
                )
                for a, b in pairs
            ],
        )
        for wave, pairs in anchors.items()
        for criterion in campaign.plan.criteria
    ]


def _of_wave(
    campaign: Campaign, wave: int, criterion: str, pairs: Sequence[tuple[Said, Said]]
) -> Drift:
    judged = [(earlier, later) for earlier, later in pairs if earlier and later]
    overall = [
        (fmean(earlier.values()), fmean(later.values())) for earlier, later in judged
    ]
    same = [
        (fmean(earlier[name] for name in both), fmean(later[name] for name in both))
        for earlier, later in judged
        if (both := earlier.keys() & later.keys())
    ]
    difference, p = _tested(overall)
    same_raters, same_raters_p = _tested(same)
    return Drift(
        campaign.name, wave, criterion, difference, p, same_raters, same_raters_p
    )


def _tested(pairs: Sequence[tuple[float, float]]) -> tuple[Estimate, float | None]:
    """Mean of later minus earlier, and its p."""
    if not pairs:
        return undefined("no anchor was rated in both waves"), None
    ones = np.ones(len(pairs))
    earlier, later = (np.column_stack([side, ones]) for side in np.array(pairs).T)
    p = randomisation_p(earlier, later, _mean)
    return mean_estimate(later[:, 0] - earlier[:, 0]), p


def _mean(sums: Floats) -> Floats:
    quotient: Floats = sums[..., 0] / sums[..., 1]
    return quotient


def _numbers(
    study: StudyFile, campaign: Campaign
) -> dict[tuple[int, str], dict[str, float]]:
    """Unit and criterion to what each rater said, in one number."""
    answers = answers_of(study, campaign)
    people = any(one.rater_kind == "person" for one in answers)
    kind = "person" if people else "simulated"
    order = _order(study, campaign) if compares(campaign) else {}
    found: dict[tuple[int, str], dict[str, float]] = {}
    for one in answers:
        if one.rater_kind != kind or one.kind not in {"normal", "anchor"}:
            continue
        for criterion in one.points:
            number = _number(one, criterion, order.get(one.unit))
            if number is not None:
                found.setdefault((one.unit, criterion), {})[one.rater] = number
    return found


def _number(
    answer: Answered, criterion: str, order: Sequence[int] | None
) -> float | None:
    """A rating; in comparisons how often the later checkpoint was preferred."""
    points = answer.points[criterion]
    if order is None:
        return fmean(points.values())
    later = [
        number for (one, other), number in points.items() if order[one] > order[other]
    ]
    return fmean(later) if later else None


def _order(study: StudyFile, campaign: Campaign) -> dict[int, list[int]]:
    """Unit to the place in order of training of each of its outputs' checkpoints."""
    known: Iterable[str] = (one.id for one in stored_checkpoints(study, campaign.task))
    rank = {checkpoint: place for place, checkpoint in enumerate(known)}
    found: dict[int, list[int]] = {}
    for unit, checkpoint in study.db.execute(CHECKPOINTS, [campaign.id]):
        found.setdefault(unit, []).append(rank[checkpoint])
    return found
