"""Paired differences: by hand, against sacreBLEU's paired tests, by simulation."""

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.significance import PairedTest, _bootstrap_resample, _compute_p_value

from harness.errors import UsageError
from harness.metrics import Bleu, ChrF, Ter
from harness.stats.paired import (
    holm,
    paired_difference,
    paired_whole,
    randomisation_p,
)
from harness.types import Item

WORDS = ["the", "cat", "dog", "sat", "ran", "on", "under", "mat", "tree", "big", "red"]


def mean(tally):
    return tally[..., 0] / tally[..., 1]


def ones(values):
    values = np.asarray(values, dtype=float)
    return np.column_stack([values, np.ones_like(values)])


@pytest.fixture(scope="module", params=[0.6, 0.63, 0.75])
def corpus(request):
    """References, and two systems of which the second copies more of them."""
    rng = np.random.default_rng(3)
    references = [" ".join(rng.choice(WORDS, 9)) for _ in range(120)]

    def written(kept):
        return [
            " ".join(w if rng.random() < kept else rng.choice(WORDS) for w in r.split())
            for r in references
        ]

    return references, written(0.6), written(request.param)


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


def test_p_is_never_zero():
    # No swap of 40 equal gaps gives their full sum: (0 + 1) / (99 + 1).
    first, second = np.zeros(40), np.ones(40)
    assert randomisation_p(ones(first), ones(second), mean, trials=99) == 0.01
    whole = of_units(first, second, np.mean)
    assert paired_whole(40, whole, draws=2, trials=99)[1] == 0.01


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


def test_an_undefined_difference_has_no_p():
    with np.errstate(invalid="ignore"):
        assert randomisation_p(np.zeros((3, 2)), ones([1, 2, 3]), mean) is None


def test_a_trial_without_a_value_counts_against_the_difference():
    # Of four swaps, both together leave the first system nothing to divide by.
    first, second = [[1.0, 1.0], [1.0, 0.0]], [[2.0, 1.0], [5.0, 0.0]]
    with np.errstate(all="ignore"):
        p = randomisation_p(
            first, second, lambda t: np.where(t[..., 0] == 6, np.nan, t[..., 0])
        )
    assert p == pytest.approx(1, abs=0.01)


# Values of all outputs together


def of_units(first, second, value):
    pooled = np.array([*first, *second], dtype=float)
    return lambda rows: float(value(pooled[rows]))


def test_a_whole_difference_of_means_agrees_with_that_of_tallies():
    rng = np.random.default_rng(4)
    first = rng.normal(size=40)
    second = first + rng.normal(0.1, 0.3, size=40)
    whole, p = paired_whole(40, of_units(first, second, np.mean))
    tallied = paired_difference(ones(first), ones(second), mean)
    assert whole.value == pytest.approx(tallied.value)
    assert (whole.low, whole.high) == pytest.approx(
        (tallied.low, tallied.high), abs=0.2 * (tallied.high - tallied.low)
    )
    expected = randomisation_p(ones(first), ones(second), mean)
    assert p == pytest.approx(expected, abs=3 * np.sqrt(0.25 / 500))


def test_a_whole_p_of_three_items_is_that_of_all_eight_swaps():
    _, p = paired_whole(3, of_units([0, 0, 0], [1, 1, 2], np.mean))
    assert p == pytest.approx(2 / 8, abs=0.06)


def test_a_whole_value_is_asked_for_at_most_1402_times():
    seen = []
    paired_whole(4, lambda rows: seen.append(rows) or 0.0, draws=9999, trials=9999)
    assert len(seen) == 2 * (1 + 200 + 500)
    assert seen[0].tolist() == [4, 5, 6, 7]
    assert seen[1].tolist() == [0, 1, 2, 3]
    assert all(sorted(a % 4) == sorted(b % 4) for a, b in pairs(seen))


def pairs(seen):
    return list(zip(seen[::2], seen[1::2], strict=True))


def test_equal_systems_have_a_whole_difference_of_zero_and_p_one():
    found, p = paired_whole(5, of_units(range(5), range(5), np.median))
    assert (found.value, found.low, p) == (0, None, 1)


