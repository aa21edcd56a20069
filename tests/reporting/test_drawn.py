"""With what probability prompts were drawn."""

from dataclasses import replace

import numpy as np
import pytest
from made_evidence import evidence_of
from raters_at_work import COMPARED, checkpoint_in, rate_all
from rating_study import a_study, a_task, add_outputs, add_scores, text_of

from harness.campaign import open_campaign
from harness.pairing import ratings_of
from harness.rate import next_assignment
from harness.reporting.combined import TWO, Combiner
from harness.reporting.drawn import Drawn, drawn
from harness.reporting.evidence import gather
from harness.settling import settling
from harness.stats.combine import mean
from harness.stats.sharpened import LIKE_THESE
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


def test_midway_a_prompt_is_judged_as_likely_as_those_so_far():
    chances = {1: (1, 0.2), 2: (1, 0.4)}
    given, judged = [(1, 0), (2, 1)], np.array([True, True, False])
    found = Drawn(chances, sizes={1: 8}).design(given, judged)
    np.testing.assert_allclose(found.probabilities, [0.05, 0.1, np.nan])


def test_strata_count_where_all_judgments_are_of_one_campaign():
    strata = {"a": 0, "b": 1}
    found = Drawn({1: (1, 0.5), 2: (1, 0.5), 3: (2, 0.5)}, {1: strata})
    assert found.strata_of([1, 2]) == strata
    assert found.strata_of([3]) is found.strata_of([1, 3]) is None
    assert found.strata_of([1, 99]) is found.strata_of([]) is None


def some_equal(item, checkpoint):
    """Both write the same for every seventh prompt."""
    return text_of(item, 0 if item % 7 == 0 else checkpoint)


def later_is_better(shown):
    """Unevenly so, and the more the later the prompt."""
    prompt, number = int(shown.prompt.split()[1]), checkpoint_in(shown.outputs[0])
    return {"meaning": 1 + number * (1 + prompt // 20 + prompt % 2), "fluency": 3}


def prefers_later(shown):
    one, two = map(checkpoint_in, shown.outputs)
    often = int(shown.prompt.split()[1]) % 3 > 0
    return {"meaning": "first" if (one > two) == often else "second", "fluency": "tie"}


@pytest.mark.parametrize("draw", ["random", "stratified", "active"])
@pytest.mark.parametrize("scheme", ["likert", "pairwise"])
def test_a_report_estimates_the_design_that_the_owner_watches(tmp_path, draw, scheme):
    study = a_study(tmp_path / "s.db", items=60, checkpoints=2, text=some_equal)
    add_scores(study, lambda prompt, checkpoint: 50 + prompt * checkpoint)
    kind = {} if scheme == "likert" else {"scheme": scheme, "criteria": COMPARED}
    task = a_task(items=40, draw=draw, raters_per_output=1, **kind)
    campaign = open_campaign(study, task)
    rate_all(
        study,
        campaign,
        {"ana": later_is_better if scheme == "likert" else prefers_later},
    )
    if draw == "stratified":
        # What joins later could not be drawn, and has no stratum.
        add_outputs(study, items=64, checkpoints=2, text=some_equal)
    read = ratings_of(study, campaign)
    seen = settling(read.pair("meaning", *read.texts))
    combiner = Combiner(gather(study, task.name), "chrf|v1", "", LIKE_THESE)
    by = combiner.by_ratings if scheme == "likert" else combiner.by_comparisons
    found = by(combiner.sheet("meaning"), tuple(read.texts), TWO)
    assert seen.equal == 9
    assert found.alone.n == seen.alone.n
    if draw == "stratified":
        assert found.drawn == "prompts were drawn from 4 strata"
        assert found.drawn in found.both.why
        for mine, page in ((found.alone, seen.alone), (found.both, seen.combined)):
            assert (mine.value, mine.low, mine.high) == pytest.approx(
                (page.value, page.low, page.high)
            )
    elif draw == "active":
        assert "unequal probabilities" in found.drawn
        assert found.alone.value == pytest.approx(seen.alone.value)
    else:
        assert found.drawn == ""
    study.close()


@pytest.mark.slow
def test_strata_narrow_intervals_that_hold_as_often_as_they_say():
    rng = np.random.default_rng(4)
    stratum, strata = np.repeat([0, 1], 60), {}
    holds = widths = narrower = 0
    for _ in range(600):
        gap = 1.5 * stratum + rng.normal(0, 0.7, 120)
        human = rng.normal(3, 1, (1, 2, 120))
        human[0, 1] = human[0, 0] + gap
        chosen = np.concatenate([rng.permutation(60)[:12] + 60 * k for k in (0, 1)])
        human[:, :, np.setdiff1d(np.arange(120), chosen)] = np.nan
        evidence = evidence_of(human)
        strata = dict(zip(evidence.items, stratum.tolist(), strict=True))
        pages = {one.assignment: (1, 0.2) for one in evidence.ratings}
        made = replace(evidence, drawn=Drawn(pages, {1: strata}))
        pair = []
        for one in (made, evidence):
            combiner = Combiner(one, None, "", LIKE_THESE)
            sheet = combiner.sheet("meaning")
            pair.append(combiner.by_ratings(sheet, ("c0", "c1"), TWO).both)
        found, plain = pair
        holds += found.low <= 0.75 <= found.high
        widths += found.high - found.low
        narrower += plain.high - plain.low
    # 2.6 standard errors of 95 % in 600 draws are 0.023.
    assert 0.927 < holds / 600 < 0.985
    assert widths < 0.85 * narrower


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
