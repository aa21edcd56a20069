"""BLEU, chrF and TER together, against sacreBLEU's own corpus scores."""

from itertools import zip_longest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU, CHRF, TER

from harness.errors import MetricError, Unscorable
from harness.metrics import Bleu, ChrF, ChrFPlusPlus, Ter, metrics
from harness.types import Item

NAMES = ["bleu", "chrf", "chrf++", "ter"]
WORDS = ["the", "The", "cat", "sat", "on", "mat", ".", "it's", "don't", "ça", "日本"]

PAIRS = [
    (Bleu(), BLEU()),
    (Bleu(lowercase=True, tokenize="intl"), BLEU(lowercase=True, tokenize="intl")),
    (
        Bleu(tokenize="char", max_ngram_order=6),
        BLEU(tokenize="char", max_ngram_order=6),
    ),
    (Bleu(effective_order=True), BLEU(effective_order=True)),
    (Bleu(smooth_method="none"), BLEU(smooth_method="none")),
    (Bleu(smooth_method="floor"), BLEU(smooth_method="floor")),
    (
        Bleu(smooth_method="floor", smooth_value=0.01, effective_order=True),
        BLEU(smooth_method="floor", smooth_value=0.01, effective_order=True),
    ),
    (Bleu(smooth_method="add-k"), BLEU(smooth_method="add-k")),
    (
        Bleu(smooth_method="add-k", smooth_value=2, effective_order=True),
        BLEU(smooth_method="add-k", smooth_value=2, effective_order=True),
    ),
    (ChrF(), CHRF()),
    (ChrF(eps_smoothing=True), CHRF(eps_smoothing=True)),
    (ChrF(char_order=3, beta=1, lowercase=True), CHRF(3, 0, 1, lowercase=True)),
    (ChrF(whitespace=True, beta=3), CHRF(whitespace=True, beta=3)),
    (ChrFPlusPlus(), CHRF(word_order=2)),
    (ChrFPlusPlus(eps_smoothing=True), CHRF(word_order=2, eps_smoothing=True)),
    (Ter(), TER()),
    (Ter(case_sensitive=True, no_punct=True), TER(case_sensitive=True, no_punct=True)),
    (
        Ter(normalized=True, asian_support=True),
        TER(normalized=True, asian_support=True),
    ),
]
IDS = [f"{ours.name}-{number}" for number, (ours, _) in enumerate(PAIRS)]


def item(*references, key="1"):
    return Item(key, "task", key, "prompt", references)


def sentence(draws, longest=9):
    return " ".join(draws.choice(WORDS, size=draws.integers(longest)))


def corpus(seed, least, most, outputs=30):
    """Items with `least` to `most` references, and an output for each."""
    draws = np.random.default_rng(seed)
    judged = []
    for number in range(outputs):
        references = [sentence(draws) for _ in range(draws.integers(least, most + 1))]
        text = [sentence(draws), references[0], ""][draws.integers(3)]
        judged.append((item(*references, key=str(number)), text))
    return judged


def streams(judged):
    return list(zip_longest(*(item.references for item, _ in judged)))


@pytest.mark.parametrize("least_most", [(1, 1), (2, 2), (3, 3), (1, 3)])
@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=IDS)
def test_corpus_value_is_sacrebleus(ours, theirs, least_most):
    judged = corpus(7, *least_most)
    tallies = np.array(ours.tallies(judged))
    expected = theirs.corpus_score([text for _, text in judged], streams(judged)).score
    assert ours.value(tallies.sum(axis=0)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=IDS)
def test_fifty_resamples_at_once_equal_sacrebleu_one_by_one(ours, theirs):
    tallies = np.array(ours.tallies(corpus(11, 1, 3)))
    weights = np.random.default_rng(3).multinomial(30, np.full(30, 1 / 30), size=50)
    sums = weights @ tallies
    expected = [theirs._compute_score_from_stats(row.tolist()).score for row in sums]
    values = ours.value(sums.reshape(5, 10, -1))
    assert values.shape == (5, 10)
    assert values.ravel() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=IDS)
def test_values_of_tiny_corpora_are_sacrebleus_too(ours, theirs):
    tallies = np.array(ours.tallies(corpus(13, 1, 2, outputs=60)))
    expected = [theirs._compute_score_from_stats(row.tolist()).score for row in tallies]
    assert ours.value(tallies) == pytest.approx(expected, rel=1e-12)


