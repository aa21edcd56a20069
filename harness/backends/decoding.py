"""Decoding in batches that finished answers leave and waiting ones enter.

Plain batches run until their longest answer ends, most rows idle by then. Here the
keys and values of finished rows are dropped and waiting prompts join, padded on the
left to the length that the others have reached. Masks and positions make each answer
what it would be alone. Samples of one prompt that enter together read it once.
"""

from __future__ import annotations

import inspect
from collections import deque
from math import inf
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import pad

from harness.backends.batching import memory_errors
from harness.backends.cache import join, new_cache, select
from harness.backends.reading import Reader
from harness.backends.sampling import check_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.backends.answers import Answer
    from harness.backends.batching import Budget
    from harness.backends.sampling import Sampler


def can_decode(network: Any, longest: int) -> bool:
    """Whether rows of up to so many tokens can be read and written together.

    They can if all that the model remembers is one key and value per position, which
    no other row changes.
    """
    from transformers.cache_utils import (
        DynamicCache,
        DynamicLayer,
        DynamicSlidingWindowLayer,
    )

    # Code of a checkpoint's own may remember in other ways than its arguments tell.
    if not type(network).__module__.startswith("transformers."):
        return False
    config = network.config.get_text_config(decoder=True)
    parameters = inspect.signature(network.forward).parameters
    if not {"attention_mask", "position_ids", "past_key_values"} <= set(parameters):
        return False
    # Chunks are counted from the first column, which padding moves.
    if getattr(config, "attention_chunk_size", None) or longest > short_range(network):
        return False
    # A window is part of the mask, so its layers may also keep all positions.
    layers = DynamicCache(config=config).layers
    return {type(one) for one in layers} <= {DynamicLayer, DynamicSlidingWindowLayer}


def short_range(network: Any) -> float:
    """Most tokens of a row that changes no other; infinite for most models.

    With LongRoPE (Ding et al. 2024), as Phi-3's, one longer row has its whole batch's
    positions turned by other factors.
    """
    config = network.config.get_text_config(decoder=True)
    rope = getattr(config, "rope_parameters", None) or {}
    kinds = [rope, *(one for one in rope.values() if isinstance(one, dict))]
    ranges = [
        one["original_max_position_embeddings"]
        for one in kinds
        if one.get("rope_type") == "longrope"
    ]
    return min(ranges, default=inf)


class Decoder:
    """Writes answers with a causal model."""

    def __init__(self, network: Any, sampler: Sampler, budget: Budget) -> None:
        self.reader = Reader(network)
        self.sampler = sampler
        self.budget = budget
        self.waiting: deque[Answer] = deque()
        self.entering: list[Answer] = []
        self.rows: list[Answer] = []
        self.cache: Any
        self.mask: torch.Tensor
        self.last: torch.Tensor
        self._clear()

    @torch.inference_mode()
    def write(self, answers: Iterable[Answer]) -> Iterator[list[Answer]]:
        """The answers, in groups as they are finished.

        Raises:
            CheckpointError: a single prompt does not fit into memory, or the model
                writes no numbers.
        """
        self.waiting.extend(sorted(answers, key=lambda a: (len(a.context), a.context)))
        self.reader.share([answer.context for answer in self.waiting])
        while self.waiting or self.rows:
            # The handler keeps the frames and so the memory: start over after it.
            try:
                with memory_errors():
                    self._advance()
                    finished: list[Answer] | None = self._release()
            except torch.OutOfMemoryError:
                finished = None
            if finished is None:
                finished = self._start_over()
            if finished:
                yield finished

    def _advance(self) -> None:
        if self.waiting:
            most = self._most_rows(self.waiting[0])
            # Waiting for a quarter saves most of the copying that joining takes.
            if not self.rows or 4 * (most - len(self.rows)) >= most:
                self._admit(most - len(self.rows))
                return
        self._step()

    def _most_rows(self, entering: Answer) -> int:
        width = max(len(entering.context), self.mask.shape[1])
        return self.budget.rows_of(width + entering.ending.most)

    def _admit(self, slots: int) -> None:
        self.entering = self._next(slots)
        numbers: dict[tuple[int, ...], int] = {}
        which = [
            numbers.setdefault(tuple(a.context), len(numbers)) for a in self.entering
        ]
        cache, mask, logits = self.reader.read(list(numbers))
        if len(numbers) < len(which):
            select(cache, which, 0)
            mask, logits = mask[which], logits[which]
        check_numbers(logits)
        chosen = self._choose(logits, self.entering)
        self._join(cache, mask, chosen)

    def _next(self, slots: int) -> list[Answer]:
        """The prompts to read now: they are sorted, so the last is the longest."""
        taken = [self.waiting.popleft()]
        while self.waiting and len(taken) < slots:
            longest = len(self.waiting[0].context)
            if (len(taken) + 1) * longest > self.budget.read:
                break
            taken.append(self.waiting.popleft())
        return taken

    def _step(self) -> None:
        mask = pad(self.mask, (0, 1), value=1)
        positions = mask.sum(dim=1, keepdim=True) - 1
        logits = self.reader.forward(self.last, mask, positions, self.cache)
        self.last = self._choose(logits, self.rows)
        self.mask = mask

    def _choose(self, logits: torch.Tensor, answers: list[Answer]) -> torch.Tensor:
        """Next tokens, shape (rows, 1), already added to the unfinished answers."""
        chosen = self.sampler.choose(logits, answers)
        for answer, token in zip(answers, chosen.tolist(), strict=True):
            if answer.finish is None:
                answer.add(token)
        return chosen.unsqueeze(1)

    def _join(self, cache: Any, mask: torch.Tensor, chosen: torch.Tensor) -> None:
        if self.rows:
            width = max(self.mask.shape[1], mask.shape[1])
            mask = torch.cat([_widen(self.mask, width), _widen(mask, width)])
            chosen = torch.cat([self.last, chosen])
            join(self.cache, cache, width)
            cache = self.cache
        self.cache, self.mask, self.last = cache, mask, chosen
        self.rows, self.entering = self.rows + self.entering, []

    def _release(self) -> list[Answer]:
        """The finished answers, once a quarter of the rows are; they leave."""
        finished = [a for a in self.rows if a.finish]
        if 4 * len(finished) < max(1, len(self.rows)):
            return []
        if len(finished) == len(self.rows):
            self._clear()
            return finished
        kept = [row for row, a in enumerate(self.rows) if a.finish is None]
        mask = self.mask[kept]
        first = int(mask.argmax(dim=1).min())
        select(self.cache, kept, first)
        self.mask, self.last = mask[:, first:], self.last[kept]
        self.rows = [self.rows[row] for row in kept]
        return finished

    def _start_over(self) -> list[Answer]:
        """Go on with half the rows; the unfinished wait again, in front of the rest."""
        halted = self.rows + self.entering
        self._clear()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self.budget.halve(len(halted))
        unfinished = [a for a in halted if a.finish is None]
        for answer in unfinished:
            answer.restart()
        unfinished.sort(key=lambda a: len(a.context), reverse=True)
        self.waiting.extendleft(unfinished)
        return [a for a in halted if a.finish]

    def _clear(self) -> None:
        self.rows, self.entering = [], []
        self.cache = new_cache()
        self.mask = torch.zeros(0, 0, dtype=torch.long)
        self.last = torch.zeros(0, 1, dtype=torch.long)


def _widen(mask: torch.Tensor, width: int) -> torch.Tensor:
    return pad(mask, (width - mask.shape[1], 0))
