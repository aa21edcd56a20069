"""Columns of a square: checkpoints, or pairs of them, in a fair order."""

from __future__ import annotations

from itertools import pairwise
from math import gcd
from typing import TYPE_CHECKING

from harness.identity import content_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.campaign import Campaign

PAIR = 2
"""More than these are judged together as sets, which have no columns of their own."""

BLOCK = 25
"""Prompts that are worked off together, so that a campaign can end early: those rated
so far then have been rated for all checkpoints."""


def columns_of(
    campaign: Campaign, waves: Mapping[str, int], order: Sequence[str]
) -> dict[frozenset[str], tuple[int, int]]:
    """Checkpoint, or pair of them, to the wave and the column in which it stands.

    Neighbours are those between which there was no other when the later one joined.

    Args:
        campaign: says what is compared with what.
        waves: checkpoint to its wave.
        order: the checkpoints by series and step.
    """
    found = {}
    for wave in sorted(set(waves.values())):
        known = [checkpoint for checkpoint in order if waves[checkpoint] <= wave]
        shuffled = sorted(known, key=lambda one: content_hash(campaign.plan.seed, one))
        groups: Iterable[tuple[str, ...]] = ((one,) for one in shuffled)
        if campaign.scheme.together == PAIR:
            groups = tournament(shuffled)
            if campaign.plan.pairs == "neighbours":
                wanted = {frozenset(pair) for pair in pairwise(known)}
                groups = [pair for pair in groups if frozenset(pair) in wanted]
        new = [of for of in groups if max(waves[one] for one in of) == wave]
        found.update({frozenset(of): (wave, at) for at, of in enumerate(new)})
    return found


def tournament(players: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every pair once, nobody again before everybody else has played.

    Where the number of players is odd, one of them rests in each round.
    """
    seats = [*players, *[None] * (len(players) % 2)]
    half = len(seats) // 2
    for _ in seats[1:]:
        for one, two in zip(seats[:half], reversed(seats[half:]), strict=True):
            if one is not None and two is not None:
                yield one, two
        seats = [*seats[:1], *seats[-1:], *seats[1:-1]]


def round_of(place: int, column: int, width: int, prompts: int) -> int:
    """The round in which a prompt's column is worked off, from 0.

    Each block of prompts is a square of its own, one diagonal of which is a round. With
    few prompts a round has but a part of the columns, and the next round goes on with
    those that come after them.

    Args:
        place: of the prompt among those drawn, from 0.
        column: number of the column.
        width: how many columns there are.
        prompts: how many prompts there are.
    """
    block, within = divmod(place, BLOCK)
    stride = min(BLOCK, prompts - block * BLOCK)
    while gcd(stride, width) > 1:
        stride += 1
    return block * width + (within + column) * pow(stride, -1, width) % width
