"""From intervals to pass or fail: by hand, against scipy, and by simulation."""

from dataclasses import replace

import numpy as np
import pytest
from report_study import Maker
from scipy import stats

from harness.gating.deciding import ALPHA, decided, p_value
from harness.gating.model import Gain, Rules
from harness.gating.rated import ByPeople
from harness.gating.scored import ByMetric, stretched
from harness.progress import silent
from harness.reporting.combined import Combiner
from harness.reporting.estimates import rebuild
from harness.reporting.evidence import Rating, gather
from harness.stats.sharpened import LIKE_THESE
from harness.study import StudyFile
from harness.types import Estimate

BETTER = Rules(require="better")


def a_gain(low, value, high, df=None):
    return Gain(Estimate(value, low, high, n=20), df)


@pytest.mark.parametrize(
    ("interval", "limit", "outcome", "not_worse", "better"),
    [
        ((0.1, 0.3, 0.5), 0, "better", True, True),
        ((-0.1, 0.1, 0.3), 0, "not clear", True, False),
        ((-0.5, -0.3, -0.1), 0, "worse", False, False),
        ((-0.5, -0.3, -0.1), -0.2, "not clear", True, False),
        ((-0.15, -0.1, -0.05), -0.2, "better", True, True),
        ((0.1, 0.3, 0.5), 0.6, "worse", False, False),
    ],
)
def test_an_interval_beside_a_margin(interval, limit, outcome, not_worse, better):
    gains = [a_gain(*interval)]
    [lax] = decided(gains, [limit], Rules())
    [strict] = decided(gains, [limit], BETTER)
    assert lax.outcome == strict.outcome == outcome
    assert (lax.passed, strict.passed) == (not_worse, better)


def test_without_an_interval_only_better_fails_unless_told_otherwise():
    gains = [Gain(Estimate(0.3, method="one item"))]
    given = [
        Rules(),
        BETTER,
        Rules(on_missing="fail"),
        replace(BETTER, on_missing="pass"),
    ]
    passed = [decided(gains, [0], rules)[0].passed for rules in given]
    assert passed == [True, False, False, True]


def test_p_is_that_of_the_t_test():
    values = np.random.default_rng(1).normal(-0.2, 1, size=15)
    test = stats.ttest_1samp(values, 0.1, alternative="less")
    low, high = stats.ttest_1samp(values, 0).confidence_interval()
    gain = a_gain(low, values.mean(), high, df=14.0)
    assert p_value(gain, 0.1, worse=True) == pytest.approx(test.pvalue)
    assert p_value(gain, 0.1, worse=False) == pytest.approx(1 - test.pvalue)


def test_p_crosses_its_level_where_the_interval_ends():
    gain = a_gain(-1.0, -0.5, -0.1)
    assert p_value(gain, -0.1, worse=True) == pytest.approx(ALPHA)
    assert p_value(gain, -1.0, worse=False) == pytest.approx(ALPHA)


def test_several_conditions_share_the_false_alarms():
    gains = [a_gain(-1.01, -0.5, -0.01), a_gain(-0.5, 0.0, 0.5)]
    alone = decided(gains[:1], [0], Rules())
    both = decided(gains, [0, 0], Rules())
    each = decided(gains, [0, 0], Rules(adjust=False))
    assert [one.passed for one in (*alone, *both, *each)] == [
        *(False,),
        *(True, True),
        *(False, True),
    ]
    assert both[0].outcome == "worse"
    assert both[0].p_adjusted == pytest.approx(2 * both[0].p)


def test_better_in_all_is_not_adjusted():
    gains = [a_gain(0.01, 0.5, 1.01), a_gain(0.01, 0.5, 1.01)]
    assert all(one.passed for one in decided(gains, [0, 0], BETTER))


def test_few_items_widen_a_bootstrap_interval_as_t_does():
    found = stretched(Estimate(0.0, -1.96, 1.96, n=10))
    assert found.high == pytest.approx(
        np.sqrt(10 / 9) * stats.t.ppf(0.975, 9), rel=1e-3
    )
    assert found.low == -found.high
    assert stretched(Estimate(0.5, n=1)).low is None


# The promise, by the very path that a gate takes


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    """60 prompts that two checkpoints answered; scores and ratings come later."""
    study = StudyFile(tmp_path_factory.mktemp("gate") / "study.db")
    maker = Maker(study)
    maker.metrics = ("exact_match",)
    keys = [str(number) for number in range(60)]
    maker.items(*((key, key, (key,)) for key in keys))
    for step, name in enumerate(("old", "new")):
        maker.checkpoint(name, dict.fromkeys(keys, name), step=step)
    maker.rate("ann", "meaning", {("old", "0"): 3})
    found, metrics, _ = rebuild(gather(study, "rewrite"))
    [metric] = metrics.values()
    ids = [maker.checkpoints[name].id for name in ("new", "old")]
    yield found, metric, ids
    study.close()


