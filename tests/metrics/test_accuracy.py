"""Accuracy by likelihood: by hand, its answers, and the rows that are refused."""

import math

import numpy as np
import pytest

from harness.errors import InputError, Unscorable
from harness.metrics import Accuracy, build
from harness.types import Item, Likelihood, Passage

TEXTS = ["Paris", "Rome", "New York"]


def item(*references, key="a", **columns):
    return Item(key, "task", key, "prompt", references, meta=columns)


def likelihoods(*nlls, tokens=(1, 1, 1)):
    return [
        Likelihood("a", "c", nll, count, 1, 1)
        for nll, count in zip(nlls, tokens, strict=False)
    ]


def accuracy(one, *nlls, tokens=(1, 1, 1), **settings):
    metric = Accuracy(**settings)
    return float(
        metric.output_value(metric.tally(one, likelihoods(*nlls, tokens=tokens)))
    )


@pytest.mark.parametrize(
    ("nlls", "expected"),
    [((1, 2, 3), 1), ((2, 1, 3), 0), ((3, 2, 1), 0), ((0, 1, 1), 1)],
)
def test_the_most_probable_choice_must_be_the_right_one(nlls, expected):
    assert accuracy(item("Paris", choices=TEXTS), *nlls) == expected


@pytest.mark.parametrize(
    ("nlls", "expected"),
    [((1, 1, 3), 1 / 2), ((1, 1, 1), 1 / 3), ((2, 1, 1), 0), ((1, 1 + 1e-9, 9), 1 / 2)],
)
def test_a_tie_counts_as_a_draw_among_the_best_on_average(nlls, expected):
    assert accuracy(item("Paris", choices=TEXTS), *nlls) == pytest.approx(expected)


def test_the_order_of_choices_does_not_help_a_model_that_tells_none_apart():
    values = [accuracy(item(text, choices=TEXTS), 5.0, 5.0, 5.0) for text in TEXTS]
    assert values == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize(
    ("normalize", "right"),
    [
        # "Paris" 6 nats, "Rome" 5, "New York" 8; per letter 1.2, 1.25 and 1.
        ("none", "Rome"),
        ("characters", "New York"),
        ("bytes", "New York"),
        ("tokens", "Paris"),
    ],
)
def test_length_normalisation_by_hand(normalize, right):
    for text in TEXTS:
        one = item(text, choices=TEXTS)
        found = accuracy(one, 6, 5, 8, tokens=(3, 1, 2), normalize=normalize)
        assert found == (text == right)


def test_bytes_are_not_characters():
    # Per letter 1 against 1.1; per byte 1/2 against 1.1, of "öö" and "oo".
    one = item("öö", choices=["öö", "oo"])
    assert accuracy(one, 2.3, 2.2, normalize="characters") == 0
    assert accuracy(one, 2.3, 2.2, normalize="bytes") == 1


def test_the_lead_is_scored_with_each_choice_but_does_not_lengthen_it():
    one = item("aa", choices=["aa", "b"])
    passages = Accuracy(lead=" ").passages(one)
    assert [passage.text for passage in passages] == [" aa", " b"]
    # Per letter 2/2 against 1.4/1; with the lead it would be 2/3 against 1.4/2.
    assert accuracy(one, 2.0, 1.4, normalize="characters", lead=" ") == 1
    assert accuracy(one, 2.0, 0.9, normalize="characters", lead=" ") == 0


def test_passages_follow_the_prompt_and_differ_by_column_and_lead():
    one = item("x", choices=["x", "y"], other=["x", "z"])
    asked = Accuracy().passages(one)
    assert asked == [
        Passage(one, "choice:0:choices", "x"),
        Passage(one, "choice:1:choices", "y"),
    ]
    others = [
        *Accuracy(choices="other").passages(one),
        *Accuracy(lead="\n").passages(one),
    ]
    assert len({one.target for one in [*asked, *others]}) == 6


def test_a_choice_that_stands_twice_is_asked_for_once():
    one = item("x", choices=["y", "x", "x"])
    assert [passage.text for passage in Accuracy().passages(one)] == ["y", "x"]
    assert accuracy(one, 2, 1) == 1


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (1, "Rome"),
        ("1", "Rome"),
        (0, "Paris"),
        ("A", "Paris"),
        ("C", "New York"),
        ("Rome", "Rome"),
    ],
)
def test_an_answer_is_a_number_from_0_a_letter_or_a_text(answer, right):
    one = item(choices=TEXTS, label=answer)
    values = {
        text: accuracy(
            one, *(0 if other == text else 1 for other in TEXTS), answer="label"
        )
        for text in TEXTS
    }
    assert values == {text: float(text == right) for text in TEXTS}


