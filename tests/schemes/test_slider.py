"""Sliders: controls, answers, and what is refused."""

import pytest
from rating_study import FLUENCY, MEANING, a_task

from harness.errors import InputError
from harness.schemes import Judgement, Option, Slider, schemes

ANCHORS = {0: "Nonsense", 100: "Perfect", 50: "Half of it"}


@pytest.fixture
def slider():
    criteria = [MEANING | {"anchors": ANCHORS}, FLUENCY]
    plan = a_task(scheme="slider", criteria=criteria).file.rating
    return schemes["slider"].of(plan)


def test_one_slider_for_each_criterion_with_its_anchors_from_left_to_right(slider):
    assert isinstance(slider, Slider)
    meaning, fluency = slider.controls
    assert (meaning.kind, meaning.required) == ("slider", True)
    assert meaning.options == (
        Option(0, "Nonsense"),
        Option(50, "Half of it"),
        Option(100, "Perfect"),
    )
    assert fluency.options == ()


def test_an_answer_comes_back_as_it_was_given(slider):
    given = {"meaning": 0, "fluency": 100}
    rows = slider.judgements(given, ["text"])
    assert rows == [Judgement("meaning", 0, 0), Judgement("fluency", 0, 100)]
    assert slider.values(reversed(rows)) == given


@pytest.mark.parametrize(
    "value", [-1, 101, 50.0, "50", True, None, float("nan"), [50], {}]
)
def test_only_whole_numbers_from_0_to_100_are_taken(slider, value):
    with pytest.raises(InputError, match="fluency"):
        slider.judgements({"meaning": 50, "fluency": value}, ["text"])


def test_what_is_missing_or_unknown_is_refused(slider):
    with pytest.raises(InputError, match="'fluency' has no rating yet"):
        slider.judgements({"meaning": 50}, ["text"])
    with pytest.raises(InputError, match="no criterion 'style'"):
        slider.judgements({"meaning": 5, "fluency": 5, "style": 5}, ["text"])
