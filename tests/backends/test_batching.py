"""Batches stay within what memory allows."""

import pytest
import torch

from harness.backends.batching import Budget
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
