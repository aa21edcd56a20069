"""Paired differences: by hand, against sacreBLEU's paired tests, by simulation."""

import numpy as np
import pytest
from sacrebleu.metrics import BLEU
from sacrebleu.significance import PairedTest

from harness.errors import UsageError
from harness.metrics.bleu import Bleu
from harness.stats.paired import holm, paired_difference, randomisation_p
from harness.types import Item

WORDS = ["the", "cat", "dog", "sat", "ran", "on", "under", "mat", "tree", "big", "red"]


def mean(tally):
    return tally[..., 0] / tally[..., 1]


def ones(values):
    values = np.asarray(values, dtype=float)
    return np.column_stack([values, np.ones_like(values)])


@pytest.fixture(scope="module")
def corpus():
    """References, and two systems of which the second copies more of them."""
    rng = np.random.default_rng(3)
    references = [" ".join(rng.choice(WORDS, 9)) for _ in range(120)]

    def written(kept):
        return [
            " ".join(w if rng.random() < kept else rng.choice(WORDS) for w in r.split())
            for r in references
        ]

    return references, written(0.6), written(0.68)


def bleu_tallies(references, outputs):
    metric = Bleu()
    items = [
        Item(str(n), "task", str(n), "", (reference,))
        for n, reference in enumerate(references)
    ]
    return np.array(metric.tallies(list(zip(items, outputs, strict=True)))), metric


def test_a_difference_of_means_by_hand():
    found = paired_difference(ones([1, 2, 3]), ones([2, 2, 5]), mean)
    assert found.value == pytest.approx(1.0)
    assert (found.n, found.dropped) == (3, 0)
    assert 0 <= found.low <= 1 <= found.high <= 2


def test_items_that_one_system_lacks_are_dropped_and_counted():
    found = paired_difference(ones([1, np.nan, 3]), ones([2, 2, 5]), mean)
    assert (found.value, found.n, found.dropped) == (1.5, 2, 1)


def test_nothing_shared_has_no_value_and_no_p():
    nothing = np.full((3, 2), np.nan)
    assert paired_difference(nothing, ones([1, 2, 3]), mean).value is None
    assert randomisation_p(nothing, ones([1, 2, 3]), mean) is None


def test_other_shapes_are_refused():
    with pytest.raises(UsageError, match="one shape"):
        paired_difference(ones([1, 2]), ones([1]), mean)


def test_equal_systems_have_p_one():
    assert randomisation_p(ones([1, 2, 3]), ones([1, 2, 3]), mean, trials=99) == 1


def test_p_of_three_items_is_that_of_all_eight_swaps():
    # |sum of signed gaps 1, 1, 2| reaches 4 in 2 of 8 sign patterns.
    p = randomisation_p(ones([0, 0, 0]), ones([1, 1, 2]), mean, trials=40_000)
    assert p == pytest.approx(2 / 8, abs=0.01)


def test_holm_by_hand():
    assert holm([0.01, 0.04, None, 0.03]) == [
        pytest.approx(0.03),
        pytest.approx(0.06),
        None,
        pytest.approx(0.06),
    ]


def test_p_values_are_uniform_where_systems_do_not_differ():
    rng = np.random.default_rng(11)
    p_values = [
        randomisation_p(
            ones(rng.normal(size=20)), ones(rng.normal(size=20)), mean, trials=199
        )
        for _ in range(400)
    ]
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.05)


@pytest.mark.slow
def test_agrees_with_sacrebleus_approximate_randomisation(corpus):
    references, first, second = corpus
    _, result = PairedTest(
        [("first", first), ("second", second)],
        {"BLEU": BLEU(references=[references])},
        references=None,
        test_type="ar",
        n_samples=4000,
    )()
    theirs = result["BLEU"][1]
    a, metric = bleu_tallies(references, first)
    b, _ = bleu_tallies(references, second)
    found = paired_difference(a, b, metric.value)
    assert found.value == pytest.approx(theirs.score - result["BLEU"][0].score)
    p = randomisation_p(a, b, metric.value, trials=4000)
    spread = 3 * np.sqrt(2 * p * (1 - p) / 4000) + 1e-3
    assert p == pytest.approx(theirs.p_value, abs=spread)


@pytest.mark.slow
def test_each_systems_bootstrap_spread_is_sacrebleus(corpus):
    references, first, second = corpus
    _, result = PairedTest(
        [("first", first), ("second", second)],
        {"BLEU": BLEU(references=[references])},
        references=None,
        test_type="bs",
        n_samples=2000,
    )()
    b, metric = bleu_tallies(references, second)
    nobody = np.zeros_like(b)

    def value(tally):
        return np.nan_to_num(metric.value(tally))

    with np.errstate(all="ignore"):
        found = paired_difference(nobody, b, value, draws=2000)
    half = (found.high - found.low) / 2
    assert half == pytest.approx(result["BLEU"][1].ci, rel=0.15)
