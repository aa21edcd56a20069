"""Which prompts a campaign has, and whether the stored probability is the true one."""

from collections import Counter

import numpy as np
import pytest
from raters_at_work import checkpoint_in, rate_all
from rating_study import a_study, a_task, add_outputs, add_scores
from real_ratings import matrices

from harness.campaign import chances_of, open_campaign
from harness.choosing import choose
from harness.errors import NotFound, StudyError
from harness.pairing import ratings_of
from harness.stats.combine import Design, mean

DRAWS = ("random", "stratified", "active")
POOL = [f"prompt {number}" for number in range(30)]
GAPS = {item: (number % 7) ** 2 for number, item in enumerate(POOL)}


def growing(prompt, checkpoint):
    """Scores that put checkpoints the further apart the later the prompt."""
    return 50 + prompt * checkpoint


def plan_of(**rating):
    return a_task(**rating).file.rating


def drawn(chances):
    return [one.item for one in chances if one.place is not None]


@pytest.mark.parametrize("draw", DRAWS)
def test_prompts_are_drawn_as_often_as_their_probability_says(draw):
    seeds = 2000
    counts, said = Counter(), {}
    for seed in range(seeds):
        found = choose(POOL, plan_of(items=12, draw=draw, seed=seed), GAPS)
        assert len(drawn(found)) == 12
        counts.update(drawn(found))
        said |= {one.item: one.probability for one in found}
    share = np.array([counts[item] / seeds for item in POOL])
    expected = np.array([said[item] for item in POOL])
    error = np.sqrt(expected * (1 - expected) / seeds)
    assert expected.sum() == pytest.approx(12)
    # 30 prompts: 4 standard errors are missed once in 500 such tests.
    assert (np.abs(share - expected) <= 4 * error + 1e-12).all()


def test_active_probabilities_mix_the_gap_with_a_floor_by_hand():
    gaps = {"a": 0.0, "b": 1.0, "c": 3.0}
    plan = plan_of(items=1, draw="active", draw_floor=0.3)
    said = {one.item: one.probability for one in choose([*gaps], plan, gaps)}
    assert said == pytest.approx({"a": 0.1, "b": 0.275, "c": 0.625})


def test_a_prompt_that_is_certain_leaves_the_rest_to_the_others_by_hand():
    gaps = {"a": 0.0, "b": 0.0, "c": 9.0}
    plan = plan_of(items=2, draw="active", draw_floor=0.3)
    found = choose([*gaps], plan, gaps)
    said = {one.item: one.probability for one in found}
    assert said == pytest.approx({"a": 0.5, "b": 0.5, "c": 1.0})
    assert "c" in drawn(found)


def test_strata_hold_prompts_with_like_gaps_and_take_turns():
    plan = plan_of(items=16, draw="stratified")
    found = choose(POOL, plan, GAPS)
    low = [GAPS[one.item] for one in found if one.stratum == 0]
    high = [GAPS[one.item] for one in found if one.stratum == 1]
    assert len(low) == len(high) == 15
    assert max(low) <= min(high)
    order = [one.stratum for one in found if one.place is not None]
    for rated in range(2, 17, 2):
        assert sum(order[:rated]) == rated // 2


def test_few_prompts_are_one_stratum_and_many_are_four():
    strata = {
        items: {
            one.stratum
            for one in choose(POOL, plan_of(items=items, draw="stratified"), GAPS)
        }
        for items in (1, 15, 16, 29)
    }
    assert strata == {1: {0}, 15: {0}, 16: {0, 1}, 29: {0, 1, 2}}


@pytest.mark.parametrize("draw", DRAWS)
def test_all_prompts_are_certain_where_all_are_wanted(draw):
    found = choose(POOL, plan_of(items="all", draw=draw), GAPS)
    assert {round(one.probability, 9) for one in found} == {1.0}
    assert len(drawn(found)) == 30


def test_a_prompt_without_scores_has_the_mean_gap():
    gaps = {"a": 1.0, "b": 3.0}
    plan = plan_of(items=1, draw="active")
    said = {one.item: one.probability for one in choose(["a", "b", "c"], plan, gaps)}
    assert said["a"] < said["c"] < said["b"]


