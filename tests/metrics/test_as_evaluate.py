"""Our metrics as modules of evaluate: the same values, and errors that say why."""

import socket

import numpy as np
import pytest
import sacrebleu

from harness.errors import InputError, NotFound
from harness.metrics import F1, as_evaluate
from harness.types import Item

# Importing evaluate takes seconds.
pytestmark = pytest.mark.slow

TEXTS = ["the cat sat on a mat", "a dog barked", "rain fell"]
WANTED = ["the cat sat on the mat", "a dog barked at night", "we saw rain fall"]


def compute(name, texts, references, prompts=None, **settings):
    further = {} if prompts is None else {"prompts": prompts}
    metric = as_evaluate(name, **settings)
    return metric.compute(predictions=texts, references=references, **further)


def test_it_is_an_evaluate_metric():
    import evaluate

    metric = as_evaluate("f1")
    assert isinstance(metric, evaluate.Metric)
    assert metric.name == "f1"
    assert metric.description.startswith("f1|v1: ")
    assert "references: a text or a list of texts" in metric.inputs_description


@pytest.mark.parametrize(
    ("name", "settings", "oracle"),
    [
        ("bleu", {}, sacrebleu.BLEU()),
        ("bleu", {"tokenize": "intl"}, sacrebleu.BLEU(tokenize="intl")),
        ("chrf", {}, sacrebleu.CHRF()),
        ("chrf++", {}, sacrebleu.CHRF(word_order=2)),
        ("ter", {}, sacrebleu.TER()),
    ],
    ids=["bleu", "bleu of intl", "chrf", "chrf++", "ter"],
)
def test_values_are_those_of_sacrebleu(name, settings, oracle):
    found = compute(name, TEXTS, WANTED, **settings)
    assert found[name] == pytest.approx(oracle.corpus_score(TEXTS, [WANTED]).score)
    effective = sacrebleu.BLEU(effective_order=True, **settings)
    single = effective if name == "bleu" else oracle
    expected = [
        single.sentence_score(text, [wanted]).score
        for text, wanted in zip(TEXTS, WANTED, strict=True)
    ]
    assert found["scores"] == pytest.approx(expected)


def test_values_are_those_of_the_metric_itself():
    found = compute("f1", TEXTS, WANTED)
    expected = [
        F1().score(Item("1", "task", "1", "", (wanted,)), text)
        for text, wanted in zip(TEXTS, WANTED, strict=True)
    ]
    assert found == {"f1": pytest.approx(np.mean(expected)), "scores": expected}


def test_references_may_be_lists_and_texts_at_once():
    references = ["cat", ["dog", "cow"], ["owl"]]
    found = compute("exact_match", ["cat", "cow", "fox"], references)
    assert found == {"exact_match": pytest.approx(2 / 3), "scores": [1, 1, 0]}


def test_outputs_can_be_added_in_batches():
    metric = as_evaluate("exact_match")
    metric.add_batch(predictions=["a", "b"], references=["a", ["c", "b"]])
    metric.add(prediction="c", reference=["d"])
    found = {"exact_match": pytest.approx(2 / 3), "scores": [1, 1, 0]}
    assert metric.compute() == found
    assert metric.compute(predictions=["a"], references=["a"])["scores"] == [1]


def test_prompts_and_settings_reach_the_metric():
    found = compute("copy_rate", ["a b", "c"], [[], []], ["a b c", "d"], n=1)
    assert found == {"copy_rate": 0.5, "scores": [1, 0]}


def test_references_may_be_left_out_where_none_is_needed():
    found = as_evaluate("repetition:n=1").compute(predictions=["a b a", "a"])
    assert found["scores"] == pytest.approx([1 / 3, 0])


def test_a_metric_of_all_outputs_has_no_single_scores():
    found = compute("distinct_n", ["a b", "a"], [[], []], n=1)
    assert found == {"distinct_n": pytest.approx(2 / 3), "scores": [None, None]}
    found = compute("distinct_n", ["a"], [[]])
    reasons = ["no output has 2 words"]
    assert found == {"distinct_n": None, "scores": [None], "reasons": reasons}


def test_what_cannot_be_judged_is_none_with_the_reason_and_never_zero():
    found = compute("f1", ["a", "b"], ["a", []])
    assert found["f1"] == 1
    assert found["scores"] == [1, None]
    assert found["reasons"] == [None, "the item has no reference"]
    found = compute("f1", ["a"], [[]])
    assert (found["f1"], found["scores"]) == (None, [None])


def test_one_output_is_too_few_for_pass_at_two():
    assert compute("pass_at_k", ["a"], ["a"])["pass_at_k"] == 1
    found = compute("pass_at_k", ["a"], ["a"], k=2)
    assert (found["pass_at_k"], found["scores"]) == (None, [None])


def test_nothing_has_no_value():
    assert compute("f1", [], []) == {"f1": None, "scores": []}


@pytest.mark.parametrize(
    ("texts", "references", "row"),
    [(["a", None], ["a", "b"], 1), (["a"], [None], 0), (["a"], [["a", None]], 0)],
)
def test_none_is_no_text(texts, references, row):
    with pytest.raises(InputError, match=f"'f1': None in row {row} is no text"):
        compute("f1", texts, references)


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"predictions \(1\) and references \(2\)"):
        compute("f1", ["a"], ["a", "b"])
    with pytest.raises(InputError, match="got 1 predictions, but 2 prompts"):
        compute("f1", ["a"], ["a"], ["p", "q"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rouge", "'rouge' stands for rouge1, rouge2, rougeL; name one of them"),
        ("perplexity", "judges a model's likelihoods, not texts"),
        ("bleu:tokenize=intel", "did you mean 'intl'"),
    ],
)
def test_what_cannot_be_made_is_refused(name, message):
    with pytest.raises(InputError, match=message):
        as_evaluate(name)
    with pytest.raises(NotFound, match="Did you mean 'chrf'"):
        as_evaluate("chrrf")


def test_nothing_is_fetched_and_nothing_else_is_drawn(monkeypatch):
    def fails(*_):
        raise AssertionError("something opens a connection")

    monkeypatch.setattr(socket.socket, "connect", fails)
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 - what evaluate reads
    assert compute("chrf", TEXTS, TEXTS)["chrf"] == pytest.approx(100)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
