"""Sides: at any time each checkpoint stood left about as often as right."""

from collections import Counter

import pytest
from rating_study import a_study, a_task

from harness.campaign import open_campaign
from harness.rate import Answer, answer, next_assignment, skip
from harness.study.raters import ensure_rater

CRITERIA = [{"name": "meaning", "question": "Which keeps the meaning?"}]


def work(study, campaign, name, count=1000):
    """Let a rater answer, now and then skip; every order that they were shown."""
    rater = ensure_rater(study, name)
    for number in range(count):
        shown = next_assignment(study, campaign, rater)
        if shown is None:
            break
        if number % 11 == 5:
            skip(study, rater, shown.token)
            continue
        given = (
            list(range(1, len(shown.outputs) + 1))
            if campaign.plan.scheme == "ranking"
            else "first"
        )
        answer(study, rater, shown.token, Answer({"meaning": given}))
    orders = {}
    for row in study.rows(
        "SELECT assignment, position, checkpoints.name FROM assignment_outputs "
        "JOIN assignments ON assignments.id = assignment "
        "JOIN outputs ON outputs.id = output "
        "JOIN checkpoints ON checkpoints.id = outputs.checkpoint "
        "WHERE rater = ? ORDER BY assignment, position",
        [rater.id],
    ):
        orders.setdefault(row["assignment"], []).append(row["name"])
    return list(orders.values())


def lefts(orders, name):
    """How much more often a checkpoint stood left than right."""
    return sum((order[0] == name) - (order[-1] == name) for order in orders)


@pytest.mark.parametrize("checkpoints", [2, 3, 6])
def test_at_any_time_each_checkpoint_stood_left_about_as_often_as_right(
    tmp_path, checkpoints
):
    study = a_study(tmp_path / "s.db", items=12, checkpoints=checkpoints)
    campaign = open_campaign(study, a_task(scheme="pairwise", criteria=CRITERIA))
    orders = work(study, campaign, "ana")
    assert len(orders) == 12 * checkpoints * (checkpoints - 1) // 2
    names = {name for order in orders for name in order}
    for length in range(1, len(orders) + 1):
        for name in names:
            assert abs(lefts(orders[:length], name)) <= 3


def test_over_raters_both_sides_are_shown_equally_often(tmp_path):
    study = a_study(tmp_path / "s.db", items=10, checkpoints=3)
    campaign = open_campaign(
        study, a_task(scheme="pairwise", criteria=CRITERIA, raters_per_output=4)
    )
    orders = [order for n in range(4) for order in work(study, campaign, f"rater-{n}")]
    for name in ("ckpt-0", "ckpt-1", "ckpt-2"):
        assert abs(lefts(orders, name)) <= 4
    both = Counter(tuple(order) for order in orders)
    for (one, two), count in both.items():
        assert abs(count - both[two, one]) <= 6


def test_a_pairs_second_rater_sees_it_the_other_way_round_where_nothing_else_decides(
    tmp_path,
):
    study = a_study(tmp_path / "s.db", items=1, checkpoints=2)
    campaign = open_campaign(study, a_task(scheme="pairwise", criteria=CRITERIA))
    [ana] = work(study, campaign, "ana")
    [ben] = work(study, campaign, "ben")
    assert ana == ben[::-1]


def test_in_sets_each_checkpoint_stands_at_each_place_about_equally_often(tmp_path):
    study = a_study(tmp_path / "s.db", items=20, checkpoints=4)
    campaign = open_campaign(study, a_task(scheme="ranking", criteria=CRITERIA))
    orders = work(study, campaign, "ana")
    for length in range(4, 21):
        places = Counter(
            (name, place)
            for order in orders[:length]
            for place, name in enumerate(order)
        )
        assert max(places.values()) - length / 4 <= 2


def test_what_stands_where_is_stored_with_the_answer(tmp_path):
    study = a_study(tmp_path / "s.db", items=6, checkpoints=2)
    campaign = open_campaign(study, a_task(scheme="pairwise", criteria=CRITERIA))
    rater = ensure_rater(study, "ana")
    wanted = {}
    while shown := next_assignment(study, campaign, rater):
        answer(study, rater, shown.token, Answer({"meaning": "first"}))
        wanted[shown.token] = shown.outputs
    stored = study.rows(
        "SELECT token, text FROM assignments JOIN assignment_outputs ON "
        "assignment = assignments.id JOIN outputs ON outputs.id = output "
        "ORDER BY assignment, position"
    )
    texts = {}
    for row in stored:
        texts[row["token"]] = (*texts.get(row["token"], ()), row["text"])
    assert texts == wanted
    # Left always won: each checkpoint as often as it stood there.
    outcomes = study.column("SELECT outcome FROM preferences")
    assert sorted(outcomes) == [0.0] * 3 + [1.0] * 3 or len(set(outcomes)) == 2


def test_sides_come_from_the_seed(tmp_path):
    found = []
    for number, seed in enumerate([1, 1, 2, 3]):
        study = a_study(tmp_path / f"{number}.db", items=6, checkpoints=3)
        plan = a_task(scheme="pairwise", criteria=CRITERIA, seed=seed)
        found.append(work(study, open_campaign(study, plan), "ana"))
    assert found[0] == found[1]
    assert found[1] != found[2]
    assert found[2] != found[3]