def squared_error(draw, gaps, difference, seed):
    """Of a mean difference from 25 prompts, with the design that they were drawn by."""
    chances = choose([*gaps], plan_of(items=25, draw=draw, seed=seed), gaps)
    rated, chance, stratum = (np.full(len(gaps), np.nan) for _ in range(3))
    for one in chances:
        at = int(one.item)
        chance[at], stratum[at] = one.probability, one.stratum or 0
        if one.place is not None:
            rated[at] = difference[at]
    design = {
        "random": Design(),
        "stratified": Design(strata=stratum),
        "active": Design(probabilities=chance),
    }[draw]
    return (mean(rated, design=design).value - difference.mean()) ** 2


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["rouge_1_recall", "rouge_2_recall"])
def test_on_real_ratings_active_draws_tell_less_than_random_ones(realdata, metric):
    scores, ratings = matrices(realdata / "realsumm", metric, "content_recall")
    rng, found = np.random.default_rng(0), dict.fromkeys(DRAWS, 0.0)
    for pair in (rng.choice(25, 2, replace=False) for _ in range(60)):
        (one, other), difference = pair, np.diff(ratings[pair], axis=0)[0]
        gap = np.abs(scores[one] - scores[other])
        gaps = {str(at): float(size) for at, size in enumerate(gap)}
        for draw in DRAWS:
            errors = [squared_error(draw, gaps, difference, n) for n in range(10)]
            found[draw] += np.mean(errors) / difference.var()
    assert found["active"] > 1.15 * found["random"]
    assert found["stratified"] < 1.05 * found["random"]


@pytest.fixture
def study(tmp_path):
    study = a_study(tmp_path / "s.db", items=20, checkpoints=3)
    yield study
    study.close()


def test_units_and_assignments_keep_their_prompts_probability(study):
    add_scores(study, growing)
    task = a_task(items=5, draw="active", raters_per_output=1, checkpoints=["ckpt-1"])
    with pytest.raises(StudyError, match="harness score"):
        open_campaign(study, task)
    campaign = open_campaign(study, a_task(items=5, draw="active", raters_per_output=1))
    rate_all(study, campaign, {"ana": lambda _: {"meaning": 3, "fluency": 3}})
    said = chances_of(study, campaign)
    stored = study.mapping("SELECT item, probability FROM units", [])
    assigned = set(study.column("SELECT probability FROM assignments"))
    assert stored == {item: said[item].probability for item in campaign.items}
    assert assigned == set(stored.values())
    assert len(assigned) > 1
    assert len(said) == 20


def test_a_later_checkpoint_is_rated_on_the_same_prompts_with_their_probability(study):
    add_scores(study, growing)
    first = a_task(items=8, draw="stratified", raters_per_output=1)
    campaign = open_campaign(study, first)
    judge = {
        "ana": lambda s: {"meaning": 1 + checkpoint_in(s.outputs[0]), "fluency": 3}
    }
    rate_all(study, campaign, judge)
    add_outputs(study, items=20, checkpoints=4)
    again = open_campaign(study, first)
    rate_all(study, again, judge)
    assert again.id == campaign.id
    new = study.rows(
        "SELECT item, probability FROM units WHERE wave = 2 AND kind = 'normal'"
    )
    said = chances_of(study, campaign)
    assert {row["item"] for row in new} == set(campaign.items)
    assert all(row["probability"] == said[row["item"]].probability for row in new)


def test_a_pair_knows_how_its_prompts_were_drawn_and_what_the_metric_says(study):
    add_scores(study, growing)
    task = a_task(items=16, draw="stratified", raters_per_output=1)
    campaign = open_campaign(study, task)
    judge = {
        "ana": lambda s: {"meaning": 1 + checkpoint_in(s.outputs[0]), "fluency": 3}
    }
    rate_all(study, campaign, judge)
    read = ratings_of(study, campaign)
    one, two, _ = read.texts
    pair = read.pair("meaning", one, two)
    assert (len(pair.prompts), pair.drawn, int(pair.rated().sum())) == (20, 16, 16)
    assert pair.metric == "chrf|v1"
    assert np.bincount(pair.strata).tolist() == [10, 10]
    gap = pair.scores[:, 1] - pair.scores[:, 0]
    assert gap[pair.strata == 0].max() <= gap[pair.strata == 1].min()


def test_a_metric_that_is_not_there_is_refused_by_name(study):
    add_scores(study, growing)
    with pytest.raises(NotFound, match="chfr"):
        open_campaign(study, a_task(items=5, draw="active", draw_by="chfr"))