def test_whole_differences_without_items_or_value_say_why():
    found, p = paired_whole(0, len)
    assert (found.value, found.method, p) == (
        None,
        "undefined: no item was answered by both",
        None,
    )
    found, p = paired_whole(3, lambda _: float("nan"))
    assert (found.value, p) == (None, None)
    assert "no finite value" in found.method


def test_whole_p_values_are_uniform_where_systems_do_not_differ():
    rng = np.random.default_rng(12)
    p_values = [
        paired_whole(
            20,
            of_units(rng.normal(size=20), rng.normal(size=20), np.mean),
            draws=1,
            trials=99,
        )[1]
        for _ in range(300)
    ]
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.035)


# sacreBLEU's own tests on the same outputs


@pytest.fixture(params=["bleu", "chrf", "ter"])
def tested(request, corpus):
    """Our tallies, and what sacreBLEU's paired test says of the second system."""
    references, *systems = corpus
    ours, theirs = {
        "bleu": (Bleu(), BLEU(references=[references])),
        "chrf": (ChrF(), CHRF(references=[references])),
        "ter": (Ter(), TER(references=[references])),
    }[request.param]
    items = [Item(str(n), "t", str(n), "", (r,)) for n, r in enumerate(references)]
    a, b = (
        np.array(ours.tallies(list(zip(items, texts, strict=True))))
        for texts in systems
    )

    def verdict(kind, samples):
        named = list(zip(("first", "second"), systems, strict=True))
        found = PairedTest(named, {"m": theirs}, None, kind, samples)()[1]
        [(first, second)] = [v for name, v in found.items() if name != "System"]
        return first, second

    return a, b, ours.value, theirs, verdict


def test_randomisation_is_sacrebleus_within_monte_carlo_error(tested):
    a, b, value, _, verdict = tested
    first, second = verdict("ar", 3000)
    found = paired_difference(a, b, value)
    assert found.value == pytest.approx(second.score - first.score)
    p = randomisation_p(a, b, value, trials=3000)
    # Unlike us, it does not count swaps that give just the real difference.
    swaps = np.random.default_rng(1).integers(2, size=(3000, len(a))) @ (b - a)
    gaps = np.abs(value(b.sum(0) - swaps) - value(a.sum(0) + swaps))
    equal = np.isclose(gaps, abs(found.value), rtol=1e-9).mean()
    spread = 3 * np.sqrt(2 * p * (1 - p) / 3000) + 1e-3
    assert p == pytest.approx(second.p_value + equal, abs=spread)


def test_the_interval_is_that_of_sacrebleus_paired_resamples(tested):
    a, b, value, theirs, verdict = tested
    # Its seed is fixed, so that both systems are resampled alike, as in its test.
    resampled = [
        np.array([float(s.score) for s in _bootstrap_resample(rows, theirs, 2000)[1]])
        for rows in (a.tolist(), b.tolist())
    ]
    gaps = resampled[1] - resampled[0]
    first, second = verdict("bs", 2000)
    real = abs(second.score - first.score)
    known = _compute_p_value(np.abs(gaps) - np.abs(gaps).mean(), real)
    assert known == pytest.approx(second.p_value)
    found = paired_difference(a, b, value, draws=2000)
    expected = np.quantile(gaps, [0.025, 0.975])
    # Such a percentile of 2,000 draws is known to 0.06 standard deviations.
    spread = 3 * 0.06 * np.sqrt(2) * gaps.std()
    assert (found.low, found.high) == pytest.approx(expected, abs=spread)
    assert (found.low > 0 or found.high < 0) == (second.p_value < 0.05)


def test_each_systems_bootstrap_spread_is_sacrebleus(tested):
    _, b, value, _, verdict = tested
    _, second = verdict("bs", 2000)
    nobody = np.zeros_like(b)
    with np.errstate(all="ignore"):
        found = paired_difference(
            nobody, b, lambda tally: np.nan_to_num(value(tally)), draws=2000
        )
    assert (found.high - found.low) / 2 == pytest.approx(second.ci, rel=0.15)
