"""Perplexity and bits per byte, by hand."""

import math

import numpy as np
import pytest

from harness.errors import InputError, Unscorable
from harness.metrics import BitsPerByte, Perplexity
from harness.types import Item, Likelihood, Passage, Windows

ITEM = Item("item", "task", "key", "the prompt", ("one", "two"), meta={"text": "a b"})


def likelihood(nll, tokens=4, words=2, bytes_=8):
    return Likelihood("item", "checkpoint", nll, tokens, words, bytes_)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (Perplexity(), 8),
        (Perplexity(per="word"), 64),
        (BitsPerByte(), 1.5),
    ],
    ids=["12 bits over 4 tokens", "over 2 words", "over 8 bytes"],
)
def test_one_item_by_hand(metric, expected):
    tally = metric.tally(ITEM, [likelihood(12 * math.log(2))])
    assert float(metric.output_value(tally)) == pytest.approx(expected)


def test_the_tally_is_the_sums():
    assert list(Perplexity().tally(ITEM, [likelihood(2.5)])) == [2.5, 4, 2, 8]
    assert list(BitsPerByte().tally(ITEM, [likelihood(2.5)])) == [2.5, 4, 2, 8]


def test_sums_are_divided_rather_than_perplexities_averaged():
    metric = Perplexity()
    tallies = [
        metric.tally(ITEM, [likelihood(0.0, tokens=9)]),
        metric.tally(ITEM, [likelihood(10 * math.log(2), tokens=1)]),
    ]
    assert float(metric.value(np.sum(tallies, axis=0))) == pytest.approx(2)
    assert np.mean(metric.output_value(np.array(tallies))) == pytest.approx(512.5)


def test_values_of_many_sums_at_once():
    sums = np.array([[[0.0, 1, 1, 1], [math.log(2), 1, 1, 1]]])
    assert Perplexity().value(sums) == pytest.approx(np.array([[1, 2]]))
    assert BitsPerByte().value(sums) == pytest.approx(np.array([[0, 1]]))


def test_no_items_have_no_value():
    assert math.isnan(Perplexity().value(np.zeros(4)))
    assert math.isnan(BitsPerByte().value(np.zeros(4)))


def test_more_than_a_float_holds_is_infinite():
    assert Perplexity().value(np.array([1e6, 1, 1, 1])) == math.inf


@pytest.mark.parametrize("nll", [math.nan, math.inf])
def test_a_diverged_model_is_unscorable(nll):
    with pytest.raises(Unscorable, match="log-likelihood is"):
        Perplexity().tally(ITEM, [likelihood(nll)])


@pytest.mark.parametrize(
    ("metric", "counts"),
    [
        (Perplexity(), (0, 1, 1)),
        (Perplexity(per="word"), (1, 0, 1)),
        (BitsPerByte(), (1, 1, 0)),
    ],
)
def test_nothing_to_score_is_unscorable_rather_than_zero(metric, counts):
    with pytest.raises(Unscorable, match="nothing that can be scored"):
        metric.tally(ITEM, [likelihood(0.0, *counts)])


def test_signatures_name_policy_and_unit():
    assert Perplexity().signature == "perplexity|ref:first|per:token|v1"
    assert Perplexity(per="word").signature == "perplexity|ref:first|per:word|v1"
    assert BitsPerByte().signature == "bits_per_byte|ref:first|v1"
    assert not Perplexity().higher_is_better
    assert not BitsPerByte().higher_is_better


def test_an_unknown_unit_is_refused():
    with pytest.raises(InputError, match="'per' must be one of token, word"):
        Perplexity(per="letter")
