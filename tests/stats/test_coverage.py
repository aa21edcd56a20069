"""How often intervals hold the truth, by seeded simulation: nominal 95 %.

Six checkpoints of given quality, 60 items, ratings in three steps, so that people tie
many outputs. What is true is what 30,000 items give, or for values that depend on the
number of items (SPA) their mean over all simulations.
"""

from __future__ import annotations

import numpy as np
import pytest

from harness.stats import coefficients
from harness.stats.agreement import alpha
from harness.stats.chance import gwet
from harness.stats.correlation import by_item
from harness.stats.icc import icc
from harness.stats.kendall import tau_bs
from harness.stats.sample import Sample
from harness.stats.system_level import of_pairs

pytestmark = pytest.mark.slow

RUNS, DRAWS, ITEMS = 250, 300, 60
QUALITY = np.linspace(-1, 1, 6)[:, None]
SEGMENT = (
    *("pearson", "spearman", "kendall", "acc_eq", "acc_star_eq"),
    *("acc_star_eq_held_out", "epsilon", "pdp"),
)


def judgments(rng, items):
    """Scores and ratings of six checkpoints that share the items' difficulty."""
    quality = QUALITY + 0.7 * rng.normal(size=(1, items)) + rng.normal(size=(6, items))
    human = np.clip(np.round(2 + 0.6 * (quality + rng.normal(size=(6, items)))), 1, 3)
    return quality + rng.normal(size=(6, items)), human


def limits(estimate):
    """Value, low and high; the value alone where there is no interval."""
    low, high = estimate.low, estimate.high
    value = estimate.value
    return value, value if low is None else low, value if high is None else high


@pytest.fixture(scope="module")
def simulated():
    """Name to the truth (None: unknown) and the limits of all simulations."""
    rng = np.random.default_rng(99)
    many = judgments(rng, 30_000)
    of_many = by_item(Sample.of(*many, 0, 0))
    truth = {name: getattr(of_many, name).value for name in SEGMENT}
    truth["pooled tau"] = tau_bs(*many)[0].value
    found = {name: [] for name in (*truth, "spa", "system pearson")}
    rng = np.random.default_rng(1)
    for run in range(RUNS):
        sample = Sample.of(*judgments(rng, ITEMS), DRAWS, run)
        segment, systems = by_item(sample), of_pairs(sample)
        for name in SEGMENT:
            found[name].append(limits(getattr(segment, name)))
        found["spa"].append(limits(systems.spa))
        found["system pearson"].append(limits(systems.pearson))
        pooled, _ = coefficients.concordance(sample.metric, sample.human)
        tau = pooled.tau_b(sample.weights)[:, 0]
        found["pooled tau"].append((tau[0], *np.quantile(tau[1:], [0.025, 0.975])))
    return truth, {name: np.array(rows) for name, rows in found.items()}


def coverage(simulated, name):
    """How often the interval holds the truth, and how far values are off on average."""
    truth, found = simulated
    values, low, high = found[name].T
    target = truth.get(name, values.mean())
    return np.mean((low <= target) & (target <= high)), values.mean() - target


@pytest.mark.parametrize(
    "name",
    [*SEGMENT[:4], *SEGMENT[5:], "pooled tau", "spa", "system pearson"],
)
def test_of_agreement_90_to_99_in_a_hundred_hold_the_truth(simulated, name):
    assert 0.9 <= coverage(simulated, name)[0] <= 0.99


def test_acc_star_eq_is_optimistic_and_its_interval_holds_the_truth_less_often(
    simulated,
):
    # Epsilon is chosen on the same data, and again in each resample.
    covered, above = coverage(simulated, "acc_star_eq")
    assert 0.84 <= covered <= 0.93
    assert above > 0.005
    assert coverage(simulated, "acc_star_eq_held_out")[1] < 0


def five_steps(rng, items):
    """As `judgments`, with ratings in five steps and a better metric: few ties."""
    quality = QUALITY + 0.7 * rng.normal(size=(1, items)) + rng.normal(size=(6, items))
    human = np.clip(np.round(3 + 0.9 * (quality + rng.normal(size=(6, items)))), 1, 5)
    return quality + 0.5 * rng.normal(size=(6, items)), human


def test_the_interval_of_an_epsilon_near_zero_holds_it_far_less_often():
    # Epsilon is 0 or more, so that what is chosen from few items is mostly too large.
    truth = by_item(Sample.of(*five_steps(np.random.default_rng(99), 30_000), 0, 0))
    rng, found = np.random.default_rng(1), []
    for run in range(RUNS):
        drawn = Sample.of(*five_steps(rng, ITEMS), DRAWS, run)
        found.append(limits(by_item(drawn).epsilon))
    values, low, high = np.array(found).T
    held = np.mean((low <= truth.epsilon.value) & (truth.epsilon.value <= high))
    assert 0.6 <= held <= 0.85
    assert values.mean() > 0.05 > truth.epsilon.value


RATER_MEASURES = {
    "ICC(1)": icc,
    "ICC(1,k)": lambda ratings, **options: icc(ratings, averaged=True, **options),
    "AC2": lambda ratings, **options: gwet(
        ratings, range(1, 6), weighting="quadratic", **options
    ),
    "alpha, ordinal": lambda ratings, **o: alpha(ratings, scale="ordinal", **o),
    "alpha, interval": lambda ratings, **o: alpha(ratings, scale="interval", **o),
    "alpha, ratio": lambda ratings, **o: alpha(ratings, scale="ratio", **o),
}


@pytest.mark.parametrize("name", RATER_MEASURES)
def test_of_raters_91_to_98_in_a_hundred_hold_the_truth(name):
    measure, rng = RATER_MEASURES[name], np.random.default_rng(2)

    def ratings(units):
        noisy = rng.normal(size=(units, 1)) + rng.normal(size=(units, 3))
        found = np.clip(np.round(3 + noisy), 1, 5)
        found[rng.random(found.shape) < 0.2] = np.nan
        return found

    truth = measure(ratings(100_000), draws=0).value
    runs = [measure(ratings(60), draws=300) for _ in range(600)]
    # With quadratic weights AC2 of few units is too high, and in resamples once more.
    least = 0.86 if name == "AC2" else 0.91
    assert least <= np.mean([one.low <= truth <= one.high for one in runs]) <= 0.98
