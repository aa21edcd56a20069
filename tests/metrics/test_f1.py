"""F1, by hand and against SQuAD's own script, written out anew."""

import re
import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from harness.errors import Unscorable
from harness.metrics import F1
from harness.types import Item

WORDS = st.sampled_from(["the", "a", "cat", "Cat!", "sat,", "on", "--", "on mat", "é"])


def f1(text, *references):
    return F1().score(Item("1", "task", "1", "", references), text)


def squad_f1(written, wanted):
    """As evaluate-v2.0.py has it, with precision and recall."""

    def tokens(text):
        kept = "".join(c for c in text.lower() if c not in set(string.punctuation))
        return re.sub(r"\b(a|an|the)\b", " ", kept).split()

    gold, found = tokens(wanted), tokens(written)
    if not gold or not found:
        return int(gold == found)
    left, same = list(gold), 0
    for token in found:
        if token in left:
            left.remove(token)
            same += 1
    if same == 0:
        return 0
    precision, recall = same / len(found), same / len(gold)
    return 2 * precision * recall / (precision + recall)


def test_by_hand():
    # cat, sat of 3 written and 4 wanted words: P = 2/3, R = 1/2.
    assert f1("cat sat here", "the cat sat on mats") == pytest.approx(4 / 7)


@limits(max_examples=300, deadline=None)
@given(*[st.lists(WORDS, max_size=8).map(" ".join)] * 2)
def test_it_is_squads(written, wanted):
    assert f1(written, wanted) == pytest.approx(squad_f1(written, wanted))


def test_a_word_counts_as_often_as_it_occurs():
    # One of 3 written, one of one wanted.
    assert f1("cat cat cat", "cat") == pytest.approx(2 * 1 / (3 + 1))


@pytest.mark.parametrize("text", ["The Cat.", "  cat\n", "a cat", "CAT!"])
def test_case_punctuation_and_articles_do_not_count(text):
    assert f1(text, "cat") == 1


def test_the_best_reference_counts():
    assert f1("cat", "a dog barks", "a cat", "the cat sat") == 1


@pytest.mark.parametrize(
    ("text", "reference", "expected"),
    [("", "cat", 0), ("the", "cat", 0), ("cat", "", 0), ("", "", 1), ("the!", "a", 1)],
)
def test_where_no_word_is_left(text, reference, expected):
    assert f1(text, reference) == expected


@pytest.mark.parametrize("text", ["قطة على الحصيرة", "кошка сидит", "สุนัข แมว"])
def test_scripts_with_spaces_are_compared_by_words(text):
    first, _ = text.split(maxsplit=1)
    assert f1(text, text) == 1
    assert 0 < f1(first, text) < 1


def test_without_reference_it_is_unscorable():
    with pytest.raises(Unscorable, match="no reference"):
        f1("cat")


def test_the_corpus_value_is_the_mean():
    item = Item("1", "task", "1", "", ("cat dog",))
    tallies = F1().tallies([(item, "cat"), (item, "dog cat"), (item, "")])
    expected = (2 / 3 + 1 + 0) / 3
    assert F1().value(np.sum(tallies, axis=0)) == pytest.approx(expected)
    assert F1().signature == "f1|v1"
