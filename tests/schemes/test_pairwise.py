"""Pairwise comparison: controls, answers, and what is refused."""

import pytest
from rating_study import FLUENCY, a_task

from harness.errors import InputError
from harness.schemes import Judgement, schemes

STYLE = {"name": "style", "question": "Which has the better style?"}


@pytest.fixture
def pairwise():
    plan = a_task(scheme="pairwise", criteria=[FLUENCY, STYLE]).file.rating
    return schemes["pairwise"].of(plan)


def test_left_right_equal_or_both_bad_each_with_its_key(pairwise):
    assert pairwise.together == 2
    for control in pairwise.controls:
        assert (control.kind, control.required) == ("choice", True)
        assert [(option.value, option.key) for option in control.options] == [
            ("first", "1"),
            ("second", "2"),
            ("tie", "3"),
            ("both_bad", "4"),
        ]
        assert all(option.label for option in control.options)


def test_an_answer_judges_both_texts_together_and_comes_back(pairwise):
    given = {"fluency": "both_bad", "style": "second"}
    rows = pairwise.judgements(given, ["one", "two"])
    assert rows == [
        Judgement("fluency", choice="both_bad"),
        Judgement("style", choice="second"),
    ]
    assert pairwise.values(rows) == given


@pytest.mark.parametrize(
    "value", ["left", "First", "", 1, None, True, ["first"], {"first": 1}]
)
def test_only_the_four_choices_are_taken(pairwise, value):
    with pytest.raises(InputError, match="style"):
        pairwise.judgements({"fluency": "tie", "style": value}, ["one", "two"])


def test_a_scale_has_no_place_in_a_comparison():
    criteria = [FLUENCY | {"anchors": {1: "Bad"}}]
    with pytest.raises(ValueError, match="compares outputs and has no scale"):
        a_task(scheme="pairwise", criteria=criteria)
