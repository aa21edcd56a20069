"""Columns of a square: every pair once, and nobody much more often than others."""

from collections import Counter
from itertools import combinations

import pytest

from harness.columns import tournament


@pytest.mark.parametrize("players", range(9))
def test_everybody_meets_everybody_once(players):
    names = [f"ckpt-{number}" for number in range(players)]
    met = [frozenset(pair) for pair in tournament(names)]
    assert len(met) == players * (players - 1) // 2
    assert set(met) == {frozenset(pair) for pair in combinations(names, 2)}


@pytest.mark.parametrize("players", range(2, 12))
def test_at_any_time_nobody_played_two_games_more_than_another(players):
    names = [f"ckpt-{number}" for number in range(players)]
    games = Counter(dict.fromkeys(names, 0))
    for pair in tournament(names):
        games.update(pair)
        assert max(games.values()) - min(games.values()) <= 2
