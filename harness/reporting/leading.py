"""How far the best is ahead of all others, and later checkpoints of the first.

The best is clearly so only if the interval of its difference from *every* other
checkpoint excludes 0. That it was picked by looking then costs nothing: of checkpoints
that are all alike, one is called clearly best with a chance of at most 5 % (Gutmann and
Maymin 1987, Annals of Statistics 15, 456-461, for normal means; the tests simulate it).
Of later checkpoints against the first p is adjusted by Holm's method.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from harness.reporting.combined import BEST, LATER, TWO
from harness.stats.paired import holm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.reporting.both_judged import Sheet
    from harness.reporting.combined import Combined, Combiner, Kind
    from harness.reporting.evidence import Evidence
    from harness.reporting.lead import Lead

MOST_LATER = 10
"""Later checkpoints of a series that are shown, evenly spread and with the last."""


def combined(
    combiner: Combiner, leads: Sequence[Lead]
) -> tuple[tuple[Combined, ...], tuple[Lead, ...]]:
    """All rows of a task, and its leads, which then rest on them.

    Args:
        combiner: makes the estimates.
        leads: of the report; those by comparisons keep their own interval where three
            or more checkpoints were compared, since it is of all comparisons.
    """
    evidence = combiner.evidence
    ids = {label: id_ for id_, label in evidence.labels.items()}
    rows: list[Combined] = []
    found: list[Lead] = []
    for lead in leads:
        if lead.kind == "metric":
            found.append(lead)
            continue
        sheet = combiner.sheet(lead.by)
        pair = (ids[lead.second], ids[lead.best])
        if lead.kind == "preference":
            met = list(_compared(evidence, lead.by))
            one = combiner.by_comparisons(sheet, pair, BEST)
            later = _later(evidence, met, one.kind, combiner, sheet)
            found.append(_surely(lead, one) if len(met) == len(pair) else lead)
        else:
            rated = [id_ for id_ in sheet.number if len(sheet.rated(id_).value)]
            one = combiner.by_ratings(sheet, pair, BEST)
            later = _later(evidence, rated, one.kind, combiner, sheet)
            rival = _rival(combiner, sheet, pair, one, rated)
            found.append(replace(_surely(lead, one), rival=rival))
        rows += [one, *_adjusted(later)]
    return tuple(rows), tuple(found)


def two_combined(combiner: Combiner, pair: tuple[str, str]) -> list[Combined]:
    """The second of two checkpoints beside the first, by all that people judged.

    Args:
        combiner: makes the estimates.
        pair: ids of both.
    """
    found = []
    for criterion in combiner.evidence.mean_ratings:
        sheet = combiner.sheet(criterion)
        if all(len(sheet.rated(id_).value) for id_ in pair):
            found.append(combiner.by_ratings(sheet, pair, TWO))
    for one in combiner.evidence.comparisons.criteria:
        met = _compared(combiner.evidence, one.name)
        if all(id_ in met for id_ in pair):
            sheet = combiner.sheet(one.name)
            found.append(combiner.by_comparisons(sheet, pair, TWO))
    return [one for one in found if one.alone.n]


def _rival(
    combiner: Combiner,
    sheet: Sheet,
    pair: tuple[str, str],
    one: Combined,
    rated: Sequence[str],
) -> str | None:
    """Label of a third checkpoint that the best is not surely ahead of."""
    second, best = pair
    others = (id_ for id_ in rated if id_ not in {best, second})
    # Where it is not ahead even of the next best, the others make no difference.
    for other in others if one.better else ():
        if not combiner.by_ratings(sheet, (other, best), BEST).better:
            return combiner.evidence.labels[other]
    return None


def _surely(lead: Lead, one: Combined) -> Lead:
    """The lead, resting on ratings and scores together."""
    made = one.both.as_estimate()
    if made.value is None:
        return lead
    ends = (None if end is None else end - one.null for end in (made.low, made.high))
    low, high = ends
    needed = lead.needed
    if needed is not None and one.both.effective_n > one.both.n:
        needed = ceil(needed * one.both.n / one.both.effective_n)
    ahead = replace(made, value=made.value - one.null, low=low, high=high)
    unit = "win rate above half" if lead.kind == "preference" else lead.unit
    return replace(lead, difference=ahead, needed=needed, unit=unit)


def _later(
    evidence: Evidence,
    judged: Sequence[str],
    kind: Kind,
    combiner: Combiner,
    sheet: Sheet,
) -> list[Combined]:
    make = combiner.by_ratings if kind == "criterion" else combiner.by_comparisons
    made = [make(sheet, pair, LATER) for pair in _firsts(evidence, judged)]
    return [one for one in made if one.alone.n]


def _firsts(evidence: Evidence, judged: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The first of each series and each later one, or some of them."""
    by_series: dict[str, list[str]] = {}
    for one in evidence.checkpoints:
        if one.id in judged:
            by_series.setdefault(one.series, []).append(one.id)
    for first, *later in by_series.values():
        places = np.linspace(0, len(later) - 1, min(len(later), MOST_LATER))
        for place in np.unique(places.round().astype(int)):
            yield first, later[place]


def _compared(evidence: Evidence, criterion: str) -> dict[str, None]:
    return {
        row[side]: None
        for row in evidence.comparisons.rows
        if row["criterion"] == criterion
        for side in ("one", "two")
    }


def _adjusted(rows: Sequence[Combined]) -> list[Combined]:
    adjusted = holm([one.both.p_value(one.null) for one in rows])
    return [replace(one, p=p) for one, p in zip(rows, adjusted, strict=True)]
