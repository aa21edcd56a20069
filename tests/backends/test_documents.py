"""Documents by themselves: each token once, in windows, against plain passes."""

import pytest
import torch
from backends.passages import documents, first_references
from backends.tiny_models import byte_tokenizer

from harness.backends.likelihood import read_document
from harness.backends.tokens import Codec
from harness.errors import UsageError
from harness.types import Item

KINDS = ["llama", "gpt2", "mistral", "gemma"]
START = {"llama": 1, "mistral": 1, "gemma2": 1, "gpt2": 0}
"""`<s>` where the tokenizer adds it by itself; GPT-2's `<end>`, where it adds none."""
PER_TOKEN = 1e-4
"""Nats by which float32 may differ from one pass to another."""


def scored(model, passages):
    batches = list(model.loglikelihood(passages))
    found = {one.item: one for batch in batches for one in batch}
    assert sum(map(len, batches)) == len(found) == len(passages)
    return found


def ids(model, text):
    tokens = model.codec.tokenizer(text, add_special_tokens=False)["input_ids"]
    return [START[model.network.config.model_type], *tokens]


def at_once(model, text):
    """What the transformers model says itself of one unpadded text."""
    whole = torch.tensor([ids(model, text)])
    with torch.no_grad():
        loss = model.network(whole, labels=whole).loss.item()
    return loss * (whole.shape[1] - 1), whole.shape[1] - 1


def window_by_window(model, text, size, stride):
    """Windows worked off one by one, each unpadded, without any of our code."""
    start, *row = ids(model, text)
    total, done = 0.0, 0
    while done < len(row):
        end = min(len(row), done + (stride if done else size))
        read = [start, *row][max(0, end - size) : end]
        with torch.no_grad():
            logs = (
                model.network(torch.tensor([read])).logits[0].double().log_softmax(-1)
            )
        for place in range(done, end):
            total -= logs[place - end, row[place]].item()
        done = end
    return total, len(row)


@pytest.fixture(scope="module")
def expected():
    """Nats and tokens of an oracle, worked out once for all batch sizes."""
    known = {}

    def figures(oracle, kind, model, text, *windows):
        key = (oracle, kind, text, windows)
        if key not in known:
            known[key] = oracle(model, text, *windows)
        return known[key]

    return figures


