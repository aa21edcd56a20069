"""What is said of an answer to an example, in the words of the page, per scheme."""

import json
from dataclasses import replace

import pytest
from rating_study import a_study, a_task

from harness.campaign import open_campaign
from harness.rate import Answer, answer, next_assignment
from harness.study.raters import ensure_rater
from harness.training import feedback_on, place_in_training

ONE = {"prompt": "P", "output": "O", "feedback": "Because."}
TWO = {"prompt": "P", "outputs": ["good", "bad"], "feedback": "Because."}


def begin(tmp_path, scheme, row):
    study = a_study(tmp_path / "s.db", items=2)
    (tmp_path / "e.jsonl").write_text(json.dumps(row) + "\n")
    criteria = [{"name": "fit", "question": "Does it fit?"}]
    task = a_task(scheme=scheme, criteria=criteria, examples="e.jsonl")
    campaign = open_campaign(study, replace(task, path=tmp_path / "task.yaml"))
    ana = ensure_rater(study, "ana")
    return study, campaign, ana, next_assignment(study, campaign, ana)


@pytest.mark.parametrize(
    ("scheme", "expected", "given", "line", "right"),
    [
        ("likert", [4, 5], 3, ("3", "4 to 5"), False),
        ("likert", 3, 3, ("3", "3"), True),
        ("slider", 50, 60, ("60", "40 to 60"), True),
        ("slider", 50, 61, ("61", "40 to 60"), False),
        ("spans", [0, 20], 10, ("10", "0 to 20"), True),
    ],
)
def test_numbers_are_held_against_the_expected_range(
    tmp_path, scheme, expected, given, line, right
):
    row = ONE | {"expected": {"fit": expected}}
    study, campaign, _, shown = begin(tmp_path, scheme, row)
    said = feedback_on(study, campaign, shown.token, {"fit": given})
    [found] = said.lines
    assert (found.given, found.expected) == line
    assert (found.right, said.right, said.explanation) == (right, right, "Because.")
    assert found.question == "Does it fit?"


def test_sides_are_named_as_they_stood_on_the_page(tmp_path):
    row = TWO | {"expected": {"fit": ["first", "tie"]}}
    study, campaign, _, shown = begin(tmp_path, "pairwise", row)
    left = shown.outputs[0] == "good"
    [found] = feedback_on(
        study, campaign, shown.token, {"fit": "first" if left else "second"}
    ).lines
    side = "A is better" if left else "B is better"
    assert (found.given, found.right) == (side, True)
    assert found.expected == f"{side} or Equally good"


def test_ranks_are_named_in_the_order_of_the_page(tmp_path):
    row = TWO | {"expected": {"fit": [1, 2]}}
    study, campaign, _, shown = begin(tmp_path, "ranking", row)
    ranks = [1 if text == "good" else 2 for text in shown.outputs]
    [found] = feedback_on(study, campaign, shown.token, {"fit": ranks}).lines
    assert found.right
    assert found.given == found.expected


def test_nothing_is_said_of_answers_that_train_nobody(tmp_path):
    row = ONE | {"expected": {"fit": 3}}
    study, campaign, ana, shown = begin(tmp_path, "likert", row)
    assert place_in_training(study, campaign, shown.token) == (1, 1)
    answer(study, ana, shown.token, Answer({"fit": 3}))
    real = next_assignment(study, campaign, ana)
    assert place_in_training(study, campaign, real.token) is None
    assert feedback_on(study, campaign, real.token, {"fit": 3}) is None
    assert feedback_on(study, campaign, "forged", {"fit": 3}) is None
