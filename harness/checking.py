"""Checks among a rater's units: gold, hidden repeats, damaged copies; and the training.

Each kind has its rate. Of every 1 / rate units that a rater is shown, one, at a seeded
place of the rater's own, is such a check, so that nobody can tell when one comes; none
is the first. They follow from the seed, the rater and what the rater has done, and
nothing else, so that a restart changes nothing. Checks take no places and come only as
long as there is something to rate. Examples come before everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.drawing import Unit
from harness.identity import content_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.campaign import Campaign
    from harness.study import StudyFile
    from harness.study.raters import Rater

APART = 5
"""Units that stand at least between a unit and its repeat, where there are so many."""

FINISHED = """
    SELECT kind, state, count(*) FROM assignments
    WHERE campaign = ? AND rater = ? AND state IN ('rated', 'skipped')
    GROUP BY kind, state
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
ORIGINALS = """
    SELECT units.id, units.copy_of FROM units
    JOIN units AS original ON original.id = units.copy_of AND original.live
    WHERE units.campaign = ? AND units.kind = 'degraded'
"""


@dataclass(frozen=True, slots=True)
class _Pace:
    """When checks of one kind come to one rater."""

    kind: str
    rate: float
    given: int
    """How many the rater has dealt with."""
    left: int
    """How many more there are, or will be as far as can be known."""
    first: int
    """The unit, counted from 0, from which on they may come."""

    def due(self, units: int, *seed: int | str) -> int:
        """How many are owed once the rater has dealt with so many units."""
        if not self.rate or units <= self.first:
            return 0
        # One at a seeded place in every stretch of 1 / rate units.
        blocks, within = divmod((units - self.first) * self.rate, 1.0)
        digits = content_hash(*seed, self.kind, int(blocks))
        by_now = int(blocks) + (within > int(digits, 16) / 16 ** len(digits))
        return int(max(0, min(self.given + self.left, by_now) - self.given))


@dataclass(frozen=True, slots=True)
class _Schedule:
    """What one rater has dealt with in a campaign, and which checks are to come."""

    seed: tuple[int | str, ...]
    done: int
    """Units that the rater has dealt with, checks included."""
    paces: tuple[_Pace, ...]

    @classmethod
    def of(
        cls, study: StudyFile, campaign: Campaign, rater: Rater, units: Sequence[Unit]
    ) -> _Schedule:
        """The schedule of a rater who could still rate these units."""
        plan = campaign.plan
        counts: dict[str, int] = {}
        rated = 0
        for kind, state, count in study.db.conn.execute(
            FINISHED, [campaign.id, rater.id]
        ):
            counts[kind] = counts.get(kind, 0) + count
            rated += count if (kind, state) == ("normal", "rated") else 0
        counts.pop("example", None)
        gold, degraded, repeats = (
            counts.get(kind, 0) for kind in ("gold", "degraded", "repeat")
        )
        copies = (
            len(_copies(study, campaign, rater, units)) if plan.degraded_rate else 0
        )
        paces = (
            _Pace("gold", plan.gold_rate, gold, len(campaign.gold) - gold, 1),
            _Pace("degraded", plan.degraded_rate, degraded, copies, 1),
            _Pace(
                "repeat",
                plan.repeat_rate,
                repeats,
                rated + len(units) - repeats,
                APART + 1,
            ),
        )
        return cls((plan.seed, rater.name), sum(counts.values()), paces)

    def owed(self) -> list[str]:
        """Kinds of checks of which one is due now."""
        now = self.done + 1
        return [pace.kind for pace in self.paces if pace.due(now, *self.seed)]

    def until(self, left: int) -> int:
        """How many checks come before the last of so many units."""
        checks = 0
        while True:
            total = self.done + left + checks
            due = sum(pace.due(total, *self.seed) for pace in self.paces)
            if due <= checks:
                return checks
            checks = due


def next_check(
    study: StudyFile, campaign: Campaign, rater: Rater, units: Sequence[Unit]
) -> Unit | None:
    """The example or check that the rater is to see now; None if it is none's turn.

    `units` are those that the rater could still rate, at least one.
    """
    if campaign.examples and (found := _unseen(study, campaign, rater, "example")):
        return found[0]
    if not has_checks(campaign):
        return None
    choose = {"gold": _gold, "degraded": _degraded, "repeat": _repeat}
    for kind in _Schedule.of(study, campaign, rater, units).owed():
        if (unit := choose[kind](study, campaign, rater, units)) is not None:
            return unit
    return None


def checks_left(
    study: StudyFile, campaign: Campaign, rater: Rater, units: Sequence[Unit]
) -> int:
    """How many checks come before the last of the units that a rater could still rate.

    With them, what is left goes down by one with every answer, whatever it was to.
    """
    if not units:
        return 0
    return _Schedule.of(study, campaign, rater, units).until(len(units))


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
    study: StudyFile, campaign: Campaign, rater: Rater, _units: Sequence[Unit]
) -> Unit | None:
    unseen = _unseen(study, campaign, rater, "gold")
    return min(unseen, key=_shuffled(campaign, rater), default=None)


def _degraded(
    study: StudyFile, campaign: Campaign, rater: Rater, units: Sequence[Unit]
) -> Unit | None:
    """A copy of what was rated a while ago; else of what the rater is to rate late."""
    mine = [unit for unit, _ in _mine_in_order(study, campaign, rater)]
    long_ago, lately = set(mine[:-APART]), set(mine[-APART:])
    coming = {unit.id: unit for unit in units}
    shuffled = _shuffled(campaign, rater)

    def preference(pair: tuple[Unit, int]) -> tuple[int, int, int, str]:
        copy, original = pair
        if original in long_ago:
            return 0, 0, 0, shuffled(copy)
        if original in coming and original not in lately:
            ahead = coming[original]
            return 1, -ahead.wave, -ahead.round, shuffled(copy)
        return 2, 0, 0, shuffled(copy)

    copies = _copies(study, campaign, rater, units)
    return min(copies, key=preference)[0] if copies else None


def _copies(
    study: StudyFile, campaign: Campaign, rater: Rater, units: Sequence[Unit]
) -> list[tuple[Unit, int]]:
    """Copies that the rater has not seen, of units that they have rated or may rate."""
    originals = dict(study.db.conn.execute(ORIGINALS, [campaign.id]).fetchall())
    known = {unit for unit, _ in _mine_in_order(study, campaign, rater)}
    known |= {unit.id for unit in units}
    return [
        (unit, originals[unit.id])
        for unit in _unseen(study, campaign, rater, "degraded")
        if originals.get(unit.id) in known
    ]


def _repeat(
    study: StudyFile, campaign: Campaign, rater: Rater, _units: Sequence[Unit]
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
