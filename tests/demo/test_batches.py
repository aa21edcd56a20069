"""Batches of rows that are alike in length."""

import numpy as np

from harness.demo.batches import IGNORED, SimilarLengths, padded


def lengths(count=2000):
    return np.random.default_rng(5).integers(10, 90, count).tolist()


def test_each_row_comes_once_in_a_pass():
    batches = list(SimilarLengths(lengths(1003), 32, seed=0))
    assert sorted(row for batch in batches for row in batch) == list(range(1003))
    assert len(batches) == len(SimilarLengths(lengths(1003), 32, seed=0)) == 32


def test_rows_of_a_batch_are_alike_in_length():
    sizes = lengths()
    batches = list(SimilarLengths(sizes, 20, seed=0))
    padding = [
        len(batch) * max(sizes[row] for row in batch) - sum(sizes[row] for row in batch)
        for batch in batches
    ]
    assert sum(padding) < 0.05 * sum(sizes)


def test_batches_are_in_no_order_of_length():
    sizes = lengths()
    means = [np.mean([sizes[r] for r in b]) for b in SimilarLengths(sizes, 20, seed=0)]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.3


def test_passes_differ_and_the_same_seed_repeats_them():
    one, other = (SimilarLengths(lengths(), 20, seed=3) for _ in range(2))
    first = list(one)
    assert list(one) != first
    assert list(other) == first
    assert list(SimilarLengths(lengths(), 20, seed=4)) != first


def test_short_rows_are_filled_up_on_the_right():
    rows = [
        {"input_ids": [5, 6, 7], "labels": [IGNORED, 6, 7]},
        {"input_ids": [8], "labels": [8]},
    ]
    batch = padded(rows, padding=1)
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, 1, 1]]
    assert batch["labels"].tolist() == [[IGNORED, 6, 7], [8, IGNORED, IGNORED]]
    assert set(batch) == {"input_ids", "labels"}
