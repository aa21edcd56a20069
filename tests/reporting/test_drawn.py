"""With what probability prompts were drawn."""

import numpy as np
import pytest
from rating_study import a_study, a_task

from harness.campaign import open_campaign
from harness.rate import next_assignment
from harness.reporting.drawn import Drawn, drawn
from harness.stats.combine import mean
from harness.study.raters import ensure_rater


def test_where_all_were_drawn_alike_nothing_is_read(tmp_path):
    study = a_study(tmp_path / "s.db", items=4, checkpoints=2)
    campaign, rater = open_campaign(study, a_task()), ensure_rater(study, "ana")
    assert next_assignment(study, campaign, rater) is not None
    assert drawn(study, campaign.task) == Drawn()
    study.close()


def test_a_campaign_that_missed_a_prompt_had_its_mean_chance():
    chances = {1: (1, 0.2), 2: (1, 0.4), 3: (2, 0.5), 4: (2, 0.5)}
    given = [(1, 0), (2, 1), (3, 1), (4, 2)]
    found = Drawn(chances).design(given, np.array([True, True, True, False]))
    # By hand: 1 - 0.8 * 0.5, 1 - 0.6 * 0.5, 1 - 0.7 * 0.5.
    np.testing.assert_allclose(found.probabilities, [0.6, 0.7, 0.65, np.nan])


@pytest.mark.slow
def test_unequal_drawing_without_its_probabilities_would_be_biased():
    rng = np.random.default_rng(0)
    right, wrong = [], []
    for _ in range(300):
        y = np.linspace(1, 5, 80)
        chance = np.linspace(0.2, 0.8, 80)
        judged = rng.random(80) < chance
        human = np.where(judged, y, np.nan)
        of = {number: (1, chance[number]) for number in range(80)}
        given = [(number, number) for number in np.flatnonzero(judged).tolist()]
        design = Drawn(of).design(given, judged)
        right.append(mean(human, design=design).value)
        wrong.append(mean(human).value)
    assert np.mean(right) == pytest.approx(3, abs=0.05)
    assert np.mean(wrong) > 3.3
