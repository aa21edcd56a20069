"""Checks among a rater's units: gold, repeats, damaged copies; and the training.

Each kind has its rate. Of every 1 / rate units that a rater is shown, one, at a seeded
place of the rater's own, is such a check, so that nobody can tell when one comes; none
is the first. They follow from the seed, the rater and what the rater has done, and
nothing else, so that a restart changes nothing. Checks take no places and come only as
long as there is something to rate. Examples come before everything else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.drawing import HELD, RATED, Unit, places_for
from harness.identity import content_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from harness.campaign import Campaign
    from harness.study import StudyFile
    from harness.study.raters import Rater

APART = 5
"""Units that stand at least between a unit and its repeat, where there are so many."""

FINISHED = """
    SELECT kind, state, count(*) FROM assignments
    WHERE campaign = ? AND rater = ? AND state IN ('rated', 'skipped')
        AND kind <> 'example' GROUP BY kind, state
"""
UNIT = """
    SELECT units.id, units.kind, units.item, units.wave, units.round,
        units.probability FROM units
"""
UNSEEN = f"""
    {UNIT} WHERE units.campaign = :campaign AND units.kind = :kind AND NOT EXISTS (
        SELECT 1 FROM assignments WHERE assignments.unit = units.id
            AND assignments.rater = :rater AND state IN ('rated', 'skipped'))
    ORDER BY units.round, units.id
"""  # noqa: S608 - constants
MINE_IN_ORDER = """
    SELECT assignments.unit, assignments.kind FROM assignments
    WHERE campaign = ? AND rater = ? AND state = 'rated' AND kind <> 'example'
    ORDER BY id
"""
REPEATABLE = f"""
    {UNIT} WHERE units.id = ? AND units.live AND NOT EXISTS (
        SELECT 1 FROM assignments JOIN units AS again ON again.id = assignments.unit
        WHERE again.copy_of = units.id AND again.kind = 'anchor'
            AND assignments.rater = ?)
"""  # noqa: S608 - constants
# Each copy's original is looked up by itself: copies are few, and units many.
COPIES = f"""
    WITH held AS MATERIALIZED ({HELD})
    SELECT copies.id, copies.kind, copies.item, units.wave, units.round,
        copies.probability, copies.copy_of
    FROM units AS copies
    JOIN units ON units.id = copies.copy_of AND units.live
    LEFT JOIN held ON held.unit = units.id
    LEFT JOIN assignments AS mine ON mine.unit = units.id AND mine.rater = :rater
        AND mine.kind = 'normal' AND mine.state IN ('rated', 'skipped')
    WHERE copies.campaign = :campaign AND copies.kind = 'degraded'
        AND NOT EXISTS (SELECT 1 FROM assignments WHERE unit = copies.id
            AND rater = :rater AND state IN ('rated', 'skipped'))
        AND CASE WHEN mine.id IS NOT NULL THEN mine.state = 'rated'
            ELSE {RATED} + ifnull(held.raters, 0) < :places END
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class _Pace:
    """When checks of one kind come to one rater."""

    kind: str
    rate: float
    given: int
    """How many the rater has dealt with."""
    first: int
    """The unit, counted from 0, from which on they may come."""

    def due(self, units: int, *seed: int | str) -> int:
        """How many are owed before the rater has dealt with so many units."""
        if not self.rate or units <= self.first:
            return 0
        # One at a seeded place in every stretch of 1 / rate units.
        blocks, within = divmod((units - self.first) * self.rate, 1.0)
        digits = content_hash(*seed, self.kind, int(blocks))
        by_now = int(blocks) + (within > int(digits, 16) / 16 ** len(digits))
        return max(0, int(by_now) - self.given)


@dataclass(frozen=True, slots=True)
class _Schedule:
    """What one rater has dealt with in a campaign, and which checks are to come."""

    seed: tuple[int | str, ...]
    done: int
    """Units that the rater has dealt with, checks included."""
    paces: tuple[_Pace, ...]

    rated: int
    """Units rated, checks aside."""

    @classmethod
    def of(cls, study: StudyFile, campaign: Campaign, rater: Rater) -> _Schedule:
        """The schedule of a rater in a campaign."""
        plan = campaign.plan
        counts: Counter[str] = Counter()
        rated = 0
        for kind, state, count in study.db.conn.execute(
            FINISHED, [campaign.id, rater.id]
        ):
            counts[kind] += count
            rated += count if (kind, state) == ("normal", "rated") else 0
        gold_rate = plan.gold_rate if campaign.gold else 0.0
        paces = (
            _Pace("gold", gold_rate, counts["gold"], 1),
            _Pace("degraded", plan.degraded_rate, counts["degraded"], 1),
            _Pace("repeat", plan.repeat_rate, counts["repeat"], APART + 1),
        )
        return cls((plan.seed, rater.name), counts.total(), paces, rated)

    def owed(self) -> list[str]:
        """Kinds of checks of which one is due now."""
        return [pace.kind for pace in self.paces if pace.due(self.done + 1, *self.seed)]

    def until(self, left: int, available: Mapping[str, int]) -> int:
        """How many checks come before the last of so many units.

        `available` says how many of each kind there are, or will be.
        """
        checks = 0
        while True:
            total = self.done + left + checks
            due = sum(
                min(available[pace.kind], pace.due(total, *self.seed))
                for pace in self.paces
            )
            if due <= checks:
                return checks
            checks = due


