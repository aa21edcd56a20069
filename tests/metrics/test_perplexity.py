"""Perplexity and bits per byte, by hand."""

import math

import numpy as np
import pytest

from harness.errors import InputError, Unscorable
from harness.metrics import BitsPerByte, Perplexity, build, describe, from_description
from harness.types import Item, Likelihood, Windows

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


def asked(metric, item=ITEM):
    return [(one.target, one.text, one.windows) for one in metric.passages(item)]


def test_the_first_reference_is_asked_for_or_all_of_them():
    first = ("reference:0", "one", None)
    assert asked(Perplexity()) == [first]
    assert asked(BitsPerByte(ref="all")) == [first, ("reference:1", "two", None)]
    assert Perplexity(ref="all").signature == "perplexity|ref:all|per:token|v1"


def test_all_references_are_summed():
    found = [likelihood(1.0, 4, 2, 8), likelihood(2.0, 1, 1, 3)]
    assert list(Perplexity(ref="all").tally(ITEM, found)) == [3.0, 5, 3, 11]


@pytest.mark.parametrize("ref", ["first", "all"])
def test_without_references_there_is_nothing_to_ask_for(ref):
    with pytest.raises(Unscorable, match="no reference"):
        Perplexity(ref=ref).passages(Item("i", "t", "k", "prompt"))


@pytest.mark.parametrize(
    ("settings", "target", "text", "windows", "signature"),
    [
        (
            {},
            "document:positions:window",
            "the prompt",
            Windows(),
            "window:positions|stride:window",
        ),
        (
            {"window": 9},
            "document:9:9",
            "the prompt",
            Windows(9, 9),
            "window:9|stride:9",
        ),
        (
            {"window": 9, "stride": 4},
            "document:9:4",
            "the prompt",
            Windows(9, 4),
            "window:9|stride:4",
        ),
        (
            {"stride": 4},
            "document:positions:4",
            "the prompt",
            Windows(None, 4),
            "window:positions|stride:4",
        ),
        (
            {"column": "text"},
            "document:positions:window:text",
            "a b",
            Windows(),
            "window:positions|stride:window",
        ),
    ],
)
def test_documents_are_asked_for_in_windows(settings, target, text, windows, signature):
    metric = BitsPerByte(of="document", **settings)
    assert asked(metric) == [(target, text, windows)]
    place = "column:text|" if "column" in settings else ""
    assert metric.signature == (
        f"bits_per_byte|of:document|{place}joined:no|start:once|{signature}|v1"
    )


@pytest.mark.parametrize("text", [None, "", math.nan])
def test_an_empty_document_is_unscorable(text):
    item = Item("i", "t", "k", "prompt", meta={"text": text})
    metric = Perplexity(of="document", column="text")
    assert metric.for_items([item]) is metric
    with pytest.raises(Unscorable, match="the document is empty"):
        metric.passages(item)


@pytest.mark.parametrize(
    ("column", "more", "problem"),
    [
        ("body", {}, "item 'k' of task 't' has no column 'body'; it has: text"),
        ("text", {"meta": {"text": 3}}, "item 'k' of task 't' must have a text in"),
        (None, {"messages": ({"role": "user", "content": "x"},)}, "gives messages"),
    ],
)
def test_items_without_a_document_are_refused_before_anything_runs(
    column, more, problem
):
    item = Item("i", "t", "k", "prompt", **{"meta": {"text": "a"}, **more})
    with pytest.raises(InputError, match=problem):
        Perplexity(of="document", column=column).for_items([item])


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"window": 8}, "'window' goes with of: document only"),
        ({"stride": 8}, "'stride' goes with of: document only"),
        ({"column": "text"}, "'column' goes with of: document only"),
        ({"of": "document", "ref": "all"}, "'ref' goes with of: reference only"),
        ({"of": "document", "window": 0}, "'window' must be 1 or more, but it is 0"),
        ({"of": "document", "stride": -1}, "'stride' must be 1 or more"),
        (
            {"of": "document", "window": 8, "stride": 9},
            "'stride' must be at most the window's 8, but it is 9",
        ),
        ({"of": "documents"}, "'of' must be one of reference, document"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, problem):
    with pytest.raises(InputError, match=problem):
        Perplexity(**settings)


def test_a_task_names_documents_and_a_study_rebuilds_them(tmp_path):
    for spec in (
        "perplexity:of=document,window=64,per=word",
        {"perplexity": {"of": "document", "column": "text", "stride": None}},
    ):
        [metric] = build(spec, tmp_path)
        again = from_description(describe(metric), tmp_path)
        assert again == metric
