"""What a block around an evaluation gives back: modes, random states, buffers."""

import random

import numpy as np
import torch
from trained_models import material

from harness.integrations.memory import undisturbed


def draws():
    """One number of each global source."""
    return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002, S311 - the global source is what is tested


def test_random_states_modes_cache_and_padding_are_as_they_were():
    made = material()
    network, tokenizer = made.model, made.tokenizer
    network.train()
    network.lm_head.eval()
    network.config.use_cache = False
    before = {name: one.training for name, one in network.named_modules()}
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002 - the global source is what is tested
    torch.manual_seed(5)
    expected = draws()
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002 - as above
    torch.manual_seed(5)
    with undisturbed(network, tokenizer):
        assert not any(one.training for one in network.modules())
        draws()
        network.config.use_cache = True
        tokenizer.padding_side = "right"
    assert draws() == expected
    assert {name: one.training for name, one in network.named_modules()} == before
    assert network.config.use_cache is False
    assert tokenizer.padding_side == "left"


def test_buffers_that_generating_made_anew_let_gradients_flow():
    made = material()
    rotary = made.model.model.rotary_emb
    with undisturbed(made.model, made.tokenizer), torch.inference_mode():
        rotary.register_buffer("inv_freq", rotary.inv_freq * 1, persistent=False)
    assert not rotary.inv_freq.is_inference()
    assert "model.rotary_emb.inv_freq" not in made.model.state_dict()
