"""What the owner watches: pairs fixed in advance, and verdicts in words."""

from dataclasses import replace

import pytest
from raters_at_work import COMPARED, checkpoint_in, rate_all
from rating_study import a_study, a_task, add_outputs, add_scores

from harness.campaign import open_campaign
from harness.settled import verdict, watched

FEWER = (
    "not settled: about 40 more ratings of the two, and this campaign has prompts for "
    "fewer"
)
UNCLEAR = "not settled, and too early or too close to say how many more it takes"


def better_is_later(shown):
    """Meaning grows with the checkpoint, a bit unevenly; fluency stays."""
    prompt = int(shown.prompt.split()[1])
    number = checkpoint_in(shown.outputs[0])
    return {"meaning": 1 + number + (number > 0 and prompt % 3 == 0), "fluency": 3}


def prefers_later(shown):
    one, two = map(checkpoint_in, shown.outputs)
    return {"meaning": "first" if one > two else "second", "fluency": "tie"}


@pytest.fixture
def study(tmp_path):
    study = a_study(tmp_path / "s.db", items=30, checkpoints=3)
    yield study
    study.close()


def by_question(found):
    return {(one.criterion, one.first, one.second): one for one in found}


def test_latest_is_held_against_the_first_and_the_one_before_by_each_criterion(study):
    campaign = open_campaign(study, a_task(raters_per_output=1))
    rate_all(study, campaign, {"ana": better_is_later})
    found = by_question(watched(study, campaign))
    assert found.keys() == {
        (criterion, f"ckpt-{first}", "ckpt-2")
        for criterion in ("meaning", "fluency")
        for first in (0, 1)
    }
    clear = found["meaning", "ckpt-0", "ckpt-2"]
    assert clear.verdict == "settled: ckpt-2 is better"
    assert clear.settled
    assert clear.now.ratings == clear.looks[-1].ratings == 60
    level = found["fluency", "ckpt-0", "ckpt-2"]
    assert not level.settled
    assert (level.scale, level.null) == ((-4, 4), 0)


def test_win_rates_are_watched_where_outputs_are_compared(study):
    task = a_task(scheme="pairwise", criteria=COMPARED, raters_per_output=1)
    campaign = open_campaign(study, task)
    rate_all(study, campaign, {"ana": prefers_later})
    found = by_question(watched(study, campaign))
    won = found["meaning", "ckpt-0", "ckpt-2"]
    assert (won.now.alone.value, won.null, won.scale) == (1, 0.5, (0, 1))
    assert won.verdict == "settled: ckpt-2 is better"
    assert found["fluency", "ckpt-1", "ckpt-2"].now.alone.value == 0.5


def test_a_later_checkpoint_asks_new_questions(study):
    task = a_task(raters_per_output=1)
    rate_all(study, open_campaign(study, task), {"ana": better_is_later})
    add_outputs(study, items=30, checkpoints=4)
    campaign = open_campaign(study, task)
    rate_all(study, campaign, {"ben": lambda _: {"meaning": 3, "fluency": 3}})
    found = by_question(watched(study, campaign))
    assert {(first, second) for _, first, second in found} == {
        ("ckpt-0", "ckpt-3"),
        ("ckpt-2", "ckpt-3"),
    }


def test_one_checkpoint_asks_nothing(tmp_path):
    study = a_study(tmp_path / "one.db", items=3, checkpoints=1)
    campaign = open_campaign(study, a_task(raters_per_output=1))
    rate_all(study, campaign, {"ana": better_is_later})
    assert watched(study, campaign) == ()
    study.close()


def test_scores_of_the_metric_that_the_plan_names_are_used(study):
    add_scores(study, lambda prompt, checkpoint: prompt, name="bleu")
    add_scores(study, lambda prompt, checkpoint: checkpoint * (prompt % 3 == 0))
    task = a_task(raters_per_output=1, items=20, draw_by="chrf")
    campaign = open_campaign(study, task)
    rate_all(study, campaign, {"ana": better_is_later})
    one = by_question(watched(study, campaign))["meaning", "ckpt-0", "ckpt-2"]
    assert one.now.metric == "chrf|v1"
    assert one.now.combined.method == "regression"
    assert one.now.combined.saved > 0


def test_verdicts_in_words(study):
    campaign = open_campaign(study, a_task(raters_per_output=1))
    rate_all(study, campaign, {"ana": better_is_later})
    now = watched(study, campaign)[0].now
    open_ = replace(now, always=replace(now.always, low=-1.0, high=1.0, n=30), left=0)
    worse = replace(now, always=replace(now.always, low=-2.0, high=-1.0))
    said = [
        verdict(replace(open_, more=1200, left=9000), "a", "b"),
        verdict(replace(open_, more=40), "a", "b"),
        verdict(replace(open_, more=None), "a", "b"),
        verdict(replace(open_, ratings=0), "a", "b"),
        verdict(worse, "a", "b"),
    ]
    assert said == [
        "not settled: about 1,200 more ratings of the two",
        FEWER,
        UNCLEAR,
        "nobody has rated both yet",
        "settled: a is better",
    ]
