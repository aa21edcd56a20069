"""Likelihoods are those of one unpadded float32 pass over each text."""

import inspect
from dataclasses import replace
from statistics import median

import pytest
import torch
from backends.passages import first_references

from harness.backends.base import Scored
from harness.backends.loading import Loading
from harness.backends.scorer import Scorer
from harness.backends.transformers import TransformersBackend
from harness.errors import CheckpointError
from harness.types import Item

CAUSAL = ["llama", "gpt2", "mistral"]
OTHERS = ["mamba", "t5", "bart"]


def scored(model, items):
    batches = list(model.loglikelihood(first_references(*items)))
    assert all(batches)
    found = {one.item: one for batch in batches for one in batch}
    assert sum(map(len, batches)) == len(found) == len(items)
    return found


def alone(model, item):
    """Loss of the transformers model itself, summed over the reference's tokens."""
    tokenizer, text = model.codec.tokenizer, item.references[0]
    if model.network.config.is_encoder_decoder:
        read = tokenizer(item.prompt, return_tensors="pt")["input_ids"]
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        start = {"t5": [0], "bart": [2, 1]}[model.network.config.model_type]
        labels = [-100] * (len(start) - 1) + ids
        inputs = torch.tensor([(start + ids)[:-1]])
        given = {"input_ids": read, "decoder_input_ids": inputs}
    else:
        before = len(tokenizer(item.prompt)["input_ids"])
        whole = tokenizer(item.prompt + text)["input_ids"]
        labels = [-100] * before + whole[before:]
        given = {"input_ids": torch.tensor([whole])}
    with torch.no_grad():
        loss = model.network(**given, labels=torch.tensor([labels])).loss.item()
    count = sum(label != -100 for label in labels)
    return loss * count, count


@pytest.fixture(scope="session")
def expected(load, items):
    known = {}

    def losses(kind):
        if kind not in known:
            known[kind] = {item.id: alone(load(kind), item) for item in items}
        return known[kind]

    return losses


@pytest.mark.parametrize("kind", CAUSAL + OTHERS)
@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_batches_agree_with_single_texts(
    kind, batch_size, load, items, expected, monkeypatch
):
    model = load(kind, batch_size)
    for side in ("left", "right"):
        monkeypatch.setattr(model.codec.tokenizer, "padding_side", side)
        for item, one in scored(model, items).items():
            nll, count = expected(kind)[item]
            assert one.tokens == count
            # The random T5 loses 65 nats a token, and float32 decimals with them.
            assert one.nll == pytest.approx(nll, abs=1e-4 * count, rel=1e-5)
            assert not one.truncated


def test_models_that_give_all_logits_agree_too(load, items, expected, monkeypatch):
    init = Scorer.__init__

    def without(self, *args):
        init(self, *args)
        self.keeps = False

    monkeypatch.setattr(Scorer, "__init__", without)
    for item, one in scored(load("llama", 16), items).items():
        assert one.nll == pytest.approx(expected("llama")[item][0], abs=1e-3)


def test_only_the_columns_before_reference_tokens_get_logits(load, monkeypatch):
    model = load("llama", 16)
    widths, forward = [], model.network.forward

    def watched(*args, **kwargs):
        output = forward(*args, **kwargs)
        widths.append(output.logits.shape[1])
        return output

    watched.__signature__ = inspect.signature(forward)
    monkeypatch.setattr(model.network, "forward", watched)
    prompts = ["the quick brown fox jumps", "the brown quick fox jumps"]
    items = [
        Item(str(n), "t", str(n), prompt, (" again" * (n + 1),))
        for n, prompt in enumerate(prompts)
    ]
    tokens = [one.tokens for one in scored(model, items).values()]
    assert widths == [max(tokens)]


def test_half_precision_is_left_before_the_softmax(checkpoint, items):
    """Which in bfloat16 would be wrong by some hundredths of a nat a token."""
    loading = Loading(dtype="bfloat16", device="cpu", batch_size=1)
    model = TransformersBackend(loading).load(checkpoint("llama"))
    ours, in_halves = [], []
    for item in items:
        prompt = model.codec.prompt(item)
        whole = model.codec.tokenizer(item.prompt + item.references[0])["input_ids"]
        with torch.no_grad():
            logits = model.network(torch.tensor([whole])).logits[
                0, len(prompt) - 1 : -1
            ]
        wanted = torch.tensor(whole[len(prompt) :]).unsqueeze(1)
        nll = -logits.double().log_softmax(dim=1).gather(1, wanted).sum().item()
        half = -logits.log_softmax(dim=1).gather(1, wanted).double().sum().item()
        ours.append(abs(scored(model, [item])[item.id].nll - nll) / len(wanted))
        in_halves.append(abs(half - nll) / len(wanted))
    # Some texts differ a little more, as kernels round by the shape of their work.
    assert median(ours) < 1e-5
    assert median(in_halves) > 1e-3


