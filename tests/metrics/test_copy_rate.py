"""What is copied from the prompt, by hand."""

import json
import time

import pytest

from harness.errors import InputError, Unscorable
from harness.metrics import CopyRate, build, describe, from_description
from harness.types import Item


def copied(text, prompt, meta=(), **settings):
    item = Item("1", "task", "1", prompt, (), (), dict(meta))
    return CopyRate(**settings).score(item, text)


def test_by_hand():
    # the cat sat, cat sat down: the first of the two triples is in the prompt.
    assert copied("the cat sat down", "Where the cat sat") == pytest.approx(1 / 2)
    # the, cat, sat, down: three of four words.
    assert copied("the cat sat down", "sat cat the", n=1) == pytest.approx(3 / 4)
    # ab, bx: the first of the two pairs of letters.
    assert copied("abx", "zab", n=2, tokens="characters") == pytest.approx(1 / 2)


def test_a_copy_is_one_and_other_words_are_zero():
    prompt = "Say it anew: the cat sat on the mat."
    assert copied(prompt, prompt) == 1
    assert copied("the cat sat on the mat", prompt) == 1
    assert copied("a dog ran off at once", prompt) == 0


def test_order_matters_and_so_does_case():
    assert copied("mat the on sat", "sat on the mat") == 0
    assert copied("The cat sat", "the cat sat") == 0


def test_an_ngram_counts_as_often_as_it_is_written():
    assert copied("a a a b", "a", n=1) == pytest.approx(3 / 4)


def test_texts_shorter_than_n_are_compared_by_shorter_ngrams():
    assert copied("cat", "the cat sat down") == 1
    assert copied("dog", "the cat sat down") == 0
    assert copied("the cat sat", "cat") == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    "text", ["我看见一只猫", "แมวนั่งบนเสื่อ", "قطة على الحصيرة اليوم"]
)
def test_copies_are_seen_in_every_script(text):
    assert copied(text, f"Translate: {text}") == 1
    assert copied(text, "Translate this text, please, into English.") == 0


def test_a_column_can_stand_for_the_prompt():
    meta = {"source": "the cat sat", "number": 3}
    prompt = "Example: a dog ran off."
    assert copied("a dog ran", prompt, meta) == 1
    assert copied("a dog ran", prompt, meta, column="source") == 0
    for column in ("missing", "number"):
        with pytest.raises(
            Unscorable, match=f"no text in column '{column}'; it has: source, number"
        ):
            copied("a dog ran", prompt, meta, column=column)


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_output_is_unknown_rather_than_original(text):
    with pytest.raises(Unscorable, match="the output is empty"):
        copied(text, "prompt")


def test_an_empty_prompt_is_nothing_to_copy_from():
    with pytest.raises(Unscorable, match="there is nothing to copy from"):
        copied("text", " ")


def test_huge_texts_take_no_time():
    started = time.perf_counter()
    assert copied("ha " * 100_000, "ho ha " * 100_000) == 0
    assert copied("ha", "ha", n=10**12) == 1
    assert time.perf_counter() - started < 2


def test_n_below_one_is_refused():
    with pytest.raises(InputError, match="'n' must be 1 or more, but it is 0"):
        CopyRate(n=0)


def test_a_study_keeps_it(tmp_path):
    [metric] = build("copy_rate:n=4,column=source,tokens=characters", tmp_path)
    assert metric.signature == "copy_rate|n:4|column:source|tokens:characters|v1"
    description = json.loads(json.dumps(describe(metric)))
    assert build(json.loads(description["spec"]), tmp_path) == [metric]
    rebuilt = from_description(description, tmp_path)
    assert rebuilt.signature == metric.signature
    assert rebuilt.higher_is_better is False