text = st.text(alphabet="ab .-é日", max_size=12)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=IDS)
@limits(max_examples=25, deadline=None)
@given(st.lists(st.tuples(text, st.lists(text, min_size=1, max_size=3)), min_size=1))
def test_any_texts_give_sacrebleus_value(ours, theirs, rows):
    judged = [(item(*references), written) for written, references in rows]
    tallies = np.array(ours.tallies(judged))
    expected = theirs.corpus_score([row[0] for row in rows], streams(judged)).score
    assert ours.value(tallies.sum(axis=0)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_one_output_has_the_tally_that_it_has_among_many(name):
    metric, judged = metrics[name](), corpus(17, 1, 3)
    together = metric.tallies(judged)
    alone = [metric.tally(*one) for one in judged]
    assert np.array_equal(together, alone)


@pytest.mark.parametrize("name", NAMES)
def test_references_belong_to_their_own_output(name):
    """Lists of references per output, taken for streams, would score 100 here."""
    metric = metrics[name]()
    judged = [
        (item("The cat sat on the mat."), "The cat sat on the mat."),
        (item("It rained all day long."), "Nothing of that sort at all."),
    ]
    perfect, poor = metric.output_value(np.array(metric.tallies(judged)))
    assert perfect == pytest.approx(100 if metric.higher_is_better else 0)
    assert poor < 50 if metric.higher_is_better else poor > 50


@pytest.mark.parametrize("name", NAMES)
def test_an_output_without_reference_is_unscorable_and_disturbs_no_other(name):
    metric = metrics[name]()
    judged = [(item("a b c"), "a b"), (item(), "a b"), (item("c d", "d"), "c d")]
    first, reason, last = metric.tallies(judged)
    assert isinstance(reason, Unscorable)
    assert str(reason) == "the item has no reference"
    assert np.array_equal(first, metric.tally(*judged[0]))
    assert np.array_equal(last, metric.tally(*judged[2]))
    with pytest.raises(Unscorable):
        metric.tally(*judged[1])


@pytest.mark.parametrize("name", NAMES)
def test_no_outputs_give_no_tallies(name):
    assert metrics[name]().tallies([]) == []


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_output_is_judged(name):
    metric = metrics[name]()
    value = metric.output_value(metric.tally(item("a b c"), ""))
    assert value == (0 if metric.higher_is_better else 100)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([1, 1], "nrefs:1"),
        ([2, 2], "nrefs:2"),
        ([1, 3], "nrefs:var"),
        ([], "nrefs:var"),
    ],
)
def test_signature_says_how_many_references_the_items_have(numbers, expected):
    items = [item(*["x"] * number) for number in numbers]
    assert expected in Bleu().for_items(items).signature.split("|")


def test_items_without_references_do_not_make_their_number_vary():
    items = [item("a", "b"), item(), item("c", "d")]
    assert "nrefs:2" in Bleu().for_items(items).signature


def test_the_signature_is_sacrebleus_own_after_a_corpus_score():
    judged = corpus(19, 2, 2)
    for ours, theirs in PAIRS:
        theirs.corpus_score([text for _, text in judged], streams(judged))
        signed = ours.for_items([item for item, _ in judged]).signature
        assert signed.endswith(f"|{theirs.get_signature()}")
        assert signed.startswith(f"{ours.name}|")


def test_equal_signatures_mean_equal_settings():
    signatures = [ours.signature for ours, _ in PAIRS]
    assert len(set(signatures)) == len(PAIRS)


def test_signing_does_not_disturb_what_is_being_counted():
    metric = Bleu().for_items([item("a", "b")])
    before = metric.signature
    metric.tallies(corpus(23, 1, 3))
    assert metric.signature == before


def test_a_tokenizer_that_lacks_its_package_says_what_to_install(monkeypatch):
    from sacrebleu.tokenizers import tokenizer_ja_mecab

    monkeypatch.setattr(tokenizer_ja_mecab, "MeCab", None)
    with pytest.raises(
        MetricError, match=r"(?s)'bleu' cannot be set up.*sacrebleu\[ja"
    ):
        Bleu(tokenize="ja-mecab").tallies([(item("a"), "a")])