def test_the_start_token_is_read_but_not_scored(load):
    model = load("llama")
    item = Item("id", "task", "key", "", ("the lamp",))
    [[one]] = model.loglikelihood(first_references(item))
    ids = model.codec.tokenizer("the lamp")["input_ids"]
    with torch.no_grad():
        logs = model.network(torch.tensor([ids])).logits[0].log_softmax(-1)
    by_hand = -sum(logs[i, token].item() for i, token in enumerate(ids[1:]))
    assert one.nll == pytest.approx(by_hand, abs=1e-4)
    assert one.tokens == len(ids) - 1


def test_an_empty_reference_scores_no_tokens(load, items):
    empty = replace(items[0], references=("",))
    long = replace(empty, prompt="the cat " * 200)
    [[cut]] = load("llama").loglikelihood(first_references(long))
    assert (cut.truncated, cut.reason) == (True, "the text is empty")
    found = scored(load("llama"), [empty, items[1]])
    assert found[empty.id] == Scored(
        empty.id, "reference:0", reason="the text is empty"
    )
    assert found[items[1].id].tokens > 0


@pytest.mark.parametrize("kind", CAUSAL)
def test_a_long_prompt_is_cut_on_the_left_and_counted(kind, load):
    model = load(kind)
    item = Item("id", "task", "key", " the cat sat" * 200, (" on it.",))
    [[one]] = model.loglikelihood(first_references(item))
    assert one.truncated
    codec = model.codec
    prompt = codec.prompt(item)
    reference = codec.continuation(item, prompt, item.references[0])
    kept = prompt[-(257 - len(reference)) :]
    if codec.prefix:
        kept[0] = codec.prefix[0]
    with torch.no_grad():
        ids = torch.tensor([[*kept, *reference][:-1]])
        assert ids.shape[1] == 256
        logs = model.network(ids).logits[0, -len(reference) :].log_softmax(-1)
    by_hand = -sum(logs[i, token].item() for i, token in enumerate(reference))
    assert one.nll == pytest.approx(by_hand, abs=1e-3)
    assert one.tokens == len(reference)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bart"])
def test_a_reference_beyond_the_positions_is_not_scored(kind, load):
    item = Item("id", "task", "key", "the cat", (" sat on it" * 200,))
    [[one]] = load(kind).loglikelihood(first_references(item))
    assert (one.nll, one.tokens, one.truncated) == (0.0, 0, True)
    assert one.reason == "the text is longer than the model's positions"


@pytest.mark.parametrize("kind", ["llama", "bart"])
def test_a_reference_that_just_fits_is_scored(kind, load):
    model = load(kind)
    words = " a" * 300
    ids = model.codec.tokenizer(words, add_special_tokens=False)["input_ids"]
    most = 256 if kind == "llama" else 255
    for count, tokens in ((most, most), (most + 1, 0)):
        text = model.codec.tokenizer.decode(ids[:count])
        item = Item("id", "task", "key", "", (text,))
        [[one]] = model.loglikelihood(first_references(item))
        assert one.tokens == tokens


def test_prompts_that_end_inside_a_token_are_remarked(load):
    model = load("gpt2", 5)
    inside = Item("in", "task", "in", "fox aga", ("in",))
    between = Item("out", "task", "out", "fox", (" again",))
    assert scored(model, [between])["out"].tokens
    assert model.usage.remarks == ()
    for _ in range(2):
        assert scored(model, [inside, between])["in"].tokens
    [remark] = model.usage.remarks
    assert remark.startswith("1 prompts end inside a token")


def test_batches_stay_within_their_portions(load, items, expected, monkeypatch):
    model = load("llama", 16)
    budget = replace(model._budget(), read=150)
    monkeypatch.setattr(model, "_budget", lambda: budget)
    assert len(list(model.loglikelihood(first_references(*items)))) > 3
    for item, one in scored(model, items).items():
        assert one.nll == pytest.approx(expected("llama")[item][0], abs=1e-3)


def test_positions_without_limit_cut_nothing(load):
    item = Item("id", "task", "key", "the cat " * 300, (" sat on it" * 100,))
    [[one]] = load("t5").loglikelihood(first_references(item))
    assert not one.truncated
    assert one.tokens > 256


def test_running_out_of_memory_halves_the_batch(load, items, expected, monkeypatch):
    model = load("llama", 16)
    forward, refused = model.network.forward, []

    def limited(*args, **kwargs):
        if kwargs["input_ids"].shape[0] > 3:
            refused.append(kwargs["input_ids"].shape[0])
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(*args, **kwargs)

    monkeypatch.setattr(model.network, "forward", limited)
    for item, one in scored(model, items).items():
        assert one.nll == pytest.approx(expected("llama")[item][0], abs=1e-3)
    assert refused == [16, 8, 4]


def test_a_text_that_fits_by_no_means_is_an_error(load, items, monkeypatch):
    model = load("llama", 2)

    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(model.network, "forward", full)
    with pytest.raises(CheckpointError, match="ran out with a single prompt"):
        list(model.loglikelihood(first_references(*items)))
