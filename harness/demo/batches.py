"""Rows as token ids: the prompt is read, the answer is learned."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.demo.model import ARROW

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Numbers = np.ndarray[Any, np.dtype[np.intp]]

IGNORED = -100
"""The label that torch's cross-entropy leaves out."""


def prompt(row: Mapping[str, str]) -> str:
    """The row's prompt, as the templates of the bundled tasks render it."""
    return row["source"] + ARROW


def encode(rows: Iterable[Mapping[str, str]], tokenizer: Any) -> list[dict[str, Any]]:
    """Per row the ids of prompt, answer and end; labels for the last two alone."""
    rows = list(rows)
    prompts = tokenizer([prompt(row) for row in rows])["input_ids"]
    answers = tokenizer([row["target"] for row in rows])["input_ids"]
    end = [tokenizer.eos_token_id]
    return [
        {
            "input_ids": asked + answer + end,
            "labels": [IGNORED] * len(asked) + answer + end,
        }
        for asked, answer in zip(prompts, answers, strict=True)
    ]


def padded(rows: Sequence[Mapping[str, list[int]]], padding: int) -> dict[str, Any]:
    """Encoded rows as two tensors (rows, tokens), filled up on the right.

    No attention mask: what stands on the right is seen by nothing before it.
    """
    import torch
    from torch.nn.utils.rnn import pad_sequence

    fill = {"input_ids": padding, "labels": IGNORED}
    return {
        name: pad_sequence(
            [torch.tensor(row[name]) for row in rows],
            batch_first=True,
            padding_value=filler,
        )
        for name, filler in fill.items()
    }


class SimilarLengths:
    """Batches of row numbers: alike in length, so that little is padding.

    The batches come in random order, and differ from pass to pass. (The Trainer's own
    grouping by length goes from long to short, over and over: models as small as these
    learn far less from that.)
    """

    POOL = 50
    """Batches that are sorted by length together."""

    def __init__(self, lengths: Sequence[int], size: int, *, seed: int) -> None:
        self._lengths = np.asarray(lengths)
        self._size = size
        self._random = np.random.default_rng(seed)

    def __len__(self) -> int:
        return ceil(len(self._lengths) / self._size)

    def __iter__(self) -> Iterator[list[int]]:
        order = self._random.permutation(len(self._lengths))
        pools = _cut(order, self._size * self.POOL)
        batches = [
            batch
            for pool in pools
            for batch in _cut(pool[np.argsort(self._lengths[pool])], self._size)
        ]
        for place in self._random.permutation(len(batches)):
            yield batches[place].tolist()


def _cut(numbers: Numbers, size: int) -> list[Numbers]:
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]