@pytest.fixture(scope="module")
def short(items):
    """The documents that fit every model at once."""
    return [item for item in items if len(item.prompt) < 240]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_what_fits_equals_one_pass_of_the_model(
    kind, batch_size, load, short, expected, monkeypatch
):
    model = load(kind, batch_size)
    for side in ("left", "right"):
        monkeypatch.setattr(model.codec.tokenizer, "padding_side", side)
        found = scored(model, documents(*short))
        for item in short:
            nll, count = expected(at_once, kind, model, item.prompt)
            assert found[item.id].tokens == count
            assert found[item.id].nll == pytest.approx(nll, abs=PER_TOKEN * count)
            assert (found[item.id].truncated, found[item.id].skipped) == (False, 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch_size", [1, 3, 8])
@pytest.mark.parametrize("windows", [(16, 16), (24, 5), (7, 1)])
def test_small_windows_equal_windows_worked_off_one_by_one(
    kind, batch_size, windows, load, short, expected
):
    model = load(kind, batch_size)
    chosen = short[::3]
    found = scored(model, documents(*chosen, size=windows[0], stride=windows[1]))
    for item in chosen:
        nll, count = expected(window_by_window, kind, model, item.prompt, *windows)
        assert found[item.id].tokens == count
        assert found[item.id].nll == pytest.approx(nll, abs=PER_TOKEN * count)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_documents_beyond_the_positions_are_read_in_windows_of_all_of_them(kind, load):
    model = load(kind, 8)
    long = Item("long", "t", "k", "the quick brown fox jumps " * 60)
    [one] = scored(model, documents(long)).values()
    nll, count = window_by_window(model, long.prompt, 256, 256)
    assert count > 256
    assert (one.tokens, one.truncated) == (count, False)
    assert one.nll == pytest.approx(nll, abs=PER_TOKEN * count)
    assert "window 256, stride 256" in one.policy


def test_more_context_is_another_number(load):
    model = load("llama", 8)
    long = Item("long", "t", "k", "the quick brown fox jumps over it " * 8)
    disjoint, overlapping = (
        scored(model, documents(long, size=20, stride=stride))["long"]
        for stride in (None, 4)
    )
    assert disjoint.tokens == overlapping.tokens
    assert abs(disjoint.nll - overlapping.nll) > 0.1


def test_documents_and_references_share_batches(load, short):
    model = load("llama", 8)
    cut = documents(*short[:6], size=16)
    both = list(model.loglikelihood([*cut, *first_references(*short[:6])]))
    apart = scored(model, cut), scored(model, first_references(*short[:6]))
    for one in (one for batch in both for one in batch):
        alone = apart[one.target == "reference:0"][one.item]
        assert one.tokens == alone.tokens
        assert one.nll == pytest.approx(alone.nll, abs=PER_TOKEN * one.tokens)


def test_one_start_token_is_read_and_recorded(load):
    item = Item("i", "t", "k", "the cat sat")
    for kind, start in (("llama", "<s>"), ("gpt2", "<end>")):
        [one] = scored(load(kind), documents(item)).values()
        assert one.policy.startswith(f"document, start {start}, window 256")
        assert one.tokens == len(ids(load(kind), item.prompt)) - 1


@pytest.mark.parametrize(("kind", "start"), [("llama", "<s>"), ("gpt2", "<end>")])
def test_a_start_token_that_the_document_has_is_neither_doubled_nor_scored(
    kind, start, load
):
    model = load(kind)
    marked = Item("marked", "t", "k", f"{start}the cat sat")
    [one] = scored(model, documents(marked)).values()
    row = model.codec.tokenizer(marked.prompt, add_special_tokens=False)["input_ids"]
    whole = torch.tensor([row])
    assert row.count(row[0]) == 1
    with torch.no_grad():
        loss = model.network(whole, labels=whole).loss.item()
    assert one.tokens == len(row) - 1
    assert one.nll == pytest.approx(loss * one.tokens, abs=1e-3)


def test_without_any_start_token_the_first_token_is_not_scored():
    tokenizer = byte_tokenizer()
    tokenizer.bos_token = tokenizer.eos_token = None
    codec = Codec(tokenizer, vocabulary=len(tokenizer))
    [passage] = documents(Item("i", "t", "k", "lamp, the light"))
    reading = read_document(codec, passage, 256)
    tokens = tokenizer(passage.text)["input_ids"]
    [text] = reading.texts
    assert (text.context, text.scored) == (tokens[:1], tokens[1:])
    assert reading.policy.startswith("document, start none")
    assert reading.skipped == len(tokenizer.decode(tokens[:1])) > 0
    assert reading.result().tokens == len(tokens) - 1


@pytest.mark.parametrize("size", [257, 4096])
def test_windows_beyond_the_positions_are_refused(size, load):
    item = Item("i", "t", "k", "the cat")
    with pytest.raises(UsageError, match=rf"window is {size}, .* only 256 positions"):
        list(load("llama").loglikelihood(documents(item, size=size)))


def test_a_stride_beyond_the_positions_is_refused(load):
    item = Item("i", "t", "k", "the cat")
    with pytest.raises(UsageError, match=r"stride is 300, .* only 256 tokens"):
        list(load("llama").loglikelihood(documents(item, stride=300)))


@pytest.mark.parametrize("kind", ["t5", "bart"])
def test_encoder_decoder_models_score_no_documents_and_say_why(kind, load):
    [one] = scored(load(kind), documents(Item("i", "t", "k", "the cat"))).values()
    assert (one.nll, one.tokens) == (0.0, 0)
    assert "a document by itself has no probability" in one.reason


def test_a_document_without_tokens_is_not_scored(load):
    [one] = scored(load("gpt2"), documents(Item("i", "t", "k", ""))).values()
    assert (one.tokens, one.reason) == (0, "the text is empty")
