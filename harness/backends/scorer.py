"""Likelihoods of rows of tokens, in batches; what rows share is read once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from harness.backends.batching import memory_errors
from harness.backends.cache import repeat, select
from harness.backends.decoding import can_decode, short_range
from harness.backends.reading import Reader
from harness.backends.sampling import check_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.backends.base import Scored
    from harness.backends.batching import Budget
    from harness.backends.likelihood import Reading, Text
    from harness.backends.tokens import Tokens

BLOCK = 512
"""Positions whose logits are made float32 at once."""


class Scorer:
    """Scores texts in batches of similar length.

    Where texts follow long contexts that others follow too, like the choices of one
    question, each context of a batch is read once, and each text only after it.
    """

    def __init__(self, network: Any, budget: Budget) -> None:
        self.network = network
        self.budget = budget
        self.reader = Reader(network)
        self.keeps = bool(self.reader.extra)
        self.short = short_range(network)
        self.by_context = False

    def score(self, readings: Sequence[Reading]) -> Iterator[list[Scored]]:
        """The likelihood of each passage, once all its rows are summed.

        Raises:
            CheckpointError: a single text does not fit into memory, or the model
                writes no numbers.
        """
        silent = [reading.result() for reading in readings if not reading.texts]
        if silent:
            yield silent
        rows = [(n, text) for n, one in enumerate(readings) for text in one.texts]
        rows = self._ordered(rows)
        owners = iter([number for number, _ in rows])
        sums = [0.0] * len(readings)
        left = [len(reading.texts) for reading in readings]
        for batch in self._batches([text for _, text in rows]):
            finished = []
            for nll, number in zip(batch, owners, strict=False):
                sums[number] += nll
                left[number] -= 1
                if not left[number]:
                    finished.append(readings[number].result(sums[number]))
            if finished:
                yield finished

    def _ordered(self, rows: list[tuple[int, Text]]) -> list[tuple[int, Text]]:
        """Neighbours are of similar length, or follow the same context."""
        contexts = [text.context for _, text in rows]
        longest = max((text.length for _, text in rows), default=0)
        causal = all(not text.encoded for _, text in rows)
        if causal and can_decode(self.network, longest):
            self.reader.share(contexts)
            self.by_context = _is_worthwhile([text for _, text in rows])
        if not self.by_context:
            return sorted(rows, key=lambda row: row[1].length)
        return sorted(
            rows, key=lambda row: (len(row[1].context), row[1].context, row[1].length)
        )

    def _batches(self, waiting: list[Text]) -> Iterator[list[float]]:
        """Summed negative log-likelihoods of texts, in nats and in their order."""
        while waiting:
            batch = waiting[: self._rows_of(waiting)]
            try:
                with memory_errors():
                    scored: list[float] | None = self._score_batch(batch)
            except torch.OutOfMemoryError:
                scored = None
            if scored is None:
                self.budget.halve(len(batch))
            else:
                waiting = waiting[len(batch) :]
                yield scored

    def _rows_of(self, waiting: list[Text]) -> int:
        """Texts for the next batch."""
        rows, longest, end, begin = 0, 0, 0, len(waiting[0].context)
        for text in waiting[: self.budget.rows]:
            longest = max(longest, text.length)
            end, begin = max(end, len(text.read)), min(begin, len(text.context))
            kept = (rows + 1) * (end - begin + 1)
            read = (rows + 1) * longest
            full = read > self.budget.read or kept > self.budget.logits
            if rows and (full or waiting[0].length <= self.short < longest):
                break
            rows += 1
        return rows

    @torch.inference_mode()
    def _score_batch(self, batch: list[Text]) -> list[float]:
        if batch[0].encoded:
            logits, first = self._after_encoded(batch), 0
        elif self.by_context:
            return [
                _nll(rows[: len(text.scored)], text.scored)
                for text, rows in zip(batch, self._after_contexts(batch), strict=True)
            ]
        else:
            logits, first = self._after_prefix(batch)
        begins = [len(text.context) - 1 - first for text in batch]
        return [
            _nll(rows[begin : begin + len(text.scored)], text.scored)
            for text, begin, rows in zip(batch, begins, logits, strict=True)
        ]

    def _after_encoded(self, batch: list[Text]) -> torch.Tensor:
        """Logits of a decoder, shape (rows, columns, vocabulary)."""
        encoded, encoded_mask = self._padded([text.encoded for text in batch])
        tokens, mask = self._padded([text.read for text in batch])
        logits: torch.Tensor = self.network(
            input_ids=encoded,
            attention_mask=encoded_mask,
            decoder_input_ids=tokens,
            decoder_attention_mask=mask,
            use_cache=False,
        ).logits
        return logits

    def _after_prefix(self, batch: list[Text]) -> tuple[torch.Tensor, int]:
        """Logits behind what is shared, and the number of their first column."""
        known = len(self.reader.prefix)
        tokens, mask = self._padded([text.read[known:] for text in batch])
        settings: dict[str, Any] = {"use_cache": False}
        if known:
            mask = torch.cat([mask.new_ones(len(batch), known), mask], dim=1)
            cache = repeat(self.reader.prefix_cache, len(batch))
            settings = {"use_cache": True, "past_key_values": cache}
        first = known
        if self.keeps:
            first = min(len(text.context) for text in batch) - 1
            settings["logits_to_keep"] = known + tokens.shape[1] - first
        output = self.network(input_ids=tokens, attention_mask=mask, **settings)
        return output.logits, first

    def _after_contexts(self, batch: list[Text]) -> torch.Tensor:
        """Logits of the scored tokens alone, shape (rows, columns, vocabulary)."""
        numbers: dict[tuple[int, ...], int] = {}
        which = [numbers.setdefault(tuple(t.context), len(numbers)) for t in batch]
        cache, mask, logits = self.reader.read(list(numbers))
        logits = logits[which].unsqueeze(1)
        rest = [text.scored[:-1] for text in batch]
        if not any(rest):
            return logits
        select(cache, which, 0)
        tokens, rest_mask = self._padded(rest)
        mask = torch.cat([mask[which], rest_mask], dim=1)
        positions = (mask.cumsum(1) - 1)[:, -tokens.shape[1] :]
        output = self.network(
            input_ids=tokens,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
        )
        return torch.cat([logits, output.logits], dim=1)

    def _padded(self, rows: list[Tokens]) -> tuple[torch.Tensor, torch.Tensor]:
        width = max(len(row) for row in rows)
        tokens = torch.zeros(len(rows), width, dtype=torch.long)
        mask = torch.zeros_like(tokens)
        for number, row in enumerate(rows):
            tokens[number, : len(row)] = torch.tensor(row, dtype=torch.long)
            mask[number, : len(row)] = 1
        return tokens.to(self.network.device), mask.to(self.network.device)


def _is_worthwhile(texts: Sequence[Text]) -> bool:
    """Whether to read each context once spares a quarter of the positions.

    All documents follow the same start token: to read it apart spares nothing, and
    would put long ones beside short ones.
    """
    apart = sum(map(len, {tuple(text.context) for text in texts}))
    apart += sum(len(text.scored) for text in texts)
    return 4 * apart <= 3 * sum(text.length for text in texts)


def _nll(logits: torch.Tensor, scored: Tokens) -> float:
    """Summed, in nats, of one row's logits, shape (scored tokens, vocabulary)."""
    check_numbers(logits)
    wanted = torch.tensor(scored, device=logits.device).unsqueeze(1)
    total = 0.0
    for begin in range(0, len(scored), BLOCK):
        block = logits[begin : begin + BLOCK].float()
        of_wanted = block.gather(1, wanted[begin : begin + BLOCK]).squeeze(1)
        total += float((block.logsumexp(dim=1) - of_wanted).cpu().double().sum())
    return total
