"""BLEU, by hand and against the figures that sacreBLEU publishes."""

import typing

import numpy as np
import pytest
from sacrebleu.metrics import BLEU

from harness.errors import InputError
from harness.metrics import Bleu
from harness.types import Item

JUDGED = [
    (
        Item(
            "1", "task", "1", "", ("The dog bit the man.", "The dog had bit the man.")
        ),
        "The dog bit the man.",
    ),
    (
        Item("2", "task", "2", "", ("It was not unexpected.", "No one was surprised.")),
        "It wasn't surprising.",
    ),
    (
        Item(
            "3",
            "task",
            "3",
            "",
            ("The man bit him first.", "The man had bitten the dog."),
        ),
        "The man had just bitten him.",
    ),
]


def corpus_bleu(judged, **settings):
    metric = Bleu(**settings)
    return float(metric.value(np.sum(metric.tallies(judged), axis=0)))


def output_bleu(text, *references, **settings):
    metric = Bleu(**settings)
    tally = metric.tally(Item("1", "task", "1", "", references), text)
    return float(metric.output_value(tally))


@pytest.mark.parametrize(
    ("tokenize", "expected"),
    [("13a", 48.530827), ("intl", 43.91623493), ("none", 49.1919566)],
)
def test_sacrebleus_example_has_its_published_score(tokenize, expected):
    assert corpus_bleu(JUDGED, tokenize=tokenize) == pytest.approx(expected, abs=1e-6)


def test_statistics_by_hand():
    # 5 words written; of the references' 4 and 6 both differ by 1, the shorter counts.
    # Matches, clipped: a b c (3 of 5), "a b", "b c" (2 of 4), "a b c" (1 of 3), none.
    item = Item("1", "task", "1", "", ("a b c d", "x x x x x x"))
    assert list(Bleu(tokenize="none").tally(item, "a a b c e")) == [
        *(5, 4),
        *(3, 2, 1, 0),
        *(5, 4, 3, 2),
    ]


def test_value_by_hand():
    # Precisions 4/4, 3/3, 2/2, 1/1 of 4 words where 5 are wanted: exp(1 - 5/4) is left.
    judged = [(Item("1", "task", "1", "", ("a b c d e",)), "a b c d")]
    assert corpus_bleu(judged) == pytest.approx(100 * np.exp(-1 / 4))


def test_the_brevity_penalty_goes_by_the_closest_reference_not_the_shortest():
    # 7 words; 8 are closest, by which 1 - 8/7 is taken off, and by 5 nothing would be.
    text = "a b c d e f g"
    judged = [(Item("1", "t", "1", "", ("a b c d e", "a b c d e f g h")), text)]
    assert corpus_bleu(judged) == pytest.approx(100 * np.exp(1 - 8 / 7))
    assert corpus_bleu(judged) == pytest.approx(86.7, abs=0.05)


def test_all_orders_count_not_the_fourth_alone():
    judged = [(Item("1", "t", "1", "", ("a b c d x y",)), "a b c d y x")]
    # 6/6, 3/5, 2/4 and 1/3, of which a "BLEU-4" of weights (0, 0, 0, 1) takes 1/3.
    assert corpus_bleu(judged) == pytest.approx(100 * (1 * 3 / 5 / 2 / 3) ** 0.25)


def test_a_perfect_corpus_is_100_but_for_rounding():
    judged = [(Item("1", "t", "1", "", ("a b c d e",)), "a b c d e")] * 3
    assert corpus_bleu(judged) == pytest.approx(100, abs=1e-9)


def test_one_output_goes_by_effective_order():
    assert output_bleu("two words", "two words") == pytest.approx(100)
    judged = [(Item("1", "task", "1", "", ("two words",)), "two words")]
    assert corpus_bleu(judged) == 0


def test_corpus_value_is_no_mean_of_outputs():
    metric = Bleu()
    judged = [
        (Item("1", "task", "1", "", ("a b c d e f g h",)), "a b c d e f g h"),
        (Item("2", "task", "2", "", ("i j",)), "x y"),
    ]
    outputs = metric.output_value(np.array(metric.tallies(judged)))
    assert outputs == pytest.approx([100, 0])
    # Precisions 8/10, 7/8, 6/6 and 5/5.
    assert corpus_bleu(judged) == pytest.approx(100 * 0.7 ** (1 / 4))


@pytest.mark.parametrize(
    ("text", "reference"),
    [("", "a b"), ("a b", ""), ("", ""), ("x y", "a b"), ("...", "a b")],
)
def test_nothing_in_common_is_zero(text, reference):
    assert output_bleu(text, reference) == 0


def test_settings_that_sacrebleus_signature_hides_are_in_ours():
    base = "nrefs:var|case:mixed|eff:no|tok:13a"
    assert Bleu().signature.startswith(f"bleu|{base}|smooth:exp|version:")
    assert Bleu(max_ngram_order=2).signature.startswith(f"bleu|order:2|{base}")
    fine = Bleu(smooth_method="floor", smooth_value=0.001).signature
    assert fine.startswith(f"bleu|smooth_value:0.001|{base}|smooth:floor[0.00]")


def test_the_signature_that_papers_cite():
    items = [item for item, _ in JUDGED[:1]]
    signed = Bleu().for_items([Item("1", "t", "1", "", ("x",))]).signature
    assert signed.split("|")[:6] == [
        "bleu",
        "nrefs:1",
        "case:mixed",
        "eff:no",
        "tok:13a",
        "smooth:exp",
    ]
    assert "nrefs:2" in Bleu().for_items(items).signature


def test_all_of_sacrebleus_tokenizers_can_be_chosen():
    choices = typing.get_args(typing.get_type_hints(Bleu)["tokenize"])
    assert sorted(choices) == sorted(BLEU.TOKENIZERS)
    methods = typing.get_args(typing.get_type_hints(Bleu)["smooth_method"])
    assert sorted(methods) == sorted(BLEU.SMOOTH_DEFAULTS)


def test_an_unknown_tokenizer_is_refused_with_the_right_ones():
    with pytest.raises(InputError, match=r"one of 13a, intl, .*did you mean 'intl'\?"):
        Bleu(tokenize="intel")


def test_an_order_below_one_is_refused():
    with pytest.raises(InputError, match="'max_ngram_order' must be 1 or more"):
        Bleu(max_ngram_order=0)
