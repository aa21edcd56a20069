"""Error spans: marks in the text, then scores; and what is refused."""

import pytest
from rating_study import FLUENCY, a_task

from harness.errors import InputError
from harness.schemes import Judgement, Span, schemes

TEXT = "Ein 🐈 ist da."
"""Twelve code points; in UTF-16 it has thirteen units."""


@pytest.fixture
def spans():
    return schemes["spans"].of(a_task(scheme="spans", criteria=[FLUENCY]).file.rating)


def mark(severity="minor", start=0, end=1):
    return {"severity": severity, "start": start, "end": end}


def test_marks_come_first_and_may_be_left_out(spans):
    errors, fluency = spans.controls
    assert (errors.name, errors.kind, errors.required) == ("errors", "spans", False)
    assert [option.value for option in errors.options] == ["minor", "major"]
    assert (fluency.kind, fluency.required) == ("slider", True)


def test_no_mark_is_stored_as_no_error_rather_than_unknown(spans):
    expected = [Judgement("errors", 0, spans=()), Judgement("fluency", 0, 90)]
    for marks in ({}, {"errors": None}, {"errors": []}):
        assert spans.judgements(marks | {"fluency": 90}, [TEXT]) == expected


def test_marks_are_stored_in_the_order_of_the_text_and_once_each(spans):
    given = [
        {"severity": "major"},
        mark("minor", 6, 9),
        mark("major", 4, 5),
        mark("minor", 6, 9),
    ]
    rows = spans.judgements({"errors": given, "fluency": 1}, [TEXT])
    assert rows[0].spans == (
        Span("major", 4, 5),
        Span("minor", 6, 9),
        Span("major"),
    )
    assert TEXT[4:5] == "🐈"


def test_an_answer_comes_back_as_the_page_has_it(spans):
    given = {
        "errors": [
            mark("minor", 0, 3),
            {"severity": "major", "start": None, "end": None},
        ],
        "fluency": 7,
    }
    rows = spans.judgements(given, [TEXT])
    assert spans.values(rows) == given
    assert spans.judgements(spans.values(rows), [TEXT]) == rows


def test_a_mark_may_reach_to_the_last_character_and_no_further(spans):
    length = len(TEXT)
    whole = spans.judgements({"errors": [mark(end=length)], "fluency": 1}, [TEXT])
    assert whole[0].spans == (Span("minor", 0, length),)
    with pytest.raises(InputError, match="end of a mark"):
        spans.judgements({"errors": [mark(end=length + 1)], "fluency": 1}, [TEXT])


def test_in_an_empty_text_only_what_is_missing_can_be_marked(spans):
    rows = spans.judgements({"errors": [{"severity": "major"}], "fluency": 0}, [""])
    assert rows[0].spans == (Span("major"),)
    with pytest.raises(InputError):
        spans.judgements({"errors": [mark()], "fluency": 0}, [""])


@pytest.mark.parametrize(
    "marks",
    [
        "none",
        {"severity": "minor"},
        [["minor", 0, 1]],
        [mark("huge")],
        [mark(["minor"])],
        [mark(start=-1)],
        [mark(start=2, end=2)],
        [mark(start=3, end=2)],
        [mark(start=0.0)],
        [mark(start="0")],
        [mark(start=None)],
        [mark(end=None)],
        [mark(start=True)],
        [mark(start=0, end=number) for number in range(1, 12)] * 20,
    ],
    ids=lambda marks: repr(marks)[:40],
)
def test_what_is_no_list_of_marks_in_the_text_is_refused(spans, marks):
    with pytest.raises(InputError):
        spans.judgements({"errors": marks, "fluency": 1}, [TEXT])


def test_the_score_after_the_marks_must_be_given(spans):
    with pytest.raises(InputError, match="'fluency' has no rating yet"):
        spans.judgements({"errors": [mark()]}, [TEXT])


def test_no_criterion_may_be_called_as_the_marks_are():
    with pytest.raises(ValueError, match="the marks are called 'errors'"):
        a_task(scheme="spans", criteria=[FLUENCY | {"name": "errors"}])
