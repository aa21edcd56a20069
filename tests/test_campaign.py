"""Campaigns: the same plan finds its campaign again, a changed one starts anew."""

import json

import pytest
from rating_study import FLUENCY, MEANING, a_study, a_task, add_outputs

from harness.campaign import (
    campaigns_of,
    chances_of,
    find_campaign,
    has_simulated_raters,
    open_campaign,
)
from harness.errors import StudyError, UsageError
from harness.rate import Answer, answer, next_assignment
from harness.study import StudyFile
from harness.study.raters import ensure_rater
from harness.task import Task
from harness.taskfile import TaskFile


@pytest.fixture
def study(tmp_path):
    return a_study(tmp_path / "s.db", items=10)


def begin(study, campaign, kind="person"):
    rater = ensure_rater(study, kind, kind)
    shown = next_assignment(study, campaign, rater)
    answer(study, rater, shown.token, Answer({"meaning": 1, "fluency": 1}))


def test_the_protocol_is_frozen_in_words(study):
    campaign = open_campaign(study, a_task(items=4))
    [row] = study.rows("SELECT * FROM campaigns")
    protocol = json.loads(row["protocol"])
    assert protocol["plan"]["criteria"][0]["definition"] == MEANING["definition"]
    assert protocol["plan"]["criteria"][0]["anchors"]["5"] == "The same meaning"
    assert protocol["plan"]["raters_per_output"] == 2
    assert protocol["plan"]["seed"] == 7
    assert protocol["plan"]["show_references"] is False
    assert protocol["items"] == list(campaign.items)
    assert row["scheme"] == "likert"


def test_the_same_plan_finds_its_campaign_again(study):
    first = open_campaign(study, a_task(items=4))
    assert open_campaign(study, a_task(items=4)) == first
    assert find_campaign(study, first.id) == first
    assert study.column("SELECT count(*) FROM campaigns") == [1]


@pytest.mark.parametrize(
    "change",
    [
        {"raters_per_output": 3},
        {"seed": 8},
        {"points": 7},
        {"items": 5},
        {"show_references": True},
        {"criteria": [MEANING]},
        {"criteria": [MEANING, {**FLUENCY, "definition": "Grammar."}]},
        {"criteria": [MEANING, {**FLUENCY, "anchors": {1: "No"}}]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_plan_starts_a_new_campaign(study, change):
    first = open_campaign(study, a_task(items=4))
    begin(study, first)
    second = open_campaign(study, a_task(**{"items": 4, **change}))
    assert second.id != first.id
    assert [c.name for c in campaigns_of(study, "modernize")] == [
        "modernize",
        "modernize-2",
    ]
    assert open_campaign(study, a_task(items=4)) == first


def test_prompts_are_drawn_at_random_with_the_seed(study):
    drawn = {seed: open_campaign(study, a_task(items=4, seed=seed)) for seed in (1, 2)}
    assert all(len(set(campaign.items)) == 4 for campaign in drawn.values())
    assert drawn[1].items != drawn[2].items
    said = chances_of(study, drawn[1])
    assert {one.probability for one in said.values()} == {4 / 10}
    assert len(said) == 10


def test_every_prompt_is_drawn_about_equally_often(study):
    plans = [a_task(items=5, seed=seed) for seed in range(60)]
    drawn = [item for task in plans for item in open_campaign(study, task).items]
    counts = [drawn.count(item) for item in set(drawn)]
    # 60 draws with chance 1/2: 30 each, standard deviation 4.
    assert len(counts) == 10
    assert 14 < min(counts) <= max(counts) < 46


def test_all_takes_every_prompt_with_outputs(study):
    campaign = open_campaign(study, a_task(items="all"))
    assert len(campaign.items) == 10
    assert {one.probability for one in chances_of(study, campaign).values()} == {1}


def test_nothing_to_rate_says_what_to_do(tmp_path):
    with pytest.raises(StudyError, match="no outputs of task 'modernize'"):
        open_campaign(StudyFile(tmp_path / "s.db"), a_task())


def test_a_task_without_a_rating_plan_says_what_to_add(study):
    keys = {"name": "modernize", "data": "x.jsonl", "prompt": "{{ x }}"}
    task = Task(TaskFile.model_validate(keys), a_task().path, "")
    with pytest.raises(UsageError, match="Add a section 'rating:'"):
        open_campaign(study, task)


def test_a_task_without_outputs_says_why_it_cannot_be_rated(study):
    keys = {"name": "t", "data": "x.jsonl", "prompt": "{{ x }}", "generation": "none"}
    task = Task(TaskFile.model_validate(keys), a_task().path, "")
    with pytest.raises(UsageError, match=r"no outputs .* 'generation: none'"):
        open_campaign(study, task)


def test_a_campaign_short_of_prompts_is_drawn_anew_until_somebody_began(tmp_path):
    study = a_study(tmp_path / "s.db", items=3)
    short = open_campaign(study, a_task(items=5))
    add_outputs(study, items=6)
    full = open_campaign(study, a_task(items=5))
    assert (len(short.items), len(full.items)) == (3, 5)
    begin(study, full)
    add_outputs(study, items=9)
    assert open_campaign(study, a_task(items=5)) == full


def test_a_begun_campaign_stays_though_more_prompts_could_be_had(tmp_path):
    study = a_study(tmp_path / "s.db", items=3)
    short = open_campaign(study, a_task(items="all"))
    begin(study, short)
    add_outputs(study, items=6)
    assert open_campaign(study, a_task(items="all")) == short


def test_a_campaign_whose_prompts_are_gone_is_followed_by_another(study):
    first = open_campaign(study, a_task(items=4))
    begin(study, first)
    study.db.execute("UPDATE items SET active = 0 WHERE id = ?", [first.items[0]])
    study.db.conn.commit()
    second = open_campaign(study, a_task(items=4))
    assert second.id != first.id
    assert first.items[0] not in second.items


def test_a_campaign_of_a_newer_version_is_named_as_such(study):
    open_campaign(study, a_task())
    study.db.execute('UPDATE campaigns SET protocol = \'{"plan": {"new": 1}}\'')
    study.db.conn.commit()
    with pytest.raises(StudyError, match="another version of Tandem"):
        open_campaign(study, a_task())


def test_simulated_raters_are_noticed(study):
    campaign = open_campaign(study, a_task())
    begin(study, campaign)
    assert not has_simulated_raters(study, campaign)
    begin(study, campaign, "simulated")
    assert has_simulated_raters(study, campaign)


def test_a_campaign_of_an_older_version_drew_all_prompts_alike(study):
    campaign = open_campaign(study, a_task(items=4))
    study.db.execute("DELETE FROM campaign_items")
    said = chances_of(study, campaign)
    assert {one.probability for one in said.values()} == {4 / 10}
    assert len(said) == 10
    drawn = sorted(
        (one.place, one.item) for one in said.values() if one.place is not None
    )
    assert tuple(item for _, item in drawn) == campaign.items
