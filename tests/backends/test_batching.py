"""Batches stay within what memory allows."""

from types import SimpleNamespace

import pytest
import torch
from transformers import AutoConfig

from harness.backends.batching import Budget, memory_errors
from harness.errors import CheckpointError

CPU = torch.device("cpu")


def test_the_processor_gets_32_rows_unless_told_otherwise(load):
    network = load("llama").network
    assert Budget.of(network, CPU, None).rows == 32
    assert Budget.of(network, CPU, 5).rows == 5


def test_kept_positions_are_counted_in_keys_and_values(load):
    # 2 layers, keys and values, 2 heads of 8 numbers of 4 bytes; 4 GiB for them.
    assert Budget.of(load("llama").network, CPU, None).cached == 4 * 2**30 // 256
    # No grouped heads: 2 heads of 16 numbers.
    assert Budget.of(load("gpt2").network, CPU, None).cached == 4 * 2**30 // 512


@pytest.mark.parametrize("kind", ["mamba", "rwkv", "gemma4_text"])
def test_models_that_name_no_heads_or_several_have_a_limit_too(kind):
    config = AutoConfig.for_model(kind, hidden_size=64, num_hidden_layers=6)
    network = SimpleNamespace(config=config, dtype=torch.bfloat16)
    # 6 layers, keys and values, 64 numbers of 2 bytes.
    assert Budget.of(network, CPU, None).cached == 4 * 2**30 // 1536


def test_memory_that_torch_keeps_from_earlier_batches_is_free(load, monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (2**30, 2**33))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 2**32)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 2**30)
    budget = Budget.of(load("llama").network, torch.device("cuda"), None)
    assert budget.cached == 4 * 2**30 // 2 // 256


def test_long_answers_get_fewer_rows_but_always_one():
    budget = Budget(rows=16, cached=1000, read=1, logits=1)
    assert [budget.rows_of(length) for length in (10, 100, 300, 2000)] == [16, 10, 3, 1]


def test_half_of_what_failed_is_tried_next():
    budget = Budget(rows=64, cached=1000, read=100, logits=7)
    budget.halve(10)
    assert budget == Budget(rows=5, cached=500, read=50, logits=3)


def test_one_row_cannot_be_halved():
    with pytest.raises(CheckpointError, match="ran out with a single prompt"):
        Budget(rows=64, cached=1000, read=100, logits=7).halve(1)


def test_memory_that_runs_out_is_one_error_whoever_says_it():
    with pytest.raises(torch.OutOfMemoryError), memory_errors():
        torch.empty(2**50)  # what a CPU says is a mere RuntimeError
    with pytest.raises(torch.OutOfMemoryError, match="as CUDA"), memory_errors():
        raise torch.OutOfMemoryError("as CUDA says it")


def test_other_errors_are_not_of_memory():
    with pytest.raises(RuntimeError, match="size of tensor") as caught, memory_errors():
        torch.ones(2) + torch.ones(3)
    assert caught.type is RuntimeError
