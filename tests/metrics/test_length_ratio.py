"""Length of outputs over that of references, by hand."""

import json

import numpy as np
import pytest

from harness.errors import InputError, Unscorable
from harness.metrics import LengthRatio, build, describe, from_description
from harness.types import Item


def ratio(text, *references, **settings):
    metric, item = LengthRatio(**settings), Item("1", "task", "1", "", references)
    return float(metric.value(metric.tally(item, text)))


def test_by_hand():
    assert ratio("one two three", "one two") == 1.5
    assert ratio("one", "one two") == 0.5
    assert ratio("abc ", "ab", tokens="characters") == 1.5


def test_of_several_references_the_mean_length_counts():
    assert ratio("a b c", "a", "a b c d e") == 1


def test_an_empty_output_has_length_zero():
    assert ratio("", "one two") == 0
    assert ratio(" \n", "one two", tokens="characters") == 0


@pytest.mark.parametrize(
    ("text", "reference", "expected"),
    [
        ("我看见猫", "我看", 4 / 2),
        ("แมวนั่งบน", "แมวนั", 7 / 4),
        ("قطة على", "قطة", 2 / 1),
    ],
)
def test_scripts_without_spaces_are_counted_letter_by_letter(text, reference, expected):
    assert ratio(text, reference) == expected


def test_the_corpus_value_is_a_ratio_of_sums():
    metric = LengthRatio()
    long = Item("1", "task", "1", "", ("a b c d e f",))
    short = Item("2", "task", "2", "", ("a",))
    tallies = metric.tallies([(long, "a b c"), (short, "a b c d")])
    assert list(metric.output_value(np.array(tallies))) == [0.5, 4]
    assert metric.value(np.sum(tallies, axis=0)) == 1


@pytest.mark.parametrize("references", [(), ("",), ("", "  ")])
def test_without_length_to_compare_with_it_is_unscorable(references):
    with pytest.raises(Unscorable, match=r"no reference|the reference is empty"):
        ratio("a", *references)


def test_an_unknown_way_to_count_is_refused():
    with pytest.raises(InputError, match="'tokens' must be one of words, characters"):
        LengthRatio(tokens="bytes")


def test_neither_more_nor_less_of_it_is_better():
    assert not LengthRatio.directed


def test_a_study_keeps_it(tmp_path):
    [metric] = build("length_ratio:tokens=characters", tmp_path)
    assert metric.signature == "length_ratio|tokens:characters|v1"
    description = json.loads(json.dumps(describe(metric)))
    assert description["form"] == "tallied"
    assert from_description(description, tmp_path) == metric
