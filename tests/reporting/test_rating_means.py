"""Mean ratings of all checkpoints: as if ratings were turned one by one."""

import numpy as np
import pytest
from report_study import fill
from scipy.stats import ttest_1samp

from harness.reporting.evidence import gather
from harness.reporting.rating_means import means_by_checkpoint
from harness.reporting.targets import adjusted, fits, spreads, standardised


@pytest.fixture
def evidence(maker):
    """Two checkpoints rated by three raters, of whom one always gives the same."""
    maker.metrics = ("exact_match",)
    keys = [str(n) for n in range(12)]
    maker.items(*((key, f"say {key}", (f"word {key}",)) for key in keys))
    for name in ("bad", "good"):
        maker.checkpoint(name, {key: f"{name} {key}" for key in keys})
    rng = np.random.default_rng(1)
    places = [(name, key) for name in ("bad", "good") for key in keys[:-1]]
    for rater in ("ann", "ben"):
        given = {place: float(rng.integers(1, 6)) for place in places}
        maker.rate(rater, "meaning", given)
    maker.rate("same", "meaning", {("bad", key): 3.0 for key in keys})
    return gather(maker.study, "rewrite")


def close(found, expected):
    assert found.keys() == expected.keys()
    for criterion, means in expected.items():
        assert found[criterion].keys() == means.keys()
        for id_, mean in means.items():
            one = found[criterion][id_]
            assert (one.value, one.low, one.high) == pytest.approx(
                (mean.value, mean.low, mean.high)
            )
            assert (one.n, one.dropped, one.method) == (
                mean.n,
                mean.dropped,
                mean.method,
            )


def test_a_mean_has_the_t_interval_of_its_prompts(maker):
    evidence = gather(fill(maker, items=20).study, "rewrite")
    [meaning, _] = means_by_checkpoint(evidence).values()
    for checkpoint, found in meaning.items():
        rated = evidence.mean_ratings["meaning"]
        values = [rated[one.id] for one in evidence.outputs[checkpoint]]
        low, high = ttest_1samp(values, 0).confidence_interval()
        assert (found.low, found.high) == pytest.approx((max(1, low), min(5, high)))


def test_z_scores_of_columns_are_those_of_ratings_turned_one_by_one(evidence):
    turns = {name: spread.z for name, spread in spreads(evidence).items()}
    found = means_by_checkpoint(evidence, turns)
    judged = standardised(evidence).evidence
    close(found, means_by_checkpoint(judged, scaled=False))
    [bad, good] = found["meaning"].values()
    # The last item of the bad one has its rating from a rater without spread.
    assert [(one.n, one.dropped) for one in (bad, good)] == [(11, 1), (11, 0)]


def test_severities_are_taken_off_columns_as_off_ratings(maker):
    evidence = gather(fill(maker).study, "rewrite")
    models = fits(evidence)
    turns = {name: model.less_severity for name, model in models.items()}
    unsure = {name: model.unsure for name, model in models.items()}
    found = means_by_checkpoint(evidence, turns, unsure)
    judged = adjusted(evidence, models).evidence
    close(found, means_by_checkpoint(judged, scaled=False))
    known = means_by_checkpoint(evidence, turns)
    for criterion, means in found.items():
        for checkpoint, mean in means.items():
            assert mean.low <= known[criterion][checkpoint].low


def test_constant_raters_alone_have_no_means_of_z_scores(evidence):
    turn = {"meaning": lambda _, values: np.full(len(values), np.nan)}
    assert means_by_checkpoint(evidence, turn) == {"meaning": {}}
