"""How often gates on people's judgment err, by simulation.

Raters differ here, so that the truth is what all raters like these would say. In 3,000
gates each 2.5 % were 2.0 to 2.1 % for win rates by one rater, and 2.3 to 3.5 % by five
to ten raters, five having the most; 2,000 have a standard error of 0.35 points.
"""

from dataclasses import replace

import numpy as np
import pytest
from made_evidence import METRIC, evidence_of

from harness.gating.deciding import decided
from harness.gating.model import Rules
from harness.gating.rated import ByPeople
from harness.reporting import combined
from harness.reporting.combined import Combiner
from harness.reporting.preferred import Comparisons
from harness.stats.sharpened import LIKE_THESE

BETTER = Rules(require="better")
PROMPTS, RATED = 60, 30
TRIALS = 2000
MOST = 0.04


def asked(evidence, threshold=None):
    """The later checkpoint against the earlier one, or against a threshold."""
    combiner = Combiner(evidence, METRIC, "", LIKE_THESE)
    base = None if threshold is not None else "c0"
    return ByPeople(combiner, "meaning", "c1", base, threshold, 0.0)


def compared(rng, *, drop, raters=1, lean=0.0):
    """Win rates of the later one; each rater leans to one side by so much."""
    gap, leaning = rng.normal(size=PROMPTS), lean * rng.normal(size=raters)
    scores = np.stack([0 * gap, gap + rng.normal(0, 0.5, PROMPTS)])
    one_rating = np.full((1, 2, PROMPTS), np.nan)
    one_rating[0, :, 0] = 3
    rows = [
        {"item": f"i{prompt}", "one": "c1", "two": "c0", "rater": rater}
        | {"outcome": 0.5 if abs(said) < 0.3 else float(said > 0), "identical": 0}
        | {"assignment": 0, "criterion": "meaning"}
        for prompt in rng.permutation(PROMPTS)[:RATED]
        for rater in range(raters)
        for said in [gap[prompt] + leaning[rater] - drop + rng.normal(0, 0.7)]
    ]
    known = replace(evidence_of(one_rating, scores), comparisons=Comparisons(rows))
    return asked(known).of_comparisons()


def rated(rng, *, drop, raters, threshold=None):
    """Ratings by raters who are strict, and who like one checkpoint more."""
    item = 3 + 0.5 * rng.normal(size=PROMPTS) + 0.5 * rng.normal(size=(2, PROMPTS))
    strict = 0.5 * rng.normal(size=(raters, 1, 1))
    human = item + strict + 0.3 * rng.normal(size=(raters, 2, 1))
    human = human + 0.5 * rng.normal(size=(raters, 2, PROMPTS))
    human[:, 1] -= drop
    scores = human.mean(axis=0) + rng.normal(0, 0.3, (2, PROMPTS))
    human[:, :, rng.permutation(PROMPTS)[RATED:]] = np.nan
    # A scale whose ends nobody reaches.
    known = evidence_of(human, scores, scale=(-50, 50))
    return asked(known, threshold).of_ratings()


def shares(make, *, trials=TRIALS, seed=1, **about):
    """How often `not-worse` fails, and how often `better` passes."""
    rng = np.random.default_rng(seed)
    gains = [make(rng, **about) for _ in range(trials)]
    failed = [not decided([one], [0], Rules())[0].passed for one in gains]
    passed = [decided([one], [0], BETTER)[0].passed for one in gains]
    return float(np.mean(failed)), float(np.mean(passed))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "about"),
    [
        (compared, {}),
        (compared, {"raters": 6, "lean": 0.5}),
        (rated, {"raters": 6}),
        (rated, {"raters": 8, "threshold": 3.0}),
    ],
    ids=["win rates", "win rates, six raters", "six raters", "threshold"],
)
def test_without_a_difference_a_gate_seldom_errs(make, about):
    failed, passed = shares(make, drop=0.0, **about)
    assert 0.005 < failed < MOST
    assert 0.005 < passed < MOST


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "about", "caught"),
    [
        (compared, {"drop": 0.8}, 0.85),
        (rated, {"drop": 0.8, "raters": 8, "threshold": 3.0}, 0.75),
    ],
    ids=["win rates", "threshold"],
)
def test_a_clear_drop_is_caught(make, about, caught):
    failed, passed = shares(make, trials=300, **about)
    assert failed > caught
    assert passed == 0


@pytest.mark.slow
def test_without_the_raters_part_many_raters_would_raise_false_alarms(monkeypatch):
    monkeypatch.setattr(combined, "LEAST_RATERS", 99)
    assert min(shares(rated, trials=600, drop=0.0, raters=6)) > 0.06
