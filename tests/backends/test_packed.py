"""Weights in oneDNN's order give the same, where they are used and where not."""

import pytest
import torch
from backends.passages import first_references
from transformers import GPT2Config, GPT2LMHeadModel

from harness.backends import packed
from harness.backends.packed import pack_weights
from harness.backends.transformers import TransformersBackend
from harness.types import Generation


@pytest.fixture
def of_any_size(monkeypatch):
    """Have the smallest models packed, too."""
    monkeypatch.setattr(packed, "LEAST", 0)


def a_model(dtype=torch.float32):
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=64, n_layer=2, n_embd=32, n_head=2)
    return GPT2LMHeadModel(config).eval().to(dtype)


def multiplied_by_onednn(network):
    """Names of the layers."""
    return [
        name for name, module in network.named_modules() if "forward" in vars(module)
    ]


@pytest.mark.usefixtures("of_any_size")
@pytest.mark.parametrize("rows", [1, 3, 40])
def test_a_model_says_the_same(rows):
    network = a_model()
    tokens = torch.arange(40 * rows).reshape(rows, 40) % 64
    with torch.inference_mode():
        before = network(tokens).logits
        pack_weights(network)
        after = network(tokens).logits
    assert len(multiplied_by_onednn(network)) == 2 * 4 + 1
    assert torch.allclose(before, after, atol=1e-5)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "deepseek", "mamba", "t5", "bart"])
def test_answers_and_likelihoods_are_those_of_weights_as_they_are(
    kind, checkpoint, load, items, answer, monkeypatch
):
    plain = load(kind)
    monkeypatch.setattr(packed, "LEAST", 0)
    quick = TransformersBackend().load(str(checkpoint(kind)))
    assert multiplied_by_onednn(quick.network)
    assert not multiplied_by_onednn(plain.network)
    settings = Generation(max_new_tokens=20)
    asked = items[:8]
    found, expected = answer(quick, asked, settings), answer(plain, asked, settings)
    assert {k: v.text for k, v in found.items()} == {
        k: v.text for k, v in expected.items()
    }
    passages = first_references(*asked)
    nll = [
        {one.item: one.nll for batch in model.loglikelihood(passages) for one in batch}
        for model in (quick, plain)
    ]
    assert nll[0] == pytest.approx(nll[1], abs=1e-4)


@pytest.mark.usefixtures("of_any_size")
def test_other_precisions_are_left_alone():
    network = a_model(torch.bfloat16)
    pack_weights(network)
    assert multiplied_by_onednn(network) == []


@pytest.mark.parametrize(("least", "most"), [(10**5, 10**9), (0, 10**4)])
def test_models_that_gain_nothing_or_are_large_are_left_alone(least, most, monkeypatch):
    monkeypatch.setattr(packed, "LEAST", least)
    monkeypatch.setattr(packed, "MOST", most)
    network = a_model()
    assert 10**4 < network.num_parameters() < 10**5
    pack_weights(network)
    assert multiplied_by_onednn(network) == []


def absent(*_):
    raise AttributeError("'_OpNamespace' 'mkldnn' object has no attribute")


def of_other_arguments(*_):
    raise RuntimeError("expected at most 1 argument(s) but received 3")


def of_another_order(_packed, _bias, given):
    return given[:, :2]


@pytest.mark.usefixtures("of_any_size")
@pytest.mark.parametrize("multiply", [absent, of_other_arguments, of_another_order])
def test_a_pytorch_that_multiplies_otherwise_is_left_alone(multiply, monkeypatch):
    monkeypatch.setattr(packed, "_multiply", multiply)
    network = a_model()
    pack_weights(network)
    assert multiplied_by_onednn(network) == []
