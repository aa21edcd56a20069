"""Decoding by the model's own `generate`, for what `decoding` cannot do.

That is: encoder-decoder models, memories other than keys and values, rows that change
others, and checkpoints whose generation config asks for penalties or forced tokens.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import torch

from harness.backends.batching import memory_errors
from harness.backends.sampling import check_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.backends.answers import Answer
    from harness.backends.batching import Budget
    from harness.backends.sampling import Sampler

NEUTRAL: dict[str, tuple[Any, ...]] = {
    "repetition_penalty": (None, 1.0),
    "no_repeat_ngram_size": (None, 0),
    "encoder_repetition_penalty": (None, 1.0),
    "encoder_no_repeat_ngram_size": (None, 0),
    "bad_words_ids": (None,),
    "min_length": (None, 0),
    "min_new_tokens": (None, 0),
    "forced_bos_token_id": (None,),
    "forced_eos_token_id": (None,),
    "suppress_tokens": (None, []),
    "begin_suppress_tokens": (None, []),
    "sequence_bias": (None,),
    "exponential_decay_length_penalty": (None,),
    "guidance_scale": (None, 1.0),
}
"""Parts of a generation config that change greedy decoding, and when they do not."""


def has_constraints(network: Any) -> bool:
    """Whether the checkpoint's generation config changes greedy decoding."""
    config = network.generation_config
    return any(
        getattr(config, name, None) not in neutral for name, neutral in NEUTRAL.items()
    )


class GenerateCaller:
    """Writes answers with `model.generate`; takes what `Decoder` takes."""

    def __init__(self, network: Any, sampler: Sampler, budget: Budget) -> None:
        self.network = network
        self.sampler = sampler
        self.budget = budget

    def write(self, answers: Iterable[Answer]) -> Iterator[list[Answer]]:
        """The answers, in batches of similar or, where that matters, equal length.

        Raises:
            CheckpointError: a single prompt does not fit into memory, or the model
                writes no numbers.
        """
        waiting = sorted(answers, key=lambda a: len(a.context))
        if self.network.config.is_encoder_decoder:
            groups = [waiting]
        else:
            # Padding would be read as text by penalties and by recurrent models.
            by_length = groupby(waiting, key=lambda a: len(a.context))
            groups = [list(group) for _, group in by_length]
        for group in groups:
            yield from self._write_sorted(group)

    def _write_sorted(self, waiting: list[Answer]) -> Iterator[list[Answer]]:
        while waiting:
            batch = waiting[: self._rows_of(waiting)]
            try:
                with memory_errors():
                    self._generate(batch)
                fits = True
            except torch.OutOfMemoryError:
                fits = False
            if fits:
                waiting = waiting[len(batch) :]
                yield batch
            else:
                self.budget.halve(len(batch))
                for answer in batch:
                    answer.restart()

    def _rows_of(self, waiting: list[Answer]) -> int:
        rows = 0
        for answer in waiting[: self.budget.rows]:
            length = len(answer.context)
            fits = rows < self.budget.rows_of(length + answer.ending.most)
            if rows and (not fits or (rows + 1) * length > self.budget.read):
                break
            rows += 1
        return rows

    @torch.inference_mode()
    def _generate(self, batch: list[Answer]) -> None:
        width = max(len(a.context) for a in batch)
        tokens = torch.zeros(len(batch), width, dtype=torch.long)
        mask = torch.zeros_like(tokens)
        for row, answer in enumerate(batch):
            tokens[row, : len(answer.context)] = torch.tensor(answer.context)
            mask[row, : len(answer.context)] = 1
        ending = batch[0].ending
        writer = _Writer(self.sampler, batch)
        self.network.generate(
            input_ids=tokens.to(self.network.device),
            attention_mask=mask.to(self.network.device),
            logits_processor=[writer.choose],
            stopping_criteria=[writer.finished],
            max_new_tokens=ending.most,
            eos_token_id=sorted(ending.end_tokens) or None,
            pad_token_id=min(ending.end_tokens, default=0),
            do_sample=False,
            num_beams=1,
            num_return_sequences=1,
        )


class _Writer:
    """Draws the tokens of one batch and follows its answers."""

    def __init__(self, sampler: Sampler, batch: list[Answer]) -> None:
        self.sampler = sampler
        self.batch = batch

    def choose(self, _: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores that leave greedy decoding one token, shape (rows, vocabulary)."""
        check_numbers(scores)
        chosen = self.sampler.choose(scores, self.batch).unsqueeze(1)
        return torch.full_like(scores, -torch.inf).scatter(1, chosen, 0.0)

    def finished(
        self, tokens: torch.Tensor, _: torch.Tensor, **__: object
    ) -> torch.Tensor:
        """Which answers are finished with the newest tokens, shape (rows,)."""
        for answer, token in zip(self.batch, tokens[:, -1].tolist(), strict=True):
            if answer.finish is None:
                answer.add(token)
        done = [answer.finish is not None for answer in self.batch]
        return torch.tensor(done, device=tokens.device)
