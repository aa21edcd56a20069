"""Bradley-Terry strengths: by hand, by symmetry, by simulation."""

import numpy as np
import pytest

from harness.errors import UsageError
from harness.stats.strengths import strengths

PAIRS = [(0, 1), (0, 2), (1, 2)]


def contests(seed, theta=(0.5, 0.0, -0.5), n=60, more=240, informed=1.5):
    """Outcomes of the first n prompts, scores of all, alike within a prompt."""
    rng = np.random.default_rng(seed)
    hidden = np.array(theta) + rng.normal(size=(n + more, 3))
    noise = rng.logistic(size=(n + more, 3))
    gaps = np.stack([hidden[:, a] - hidden[:, b] for a, b in PAIRS], axis=1)
    outcomes = (gaps + noise > 0).astype(float)
    outcomes[n:] = np.nan
    scores = informed * hidden + 0.5 * rng.normal(size=hidden.shape)
    return outcomes, scores


def marginal():
    """Strengths that a census of such prompts would have."""
    outcomes, _ = contests(99, n=200_000, more=0)
    return np.array([one.value for one in strengths(outcomes, PAIRS)])


def test_strengths_by_hand_of_many_prompts():
    # Odds of 2, 4 and 2: log-odds of log 2 from each to the next.
    counts = [(20_000, 10_000), (24_000, 6_000), (20_000, 10_000)]
    outcomes = np.column_stack([[1.0] * won + [0.0] * lost for won, lost in counts])
    found = strengths(outcomes, PAIRS)
    expected = [np.log(2), 0, -np.log(2)]
    assert [one.value for one in found] == pytest.approx(expected, abs=1e-4)


def test_renaming_the_checkpoints_renames_the_strengths():
    outcomes, scores = contests(1)
    forth = strengths(outcomes, PAIRS, scores)
    back = strengths(1 - outcomes[:, ::-1], [(2, 1), (2, 0), (1, 0)], scores)
    assert [one.value for one in back] == pytest.approx([one.value for one in forth])
    swapped = strengths(outcomes, [(2, 1), (2, 0), (1, 0)], scores[:, ::-1])
    assert swapped[2].low == pytest.approx(forth[0].low)


def test_a_metric_that_knows_narrows_and_one_that_does_not_is_left_out():
    outcomes, scores = contests(2)
    alone, found = strengths(outcomes, PAIRS), strengths(outcomes, PAIRS, scores)
    assert {one.method for one in found} == {"regression"}
    assert found[0].error < alone[0].error
    assert found[0].effective_n > 60
    noise = np.random.default_rng(0).normal(size=scores.shape)
    useless = strengths(outcomes, PAIRS, noise)
    assert useless[0].low == alone[0].low
    assert useless[0].method == "classical"


def test_all_ties_are_equal_strengths():
    found = strengths(np.full((20, 3), 0.5), PAIRS)
    assert [one.value for one in found] == pytest.approx([0, 0, 0])


def test_two_compared_prompts_are_too_few():
    outcomes = np.array([[1, 0, 1], [0, 1, 1], [np.nan] * 3])
    found = strengths(outcomes, PAIRS)
    assert [one.value for one in found] == [None] * 3
    assert found[0].why == "2 compared prompts: three are needed"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: strengths([[1, 0]], [(0, 1)]), "a pair of checkpoints"),
        (lambda: strengths([[1.0]], [(0, 1)]), "win_rate"),
        (lambda: strengths([[1, 0, 2]], PAIRS), "between 0"),
        (lambda: strengths([[1, 0, 1]] * 3, PAIRS, [[1, 2]]), "same prompts"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call()


@pytest.mark.slow
def test_intervals_hold_as_often_as_they_say_and_metrics_narrow_them():
    truth = marginal()
    held, ratio = [], []
    for seed in range(600):
        outcomes, scores = contests(seed)
        alone, found = strengths(outcomes, PAIRS), strengths(outcomes, PAIRS, scores)
        held += [
            one.low <= value <= one.high
            for one, value in zip(found, truth, strict=True)
        ]
        ratio.append(found[0].error / alone[0].error)
    assert 0.925 <= np.mean(held) <= 0.975
    assert np.mean(ratio) < 0.97
