"""Repeated n-grams, by hand."""

import json
import time

import numpy as np
import pytest

from harness.errors import InputError, Unscorable
from harness.metrics import Repetition, build, describe, from_description
from harness.types import Item

ITEM = Item("1", "task", "1", "")


def repetition(text, **settings):
    return Repetition(**settings).score(ITEM, text)


def test_by_hand():
    # a b a b a: 4 pairs, 2 of them different; 3 triples, 2 of them different.
    assert repetition("a b a b a", n=2) == pytest.approx(1 - 2 / 4)
    assert repetition("a b a b a", n=3) == pytest.approx(1 - 2 / 3)
    assert repetition("a b c d e") == 0
    # Letters of "aaaa": 3 pairs, all the same.
    assert repetition("aaaa", n=2, tokens="characters") == pytest.approx(1 - 1 / 3)


def test_a_loop_comes_near_to_one():
    assert repetition("I do not know. " * 50) > 0.95
    assert repetition("!" * 500) > 0.95
    assert repetition("我不知道。" * 50) > 0.95
    assert repetition("ไม่รู้" * 50) > 0.95
    assert repetition("لا أعرف. " * 50) > 0.95


def test_upper_and_lower_case_differ():
    assert repetition("a A a A", n=1) == pytest.approx(1 / 2)


@pytest.mark.parametrize("text", ["no", "one two three", "a a a"])
def test_what_is_shorter_than_n_repeats_nothing(text):
    assert repetition(text) == 0


@pytest.mark.parametrize("text", ["", " \n"])
@pytest.mark.parametrize("tokens", ["words", "characters"])
def test_an_empty_output_is_unknown_rather_than_good(text, tokens):
    with pytest.raises(Unscorable, match="the output is empty"):
        repetition(text, tokens=tokens)


def test_a_huge_text_takes_no_time():
    started = time.perf_counter()
    assert repetition("ha " * 200_000) == pytest.approx(1, abs=1e-4)
    assert repetition("ha", n=10**12) == 0
    assert time.perf_counter() - started < 2


def test_n_below_one_is_refused():
    with pytest.raises(InputError, match="'n' must be 1 or more, but it is 0"):
        Repetition(n=0)


def test_the_corpus_value_is_the_mean_of_what_is_known():
    tallies = Repetition(n=1).tallies([(ITEM, "a a"), (ITEM, ""), (ITEM, "a b")])
    known = [one for one in tallies if not isinstance(one, Unscorable)]
    assert Repetition().value(np.sum(known, axis=0)) == pytest.approx(0.25)


def test_a_study_keeps_it(tmp_path):
    [metric] = build("repetition:n=2,tokens=characters", tmp_path)
    assert metric.signature == "repetition|n:2|tokens:characters|v1"
    description = json.loads(json.dumps(describe(metric)))
    assert build(json.loads(description["spec"]), tmp_path) == [metric]
    rebuilt = from_description(description, tmp_path)
    assert rebuilt.signature == metric.signature
    assert rebuilt.higher_is_better is False
