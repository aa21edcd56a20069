"""Likert scales: what the page draws, and which answers are accepted."""

import pytest
from rating_study import FLUENCY, MEANING

from harness.errors import InputError, NotFound
from harness.schemes import Judgement, Likert, Option, schemes
from harness.taskfile import RatingPlan

SCHEME = Likert.of(RatingPlan.model_validate({"criteria": [MEANING, FLUENCY]}))


def test_controls_carry_questions_definitions_anchors_and_keys():
    meaning, fluency = SCHEME.controls
    assert meaning.name == "meaning"
    assert meaning.question == "Does the rewrite keep the meaning?"
    assert meaning.definition == "Nothing added, lost or changed."
    assert meaning.options[0] == Option(1, "Another meaning", "1")
    assert [option.value for option in fluency.options] == [1, 2, 3, 4, 5]
    assert [option.label for option in fluency.options] == [""] * 5


def test_an_answer_becomes_one_row_for_each_criterion_and_back():
    rows = SCHEME.judgements({"fluency": 2, "meaning": 5}, ["text"])
    assert rows == [
        Judgement("meaning", position=0, value=5),
        Judgement("fluency", position=0, value=2),
    ]
    assert SCHEME.values(rows) == {"meaning": 5, "fluency": 2}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"meaning": 3}, "'fluency' has no rating yet"),
        ({"meaning": 3, "fluency": None}, "'fluency' has no rating yet"),
        ({"meaning": 0, "fluency": 3}, "'meaning' must be a whole number from 1 to 5"),
        ({"meaning": 6, "fluency": 3}, "'meaning' must be a whole number from 1 to 5"),
        ({"meaning": 2.5, "fluency": 3}, "not 2.5"),
        ({"meaning": True, "fluency": 3}, "not True"),
        ({"meaning": "3", "fluency": 3}, "not '3'"),
        ({"meaning": 3, "fluency": 3, "style": 1}, "no criterion 'style'"),
    ],
)
def test_other_answers_are_refused_with_the_reason(values, message):
    with pytest.raises(InputError, match=message):
        SCHEME.judgements(values, ["text"])


def test_a_misspelt_scheme_is_answered_with_the_nearest():
    with pytest.raises(NotFound, match="Did you mean 'likert'"):
        schemes["lickert"]
