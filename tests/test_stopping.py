"""Campaigns that are watched and stopped when settled keep what intervals promise."""

from types import SimpleNamespace

import numpy as np
import pytest
from rating_study import a_task

from harness.choosing import choose
from harness.pairing import Pair
from harness.settling import look, settling

pytestmark = pytest.mark.slow
PROMPTS, DRAWN, RUNS = 240, 60, 400
EQUAL = 0.2


def a_campaign(draw, gain, seed):
    """Prompts like others, a fifth of them answered alike, drawn as the plan says.

    People's differences have the mean `gain` and the spread 1.1 (5 points, nearly); the
    metric's, on another scale, correlate with them by 0.6.
    """
    rng = np.random.default_rng(seed)
    kept = np.flatnonzero(rng.random(PROMPTS) >= EQUAL)
    truth = rng.normal(gain, 1, len(kept))
    metric = 20 * (truth + rng.normal(0, 1.2, len(kept)))
    said = truth + rng.normal(0, 0.5, len(kept))
    gaps = dict.fromkeys(map(str, range(PROMPTS)), 0.0)
    gaps |= {str(at): abs(score) for at, score in zip(kept, metric, strict=True)}
    plan = a_task(items=DRAWN, draw=draw, seed=seed).file.rating
    chances = choose(list(gaps), plan, gaps)
    number = {str(at): place for place, at in enumerate(kept)}
    known = {one.item: one for one in chances}
    mine = [known[str(at)] for at in kept]
    order = [
        number[one.item]
        for one in chances
        if one.place is not None and one.item in number
    ]
    n = len(order)
    return Pair(
        criterion="meaning",
        first="a",
        second="b",
        comparing=False,
        scale=(-20, 20),
        prompts=tuple(number),
        equal=PROMPTS - len(kept),
        drawn=n,
        metric="chrf|v1",
        scores=np.column_stack([np.zeros(len(kept)), metric]),
        prompt=np.repeat(order, 2),
        side=np.tile([0, 1], n),
        rater=np.zeros(2 * n, dtype=int),
        value=np.column_stack([np.zeros(n), said[order]]).ravel(),
        probabilities=np.array([one.probability for one in mine])
        if draw == "active"
        else None,
        strata=np.array([one.stratum for one in mine])
        if draw == "stratified"
        else None,
    )


@pytest.fixture(scope="module", params=["random", "stratified", "active"])
def campaigns(request):
    """Of each run: whether it was wrongly settled, and estimates at two sizes."""
    runs = []
    for seed in range(RUNS):
        level = a_campaign(request.param, 0.0, seed)
        alarm = any(
            settled(level, 2 * rated) for rated in range(10, level.drawn + 1, 4)
        )
        better = a_campaign(request.param, 0.6, RUNS + seed)
        runs.append(
            SimpleNamespace(
                alarm=alarm, part=look(better, 60).combined, whole=look(better).combined
            )
        )
    return runs


def settled(pair, ratings):
    always = look(pair, ratings).always
    return always.low is not None and not always.low <= 0 <= always.high


def test_stopping_when_settled_is_wrong_at_most_one_time_in_twenty(campaigns):
    assert np.mean([run.alarm for run in campaigns]) <= 0.05


@pytest.mark.parametrize("size", ["part", "whole"])
def test_estimates_are_unbiased_and_covered_as_promised(campaigns, size):
    # The equal fifth differs by nothing.
    truth = (1 - EQUAL) * 0.6
    found = [getattr(run, size) for run in campaigns]
    values = np.array([one.value for one in found])
    assert abs(values.mean() - truth) <= 4 * values.std() / RUNS**0.5
    covered = np.mean([one.low <= truth <= one.high for one in found])
    # Two standard errors of a share of 95 % in 400 runs, and a point for few ratings.
    assert 0.92 <= covered <= 0.99


def test_a_clear_difference_is_mostly_settled_before_the_campaign_ends():
    found = [settling(a_campaign("random", 1.0, seed)).better for seed in range(40)]
    assert found.count("second") >= 36
    assert "first" not in found
