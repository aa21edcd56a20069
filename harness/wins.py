"""Who won against whom in a campaign that compares outputs.

It says what the view `preferences` says of one campaign, without the scores beside it,
and fast enough for a page that is looked at while people rate.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from harness.given import answers_to_units

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.campaign import Campaign
    from harness.given import Given
    from harness.study import StudyFile

WRITERS = """
    SELECT units.id, unit_outputs.place, mine.item, mine.checkpoint
    FROM units
    JOIN unit_outputs ON unit_outputs.unit = units.id
    JOIN outputs AS rated ON rated.id = unit_outputs.output
    JOIN current_outputs AS mine ON mine.item = rated.item
        AND mine.text = rated.text AND mine.sample = rated.sample
    WHERE units.campaign = ? AND units.live AND units.kind = 'normal'
"""
# `+` keeps SQLite from looking for the pairs by checkpoint.
EQUAL = """
    SELECT a.item, a.checkpoint AS one, b.checkpoint AS two
    FROM json_each(:items) AS chosen
    JOIN current_outputs AS a ON a.item = chosen.value AND a.sample = 0
    JOIN current_outputs AS b ON b.item = a.item AND b.sample = 0
        AND b.text = a.text AND b.id > a.id
    WHERE +a.checkpoint IN (SELECT checkpoint FROM waves WHERE campaign = :campaign)
        AND +b.checkpoint IN (SELECT checkpoint FROM waves WHERE campaign = :campaign)
"""
CHOICES = {"first": 1.0, "second": 0.0}


@dataclass(frozen=True, slots=True)
class Win:
    """One comparison as seen by one of the two checkpoints."""

    checkpoint: str
    """Id of the checkpoint."""
    item: str
    """Id of the prompt."""
    criterion: str
    """Name of the criterion."""
    won: float
    """1 if it won, 0 if it lost, 0.5 for a tie."""


def wins(study: StudyFile, campaign: Campaign) -> Iterator[Win]:
    """Each comparison that counts, twice; equal outputs are ties without a rater."""
    writers: dict[int, dict[int, list[str]]] = {}
    item_of: dict[int, str] = {}
    for row in study.each(WRITERS, [campaign.id]):
        places = writers.setdefault(row["id"], {})
        places.setdefault(row["place"], []).append(row["checkpoint"])
        item_of[row["id"]] = row["item"]
    for given in _pages(study, campaign):
        unit, criterion = given[0].unit, given[0].criterion
        for one, two, won in _outcomes(given):
            for a in writers[unit].get(one, ()):
                for b in writers[unit].get(two, ()):
                    yield Win(a, item_of[unit], criterion, won)
                    yield Win(b, item_of[unit], criterion, 1 - won)
    equal = {"items": json.dumps(campaign.items), "campaign": campaign.id}
    for item, first, second in study.db.conn.execute(EQUAL, equal):
        for asked in campaign.plan.criteria:
            yield Win(first, item, asked.name, 0.5)
            yield Win(second, item, asked.name, 0.5)


def _pages(study: StudyFile, campaign: Campaign) -> Iterator[list[Given]]:
    """What each rater answered on each unit to each question."""
    pages: dict[tuple[int, int, str], list[Given]] = {}
    for given in answers_to_units(study, campaign):
        key = given.unit, given.rater, given.criterion
        pages.setdefault(key, []).append(given)
    yield from pages.values()


def _outcomes(given: list[Given]) -> Iterator[tuple[int, int, float]]:
    """Two places, and how far the first of them won."""
    [first, *_] = given
    if first.choice is not None:
        yield 0, 1, CHOICES.get(first.choice, 0.5)
        return
    ranks: Mapping[int, float] = {one.place: one.value or 0.0 for one in given}
    for one, two in combinations(sorted(ranks), 2):
        gap = ranks[two] - ranks[one]
        yield one, two, 0.5 if gap == 0 else float(gap > 0)
