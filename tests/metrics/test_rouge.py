"""ROUGE, by hand, against rouge-score, and where its tokenizer fails."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from rapidfuzz.distance import LCSseq
from rouge_score.rouge_scorer import RougeScorer, _lcs_table

from harness.errors import InputError, Unscorable
from harness.metrics import Rouge1, Rouge2, RougeL, RougeLsum, metrics
from harness.metrics.rouge import UnicodeTokenizer
from harness.types import Item

KINDS = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
WORDS = ["the", "cat", "cats", "running", "sat", "on", "mat", "42", "Mat.", "\n", "é"]

THAI = "แมวนั่งบนเสื่อ"
RUSSIAN = "Кошка сидит на ковре."


def score(kind, text, *references, **settings):
    item = Item("1", "task", "1", "", references)
    return metrics[kind](**settings).score(item, text)


def texts(draws, longest=25):
    return " ".join(draws.choice(WORDS, size=draws.integers(longest)))


@pytest.mark.parametrize("stemmer", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_random_texts_score_as_rouge_score_scores_them(kind, stemmer):
    draws = np.random.default_rng(5)
    scorer = RougeScorer([kind], use_stemmer=stemmer)
    measures = {"f": "fmeasure", "precision": "precision", "recall": "recall"}
    for _ in range(100):
        references = ["mat " + texts(draws) for _ in range(draws.integers(1, 4))]
        text = texts(draws)
        expected = scorer.score_multi(references, text)[kind]
        for measure, field in measures.items():
            found = score(kind, text, *references, measure=measure, stemmer=stemmer)
            assert found == pytest.approx(getattr(expected, field), abs=1e-12)


@limits(max_examples=300, deadline=None)
@given(*[st.lists(st.sampled_from("abcdef"), max_size=40)] * 2)
def test_the_fast_subsequence_is_as_long_as_rouge_scores(first, second):
    expected = _lcs_table(first, second)[-1][-1]
    assert LCSseq.similarity(first, second) == expected


def test_by_hand():
    wanted, written = "the cat sat on the mat", "the mat sat"
    # All 3 words of 6: P = 1, R = 1/2. No pair. Longest in order: "the mat".
    assert score("rouge1", written, wanted) == pytest.approx(2 / 3)
    assert score("rouge1", written, wanted, measure="precision") == 1
    assert score("rouge1", written, wanted, measure="recall") == 0.5
    assert score("rouge2", written, wanted) == pytest.approx(2 * (1 / 2 * 1 / 5) / 0.7)
    assert score("rougeL", written, wanted, measure="recall") == pytest.approx(2 / 6)


def test_the_best_reference_counts_for_each_kind_by_itself():
    references = ("a b x y", "b a")
    assert score("rouge1", "a b", *references) == 1
    assert score("rouge2", "a b", *references) == pytest.approx(0.5)


def test_a_measure_is_that_of_the_reference_with_the_best_f():
    # Precision 1 in both; F is 2/3 for the first reference, 1 for the second.
    assert score("rouge1", "a b", "a b c d", "a b", measure="recall") == 1


def test_rouge_lsum_goes_line_by_line():
    there, back = "one two\nthree four", "three four\none two"
    assert score("rougeLsum", back, there) == 1
    assert score("rougeLsum", back.replace("\n", " "), there.replace("\n", " ")) == 0.5


def test_the_stemmer_joins_forms_of_a_word():
    assert score("rouge1", "running dogs", "run dog") == 0
    assert score("rouge1", "running dogs", "run dog", stemmer=True) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["", "   ", "...", "!?"])
def test_an_output_without_words_is_zero(kind, text):
    assert score(kind, text, "the cat sat") == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reference", [THAI, RUSSIAN, "日本語", "हिन्दी भाषा", "éèêë à"])
def test_a_reference_that_the_tokenizer_drops_is_unscorable_with_the_remedy(
    kind, reference
):
    with pytest.raises(Unscorable, match=f"use {kind}:tokenizer=unicode"):
        score(kind, reference, reference)


@pytest.mark.parametrize("kind", ["rouge1", "rougeL", "rougeLsum"])
@pytest.mark.parametrize("text", [THAI, RUSSIAN, "日本語", "हिन्दी भाषा"])
def test_the_unicode_tokenizer_reads_every_script(kind, text):
    assert score(kind, text, text, tokenizer="unicode") == 1
    assert score(kind, "xyz", text, tokenizer="unicode") == 0


def test_letters_that_are_dropped_do_not_make_texts_equal_under_unicode():
    assert score("rouge1", "caf r sum", "café résumé") == 1
    assert score("rouge1", "caf r sum", "café résumé", tokenizer="unicode") == 0
    assert score("rouge1", "CAFE\u0301", "café", tokenizer="unicode") == 1


def test_an_output_in_another_script_is_wrong_rather_than_unscorable():
    """A checkpoint that falls into another language must not lose its zeros."""
    assert score("rouge1", RUSSIAN, "The cat sat on the mat.") == 0
    assert score("rougeL", THAI, "The cat sat on the mat.") == 0


@pytest.mark.parametrize("reference", ["", "...", "👍"])
@pytest.mark.parametrize("tokenizer", ["default", "unicode"])
def test_a_reference_without_words_is_unscorable(reference, tokenizer):
    with pytest.raises(Unscorable, match="no reference holds a word"):
        score("rouge1", "the cat", reference, tokenizer=tokenizer)
    assert score("rouge1", "the cat", reference, "the cat", tokenizer=tokenizer) == 1


@pytest.mark.parametrize("tokenizer", ["default", "unicode"])
def test_nothing_against_nothing_is_unknown_rather_than_zero(tokenizer):
    with pytest.raises(Unscorable, match="no reference holds a word"):
        score("rougeL", "", "", tokenizer=tokenizer)


@pytest.mark.parametrize("references", [("mat",), ("mat", ""), ("...", "mat")])
def test_empty_references_do_not_hide_the_others(references):
    assert score("rouge1", "mat", *references) == 1
    assert score("rouge1", "", *references) == 0


def test_without_reference_it_is_unscorable():
    with pytest.raises(Unscorable, match="no reference"):
        score("rouge1", "the cat")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop_now 12x!", ["don", "t", "stop", "now", "12x"]),
        ("日本abcです。", ["日", "本", "abc", "で", "す"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("  ", []),
    ],
)
def test_words_of_any_script(text, words):
    assert UnicodeTokenizer().tokenize(text) == words


def test_the_stemmer_does_not_go_with_the_unicode_tokenizer():
    with pytest.raises(InputError, match="the stemmer knows English alone"):
        Rouge1(stemmer=True, tokenizer="unicode")


def test_the_corpus_value_is_the_plain_mean():
    item = Item("1", "task", "1", "", ("a b",))
    tallies = Rouge1().tallies([(item, "a b"), (item, ""), (item, "a")])
    assert [list(tally) for tally in tallies[:2]] == [[1, 1], [0, 1]]
    value = Rouge1().value(np.sum(tallies, axis=0))
    assert float(value) == pytest.approx((1 + 0 + 2 / 3) / 3)


@pytest.mark.parametrize("kind", [Rouge1, Rouge2, RougeL, RougeLsum])
def test_signature_names_every_setting(kind):
    metric = kind(measure="recall", stemmer=True)
    expected = f"{metric.name}|measure:recall|stemmer:True|tokenizer:default|v1"
    assert metric.signature == expected
