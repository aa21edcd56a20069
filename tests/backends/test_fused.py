"""Activations in one kernel give what transformers' formulas give."""

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.activations import ACT2FN

from harness.backends.fused import fuse_activations

NAMES = ["gelu_new", "gelu_fast", "gelu_accurate"]


def a_model(name):
    config = GPT2Config(
        vocab_size=64, n_layer=2, n_embd=32, n_head=2, activation_function=name
    )
    torch.manual_seed(0)
    return GPT2LMHeadModel(config).eval()


@pytest.mark.parametrize("name", NAMES)
def test_the_kernel_agrees_with_the_formula_within_rounding(name):
    values = torch.linspace(-12, 12, 100_001)
    expected = ACT2FN[name](values.double())
    found = torch.nn.GELU(approximate="tanh")(values)
    assert torch.allclose(found.double(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_says_the_same_with_the_kernel(name):
    network = a_model(name)
    tokens = torch.arange(64).reshape(2, 32)
    with torch.inference_mode():
        before = network(tokens).logits
        fuse_activations(network)
        after = network(tokens).logits
    assert all(type(block.mlp.act) is torch.nn.GELU for block in network.transformer.h)
    assert torch.allclose(before, after, atol=1e-5)


@pytest.mark.parametrize("name", ["gelu", "relu", "silu", "quick_gelu"])
def test_other_activations_stay_as_they_are(name):
    network = a_model(name)
    before = [type(block.mlp.act) for block in network.transformer.h]
    fuse_activations(network)
    assert [type(block.mlp.act) for block in network.transformer.h] == before
