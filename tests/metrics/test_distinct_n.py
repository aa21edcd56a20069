"""Distinct n-grams of all outputs together, by hand and by a plain count."""

import json

import numpy as np
import pytest

from harness.errors import InputError, Unscorable
from harness.metrics import DistinctN, Whole, build, describe, from_description
from harness.metrics.ngrams import tokenized
from harness.types import Item

ITEM = Item("1", "task", "1", "")


def distinct(*texts, **settings):
    return DistinctN(**settings).value_of([(ITEM, text) for text in texts])


def test_by_hand():
    # a b, b a, a b | a b, b c: 5 pairs, 3 of them different.
    assert distinct("a b a b", "a b c") == pytest.approx(3 / 5)
    assert distinct("a b a b", "a b c", n=1) == pytest.approx(3 / 7)
    assert distinct("ab", "ab", tokens="characters") == pytest.approx(1 / 2)


def test_no_ngram_spans_two_outputs():
    assert distinct("a b", "c d") == 1
    assert distinct("a", "b", "a b c") == 1


def test_the_same_answer_to_every_prompt_is_seen():
    """As no metric of single outputs sees it."""
    assert distinct(*["I do not know that."] * 100) == pytest.approx(1 / 100)


@pytest.mark.parametrize("text", ["我看见一只猫", "แมวนั่งบนเสื่อ", "قطة على الحصيرة"])
def test_every_script_has_ngrams(text):
    assert distinct(text, text) == 0.5


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("tokens", ["words", "characters"])
def test_it_is_a_plain_count_also_when_asked_again(n, tokens):
    draws = np.random.default_rng(2)
    metric = DistinctN(n=n, tokens=tokens)
    texts = [
        " ".join(draws.choice(list("abcd"), size=draws.integers(6))) for _ in "1" * 30
    ]
    for _ in range(3):
        drawn = list(draws.choice(texts, size=20))
        found = []
        for text in drawn:
            parts = tokenized(text, tokens)
            found += [
                tuple(parts[place : place + n]) for place in range(len(parts) - n + 1)
            ]
        value = metric.value_of([(ITEM, text) for text in drawn])
        assert value == pytest.approx(len(set(found)) / len(found))


@pytest.mark.parametrize("texts", [(), ("",), ("a", "", "b")])
def test_without_any_ngram_it_is_unscorable(texts):
    with pytest.raises(Unscorable, match="no output has 2 words"):
        distinct(*texts)


def test_n_below_one_is_refused():
    with pytest.raises(InputError, match="'n' must be 1 or more, but it is -1"):
        DistinctN(n=-1)


def test_a_study_keeps_it(tmp_path):
    [metric] = build("distinct_n:n=3,tokens=characters", tmp_path)
    assert isinstance(metric, Whole)
    assert metric.higher_is_better
    assert metric.signature == "distinct_n|n:3|tokens:characters|v1"
    description = json.loads(json.dumps(describe(metric)))
    assert description["form"] == "whole"
    assert from_description(description, tmp_path) == metric