def a_metric_gain(evidence, rng, drop, items):
    """Scores of both, correlated as scores of the same prompts are."""
    found, metric, ids = evidence
    scores = {id_: {} for id_ in ids}
    shared = rng.normal(size=items)
    for id_, less in zip(ids, (drop, 0), strict=True):
        own = shared + rng.normal(size=items) - less
        old = found.scores[id_][metric.signature]
        values = np.append(own, np.full(len(old) - items, np.nan))
        scores[id_][metric.signature] = replace(old, values=values).as_means()
    made = replace(found, scores=scores)
    return ByMetric(made, metric, *ids, None, Rules(), silent).gain()


def a_rating_gain(evidence, rng, drop, rated):
    """Ratings of some prompts beside scores of all that say something of them."""
    found, metric, ids = evidence
    assignment = found.ratings[0].assignment
    latent = rng.normal(size=60)
    chosen = rng.choice(60, rated, replace=False)
    ratings, scores = [], {id_: {} for id_ in ids}
    for id_, less in zip(ids, (drop, 0), strict=True):
        own = latent + rng.normal(size=60) - less
        said = own + rng.normal(scale=0.5, size=60)
        outputs = found.outputs[id_]
        of_output = {one.id: value for one, value in zip(outputs, said, strict=True)}
        old = found.scores[id_][metric.signature]
        values = np.array([of_output[one] for one in old.outputs])
        scores[id_][metric.signature] = replace(old, values=values).as_means()
        ratings += [
            Rating(
                0,
                outputs[i].id,
                assignment,
                outputs[i].id,
                "meaning",
                own[i],
                1,
                "person",
                None,
            )
            for i in chosen
        ]
    made = replace(found, scores=scores, ratings=tuple(ratings))
    combiner = Combiner(made, metric.signature, "", LIKE_THESE)
    return ByPeople(combiner, "meaning", *ids, None, 0.0).of_ratings()


def shares(make, evidence, drop, n, trials, seed=0):
    """How often `not-worse` fails, and how often `better` passes."""
    rng = np.random.default_rng(seed)
    gains = [make(evidence, rng, drop, n) for _ in range(trials)]
    failed = [not decided([one], [0], Rules())[0].passed for one in gains]
    passed = [decided([one], [0], BETTER)[0].passed for one in gains]
    return np.mean(failed), np.mean(passed)


def power(drop, n, spread):
    """Of the one-sided t test of n differences at 2.5 %."""
    shift = drop * np.sqrt(n) / spread
    return stats.nct.sf(stats.t.ppf(1 - ALPHA, n - 1), n - 1, shift)


TRIALS = 2000
CHANCE = 2.6 * np.sqrt(ALPHA * (1 - ALPHA) / TRIALS)
"""A gate of exactly 2.5 % is beyond it in one of 200 simulations."""


@pytest.mark.slow
@pytest.mark.parametrize("n", [12, 30])
@pytest.mark.parametrize("make", [a_metric_gain, a_rating_gain])
def test_without_a_difference_a_gate_errs_in_two_and_a_half_percent(make, evidence, n):
    failed, passed = shares(make, evidence, 0.0, n, TRIALS)
    assert 0.005 < failed < ALPHA + CHANCE
    assert 0.005 < passed < ALPHA + CHANCE


@pytest.mark.slow
def test_a_drop_in_a_metric_is_caught_as_often_as_computed(evidence):
    failed, passed = shares(a_metric_gain, evidence, 0.7, 30, 1000)
    assert failed == pytest.approx(power(0.7, 30, np.sqrt(2)), abs=0.05)
    assert passed == 0


@pytest.mark.slow
def test_a_drop_in_ratings_is_caught_more_often_than_ratings_alone_would(evidence):
    failed, passed = shares(a_rating_gain, evidence, 0.7, 30, 1000)
    alone = power(0.7, 30, np.sqrt(2))
    # The metric's R² of 0.8 is worth 0.8 * 30 / 60 of the variance at best.
    assert alone + 0.05 < failed <= power(0.7, 30, np.sqrt(2 * (1 - 0.8 / 2))) + 0.03
    assert passed == 0


@pytest.mark.slow
def test_of_five_equal_conditions_any_fails_in_two_and_a_half_percent(evidence):
    rng = np.random.default_rng(5)
    adjusted = each = 0
    for _ in range(600):
        gains = [a_metric_gain(evidence, rng, 0.0, 30) for _ in range(5)]
        shared = decided(gains, [0] * 5, Rules())
        alone = decided(gains, [0] * 5, Rules(adjust=False))
        adjusted += any(not one.passed for one in shared)
        each += any(not one.passed for one in alone)
    assert adjusted / 600 < ALPHA + 2.6 * np.sqrt(ALPHA * (1 - ALPHA) / 600)
    assert each / 600 > 0.07
