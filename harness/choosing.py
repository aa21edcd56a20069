"""Which prompts of a task a campaign has, each with the probability that it had.

`random` draws them all alike, without replacement. `stratified` orders prompts by how
far a metric puts the checkpoints apart, cuts that order into strata of equal size, of
which each gets 8 drawn prompts or more, and draws from each in proportion to its size
(Cochran 1977, Sampling Techniques, chapter 5). `active` prefers prompts on which the
metric puts the checkpoints far apart,

    p_i = m [(1 - floor) g_i / sum g + floor / M],

for m of M prompts with gaps g, at most 1 (what is cut off goes to the others). They are
drawn systematically from a random order (Madow 1949; Hartley and Rao 1962), so that
there are m of them and each has just this probability. On real ratings `active` was
worse than `random`: prompts that the metric puts far apart need not be the ones that
people do.

Drawn prompts are rated in an order of which each part is itself such a sample: a random
one, and for strata one that takes turns, so that each part has its share of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, fsum
from typing import TYPE_CHECKING

from harness.identity import content_hash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.taskfile import RatingPlan

PER_STRATUM = 8
"""Fewest drawn prompts of a stratum, where there are two or more strata."""
MOST_STRATA = 4
_LETTERS = 13
_NUMBERS = 16.0**_LETTERS
_CERTAIN = 1 - 1e-9


@dataclass(frozen=True, slots=True)
class Chance:
    """One prompt that could be drawn."""

    item: str
    """Its id."""
    probability: float
    """With which it was drawn, above 0 and at most 1."""
    stratum: int | None = None
    """Its stratum, from 0, those with small differences first; None without strata."""
    place: int | None = None
    """Its place among the drawn prompts, from 0; None if it was not drawn."""


def choose(
    pool: Sequence[str], plan: RatingPlan, gaps: Mapping[str, float]
) -> list[Chance]:
    """Draw prompts with the plan's seed.

    Args:
        pool: ids of all prompts.
        plan: says how many, and how.
        gaps: prompt to how far a metric puts the checkpoints apart, 0 or more; read
            only where the plan draws by it. A prompt without one takes the mean.

    Returns:
        All prompts of the pool, the drawn ones first and in order.
    """
    wanted = len(pool) if plan.items == "all" else min(plan.items, len(pool))
    # Ordered by hash, the draw hardly changes when a prompt joins the pool.
    shuffled = sorted(pool, key=lambda item: content_hash(plan.seed, item))
    mean = fsum(gaps.values()) / len(gaps) if gaps else 1.0
    gap = {item: gaps.get(item, mean) for item in shuffled}
    if plan.draw == "stratified":
        found = _stratified(shuffled, wanted, gap, plan.seed)
    elif plan.draw == "active":
        found = _active(shuffled, wanted, gap, plan)
    else:
        share = wanted / max(len(pool), 1)
        found = [
            Chance(item, share, None, place if place < wanted else None)
            for place, item in enumerate(shuffled)
        ]
    return sorted(found, key=lambda one: (one.place is None, one.place or 0))


def _stratified(
    shuffled: Sequence[str], wanted: int, gap: Mapping[str, float], seed: int
) -> list[Chance]:
    count = min(MOST_STRATA, max(1, wanted // PER_STRATUM))
    # Equal gaps are parted by a hash that has nothing to do with who is drawn.
    ordered = sorted(shuffled, key=lambda item: (gap[item], content_hash("tie", item)))
    edges = [len(ordered) * number // count for number in range(count + 1)]
    stratum_of = {
        item: number
        for number in range(count)
        for item in ordered[edges[number] : edges[number + 1]]
    }
    sizes = [edges[number + 1] - edges[number] for number in range(count)]
    share = _in_proportion(sizes, wanted)
    drawn: list[tuple[float, str]] = []
    for number in range(count):
        inside = [item for item in shuffled if stratum_of[item] == number]
        for place, item in enumerate(inside[: share[number]]):
            # Strata take turns: each has one place in each such step.
            drawn.append(((place + _uniform(seed, "turn", item)) / share[number], item))
    place_of = {item: place for place, (_, item) in enumerate(sorted(drawn))}
    return [
        Chance(
            item,
            share[stratum_of[item]] / sizes[stratum_of[item]],
            stratum_of[item],
            place_of.get(item),
        )
        for item in shuffled
    ]


def _in_proportion(sizes: Sequence[int], wanted: int) -> list[int]:
    """How many of each stratum: their shares, the largest remainders rounded up."""
    total = max(sum(sizes), 1)
    share = [wanted * size // total for size in sizes]
    remainder = sorted(range(len(sizes)), key=lambda n: -(wanted * sizes[n] % total))
    for number in remainder[: wanted - sum(share)]:
        share[number] += 1
    return share


def _active(
    shuffled: Sequence[str], wanted: int, gap: Mapping[str, float], plan: RatingPlan
) -> list[Chance]:
    chance = _chances([gap[item] for item in shuffled], wanted, plan.draw_floor)
    # The order in which prompts are passed is not the one in which they are rated.
    passed = sorted(
        range(len(shuffled)), key=lambda n: content_hash(plan.seed, "pass", shuffled[n])
    )
    start, total, taken = _uniform(plan.seed, "start"), 0.0, set()
    for number in passed:
        before, total = total, total + chance[number]
        if number == passed[-1]:
            total = float(wanted)
        if chance[number] >= _CERTAIN or floor(total - start) > floor(before - start):
            taken.add(number)
    place_of = {number: place for place, number in enumerate(sorted(taken))}
    return [
        Chance(item, chance[number], None, place_of.get(number))
        for number, item in enumerate(shuffled)
    ]


def _chances(gaps: Sequence[float], wanted: int, least: float) -> list[float]:
    """Probabilities that add up to the number wanted, none above 1."""
    total, count = fsum(gaps), len(gaps)
    weight = [
        (1 - least) * (gap / total if total else 1 / count) + least / count
        for gap in gaps
    ]
    certain: set[int] = set()
    while True:
        rest = fsum(w for n, w in enumerate(weight) if n not in certain)
        left = wanted - len(certain)
        chance = [
            1.0 if n in certain else min(1.0, left * w / rest)
            for n, w in enumerate(weight)
        ]
        more = {n for n, p in enumerate(chance) if p >= _CERTAIN}
        if more == certain:
            return chance
        certain = more


def _uniform(*parts: str | int) -> float:
    """A number from 0 up to 1 that the parts decide."""
    return int(content_hash(*parts)[:_LETTERS], 16) / _NUMBERS