def next_check(
    study: StudyFile, campaign: Campaign, rater: Rater, now: datetime
) -> Unit | None:
    """The example or check that the rater is to see now; None if it is none's turn.

    To be asked only as long as there are units for the rater, too.
    """
    if campaign.examples and (found := _unseen(study, campaign, rater, "example")):
        return found[0]
    if not has_checks(campaign):
        return None
    choose = {"gold": _gold, "degraded": _degraded, "repeat": _repeat}
    for kind in _Schedule.of(study, campaign, rater).owed():
        if (unit := choose[kind](study, campaign, rater, now)) is not None:
            return unit
    return None


def checks_left(
    study: StudyFile, campaign: Campaign, rater: Rater, left: int, now: datetime
) -> int:
    """How many checks come before the last of so many units that a rater could rate.

    With them, what is left goes down by one with every answer, whatever it was to.
    """
    if not left or not has_checks(campaign):
        return 0
    schedule = _Schedule.of(study, campaign, rater)
    given = {pace.kind: pace.given for pace in schedule.paces}
    copies = campaign.plan.degraded_rate and len(_copies(study, campaign, rater, now))
    available = {
        "gold": len(campaign.gold) - given["gold"],
        "degraded": int(copies),
        "repeat": schedule.rated + left - given["repeat"],
    }
    return schedule.until(left, available)


def has_checks(campaign: Campaign) -> bool:
    """Whether anything but the campaign's units is shown, the training aside."""
    plan = campaign.plan
    return bool(
        (campaign.gold and plan.gold_rate) or plan.repeat_rate or plan.degraded_rate
    )


def _unseen(
    study: StudyFile, campaign: Campaign, rater: Rater, kind: str
) -> list[Unit]:
    about = {"campaign": campaign.id, "rater": rater.id, "kind": kind}
    return [Unit(*row) for row in study.db.conn.execute(UNSEEN, about)]


def _gold(
    study: StudyFile, campaign: Campaign, rater: Rater, _now: datetime
) -> Unit | None:
    unseen = _unseen(study, campaign, rater, "gold")
    return min(unseen, key=_shuffled(campaign, rater), default=None)


def _degraded(
    study: StudyFile, campaign: Campaign, rater: Rater, now: datetime
) -> Unit | None:
    """A copy of what was rated a while ago; else of what the rater is to rate late."""
    mine = [unit for unit, _ in _mine_in_order(study, campaign, rater)]
    long_ago, lately = set(mine[:-APART]), set(mine[-APART:])
    shuffled = _shuffled(campaign, rater)

    def preference(pair: tuple[Unit, int]) -> tuple[int, int, int, str]:
        copy, original = pair
        if original in long_ago:
            return 0, 0, 0, shuffled(copy)
        return 1 + (original in lately), -copy.wave, -copy.round, shuffled(copy)

    copies = _copies(study, campaign, rater, now)
    return min(copies, key=preference)[0] if copies else None


def _copies(
    study: StudyFile, campaign: Campaign, rater: Rater, now: datetime
) -> list[tuple[Unit, int]]:
    """Copies that the rater has not seen, of units that they have rated or may rate.

    Each with its original, whose round it has.
    """
    found = study.db.conn.execute(COPIES, places_for(campaign, rater, now))
    return [(Unit(*unit), original) for *unit, original in found]


def _repeat(
    study: StudyFile, campaign: Campaign, rater: Rater, _now: datetime
) -> Unit | None:
    """What the rater has judged a while ago; if all was lately, the earliest."""
    mine = _mine_in_order(study, campaign, rater)
    repeated = {unit for unit, kind in mine if kind == "repeat"}
    shuffled = _shuffled(campaign, rater)
    found = []
    for place, (number, kind) in enumerate(mine):
        if kind != "normal" or number in repeated:
            continue
        for row in study.db.conn.execute(REPEATABLE, [number, rater.id]):
            unit = Unit(*row)
            late = max(0, place - (len(mine) - APART) + 1)
            found.append((late, shuffled(unit), unit))
    if not found:
        return None
    return replace(min(found, key=lambda one: one[:2])[2], kind="repeat")


def _mine_in_order(
    study: StudyFile, campaign: Campaign, rater: Rater
) -> list[tuple[int, str]]:
    """Units that the rater has rated, and as what, in the order of their coming."""
    return study.db.conn.execute(MINE_IN_ORDER, [campaign.id, rater.id]).fetchall()


def _shuffled(campaign: Campaign, rater: Rater) -> Callable[[Unit], str]:
    """What puts units into an order of the rater's own."""
    seed = campaign.plan.seed
    return lambda unit: content_hash(seed, rater.name, "check", unit.id)