def test_letters_that_are_choices_are_their_own_answers():
    one = item(choices=["A", "B"], label="B")
    assert accuracy(one, 2, 1, answer="label") == 1


def test_numbers_may_be_chosen_from():
    one = item(choices=[10, 20.5], label=20.5)
    assert [p.text for p in Accuracy(answer="label").passages(one)] == ["10", "20.5"]
    assert accuracy(one, 2, 1, answer="label") == 1


def test_several_references_may_be_right():
    one = item("Rome", "Paris", choices=TEXTS)
    assert accuracy(one, 1, 2, 3) == 1
    assert accuracy(one, 2, 1, 3) == 1
    assert accuracy(one, 1, 1, 1) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("columns", "settings", "problem"),
    [
        ({}, {}, "has no column 'choices'; it has: "),
        ({"choices": "a, b"}, {}, "must have a list of texts in column 'choices'"),
        ({"choices": None}, {}, "must have a list of texts"),
        ({"choices": ["a", None]}, {}, "must have a list of texts"),
        ({"choices": ["a", ""]}, {}, "must have a list of texts"),
        ({"choices": ["a", ["b"]]}, {}, "must have a list of texts"),
        ({"choices": [True, False]}, {}, "must have a list of texts"),
        ({"choices": []}, {}, "needs two different choices"),
        ({"choices": ["a", "a"]}, {}, "needs two different choices"),
        ({"choices": ["a", "b"]}, {}, "none of its references among its choices"),
        ({"choices": ["a", "b"]}, {"answer": "label"}, "has no column 'label'"),
        ({"choices": ["a", "b"], "label": 2}, {"answer": "label"}, "is none of"),
        ({"choices": ["a", "b"], "label": -1}, {"answer": "label"}, "is none of"),
        ({"choices": ["a", "b"], "label": "C"}, {"answer": "label"}, "is none of"),
        ({"choices": ["a", "b"], "label": True}, {"answer": "label"}, "is none of"),
        ({"choices": ["a", "b"], "label": ["a"]}, {"answer": "label"}, "is none of"),
        ({"choices": ["B", "A"], "label": "A"}, {"answer": "label"}, "may be two of"),
        ({"choices": [1, 2, 3], "label": 1}, {"answer": "label"}, "may be two of"),
    ],
)
def test_bad_rows_are_refused_before_anything_runs(columns, settings, problem):
    good = item("x", key="good", choices=["x", "y"], label="x")
    bad = item("x", key="q7", **columns)
    metric = Accuracy(**settings)
    assert metric.for_items([good]) is metric
    with pytest.raises(InputError, match="item 'q7' of task 'task'") as caught:
        metric.for_items([good, bad])
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "columns"),
    [
        ({}, {}),
        ({"answer": "label"}, {"label": None}),
        ({"answer": "label"}, {"label": ""}),
    ],
)
def test_an_item_without_answer_is_unscorable(settings, columns):
    one = item(choices=TEXTS, **columns)
    metric = Accuracy(**settings).for_items([one])
    with pytest.raises(Unscorable, match=r"no (reference|answer)"):
        metric.passages(one)


@pytest.mark.parametrize("nll", [math.nan, math.inf])
def test_a_diverged_model_is_unscorable(nll):
    with pytest.raises(Unscorable, match="log-likelihood is"):
        accuracy(item("Paris", choices=TEXTS), 1, 2, nll)


def test_the_value_of_many_is_their_mean():
    sums = np.array([[3.0, 4.0], [0.0, 2.0]])
    assert Accuracy().value(sums) == pytest.approx([0.75, 0.0])
    assert math.isnan(Accuracy().value(np.zeros(2)))


def test_signature_names_every_setting():
    [metric] = build({"accuracy": {"normalize": "characters", "lead": " "}}, None)
    assert metric.signature == (
        "accuracy|choices:choices|answer:|normalize:characters|lead: |v1"
    )
    with pytest.raises(InputError, match="'normalize' must be one of none"):
        Accuracy(normalize="words")
