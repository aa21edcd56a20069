"""How far the best is ahead: what is claimed, and how often wrongly."""

from dataclasses import replace

import numpy as np
import pytest
from made_evidence import METRICS, evidence_of, lead_of

from harness.reporting.combined import BEST, LATER, Asked, Combiner
from harness.reporting.leading import MOST_LATER, combined
from harness.stats.paired import holm


def ratings(gains, *, rated=25, items=100, seed=0, noise=1.0, says=0.7):
    """Human (1, checkpoints, items) of the first prompts, scores of all."""
    rng = np.random.default_rng(seed)
    shape = (len(gains), items)
    prompt, own = rng.normal(size=items), rng.normal(size=shape)
    human = prompt + own + noise * rng.normal(size=shape) + np.array(gains)[:, None]
    human[:, rated:] = np.nan
    return human[None], says * own + rng.normal(size=shape)


def found_of(human, scores):
    return found_in(evidence_of(human, scores), lead_of(human))


def found_in(evidence, lead):
    combiner = Combiner.of(evidence, METRICS, Asked())
    rows, [found] = combined(combiner, [lead])
    return rows, found


def only_lead_of(human, scores):
    """The same lead; in a series of its own no checkpoint is a later one of another."""
    made, lead = evidence_of(human, scores), lead_of(human)
    alone = tuple(replace(one, series=one.id) for one in made.checkpoints)
    evidence = replace(made, checkpoints=alone)
    best, second = evidence.labels[lead.best], evidence.labels[lead.second]
    rows, found = found_in(evidence, replace(lead, best=best, second=second))
    assert len(rows) == 1
    return found


def test_the_best_over_the_next_comes_first_then_later_ones_over_the_first():
    rows, lead = found_of(*ratings([0, 1, 2]))
    assert [(o.question, o.checkpoint, o.against) for o in rows] == [
        *((BEST, "c2", "c1"), (LATER, "c1", "c0"), (LATER, "c2", "c0"))
    ]
    assert lead.difference.value == pytest.approx(rows[0].both.value)
    later = [one.both.p_value() for one in rows[1:]]
    assert [one.p for one in rows[1:]] == pytest.approx(holm(later))


def test_many_later_checkpoints_are_thinned_and_the_last_stays():
    rows, _ = found_of(*ratings([0] * 31, rated=12, items=20))
    later = [one.checkpoint for one in rows if one.question == LATER]
    assert len(later) == MOST_LATER
    assert (later[0], later[-1]) == ("c1", "c30")


def test_the_best_is_clear_only_ahead_of_every_other_one():
    human, scores = ratings([0, 2, 3], noise=0.3)
    assert found_of(human, scores)[1].clear
    # The first one now is worse on average, but rated on four prompts only.
    human[0, 0, :] = np.nan
    human[0, 0, :4] = human[0, 2, :4] - [12.0, -2.0, 11.0, -3.0]
    _, lead = found_of(human, scores)
    assert lead.difference.low > 0
    assert lead.rival == "c0"
    assert not lead.clear
    assert lead.answer == "not clear beside c0"


@pytest.mark.slow
@pytest.mark.parametrize(
    "gains",
    [[0] * 5, [0, 0], [0, 0, -3, -3, -3], [0, 0, 0, -3, -3]],
    ids=["five alike", "two alike", "two of five alike", "three of five alike"],
)
@pytest.mark.parametrize("says", [0.0, 2.0], ids=["metric says nothing", "says much"])
def test_of_equally_good_ones_one_is_clearly_best_in_at_most_one_of_twenty(gains, says):
    draws = 400
    wrong = [
        only_lead_of(*ratings(gains, seed=seed, says=says, items=60, rated=20)).clear
        for seed in range(draws)
    ]
    # Three standard errors of a share of 5 %.
    assert np.mean(wrong) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / draws)


@pytest.mark.slow
def test_ratings_saved_are_near_the_theory():
    saved, n, total = [], 50, 400
    for seed in range(120):
        about = {"rated": n, "items": total, "says": 3.0, "noise": 0.5}
        human, scores = ratings([0, 0.5], seed=seed, **about)
        saved.append(found_of(human, scores)[0][0].saved)
    # Differences: own parts of variance 2, noise 0.5, scores of variance 18 + 2.
    rho2 = 6**2 / ((2 + 0.5) * (18 + 2))
    expected = n / (1 - rho2 * (total - n) / total) - n
    # HC3 and the slope's own uncertainty cost a little of it, and nothing adds.
    assert 0.75 * expected < np.mean(saved) < 1.05 * expected
