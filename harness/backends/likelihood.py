"""How probable a model finds a reference, given its prompt.

Only the reference's tokens are scored: neither the prompt, nor a start token, nor an
end token after the reference. Texts are padded on the right.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from harness.backends.base import Scored
from harness.backends.sampling import check_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.backends.batching import Budget
    from harness.backends.tokens import Codec, Tokens
    from harness.types import Item


@dataclass(frozen=True, slots=True)
class Text:
    """What is scored and what comes before it."""

    item: str
    """Id of the item."""
    reference: Tokens
    """Scored, each token given all before it."""
    context: Tokens
    """Read before the reference by the same network; one token or more."""
    encoded: Tokens
    """Read by an encoder; empty for models without one."""
    truncated: bool
    """Whether the prompt was cut, or the reference does not fit by itself."""
    too_long: bool = False
    """Whether the reference does not fit; it is empty then."""

    @property
    def read(self) -> Tokens:
        """All tokens that go in: the last one's successor is not asked for."""
        return (self.context + self.reference)[:-1]

    @property
    def length(self) -> int:
        """Positions that go through the layers."""
        return len(self.encoded) + len(self.context) + len(self.reference) - 1


def fit_causal(codec: Codec, item: Item, positions: int | None) -> Text:
    """The item's text for a causal model, its prompt cut on the left if it must be."""
    context = codec.prompt(item)
    reference = codec.reference(item, context)
    room = len(context) if positions is None else positions + 1 - len(reference)
    if room < 1:
        return Text(item.id, [], context[:1], [], truncated=True, too_long=True)
    kept = codec.cut(context, room)
    return Text(item.id, reference, kept, [], truncated=len(kept) < len(context))


def fit_encoder_decoder(
    codec: Codec, item: Item, positions: int | None, *, start: Tokens
) -> Text:
    """The item's text for an encoder-decoder model, whose decoder begins with `start`.

    Prompt and reference are limited separately.
    """
    prompt = codec.prompt(item)
    reference = codec.reference(item, prompt)
    kept = prompt if positions is None else codec.cut(prompt, positions)
    if positions is not None and len(start) + len(reference) - 1 > positions:
        return Text(item.id, [], start, kept, truncated=True, too_long=True)
    cut = len(kept) < len(prompt)
    return Text(item.id, reference, start, kept, truncated=cut)


class Scorer:
    """Scores texts in batches of similar length."""

    def __init__(self, network: Any, budget: Budget) -> None:
        self.network = network
        self.budget = budget
        parameters = inspect.signature(network.forward).parameters
        self.keeps = "logits_to_keep" in parameters

    def score(self, texts: Iterable[Text]) -> Iterator[list[Scored]]:
        """Summed negative log-likelihoods, in nats.

        Raises:
            CheckpointError: a single text does not fit into memory, or the model
                writes no numbers.
        """
        waiting = sorted(texts, key=lambda t: t.length)
        empty = [t for t in waiting if not t.reference]
        if empty:
            yield [_unscored(text) for text in empty]
        waiting = [t for t in waiting if t.reference]
        while waiting:
            batch = waiting[: self._rows_of(waiting)]
            try:
                scored: list[Scored] | None = self._score_batch(batch)
            except torch.OutOfMemoryError:
                scored = None
            if scored is None:
                self.budget.halve(len(batch))
            else:
                waiting = waiting[len(batch) :]
                yield scored

    def _rows_of(self, waiting: list[Text]) -> int:
        """Texts for the next batch; they are sorted, so the last is the longest."""
        rows, end, begin = 0, 0, len(waiting[0].context)
        for text in waiting[: self.budget.rows]:
            end, begin = max(end, len(text.read)), min(begin, len(text.context))
            kept = (rows + 1) * (end - begin + 1)
            read = (rows + 1) * text.length
            if rows and (read > self.budget.read or kept > self.budget.logits):
                break
            rows += 1
        return rows

    @torch.inference_mode()
    def _score_batch(self, batch: list[Text]) -> list[Scored]:
        logits, first = self._logits(batch)
        return [
            Scored(
                text.item, _nll(rows, text, first), len(text.reference), text.truncated
            )
            for text, rows in zip(batch, logits, strict=True)
        ]

    def _logits(self, batch: list[Text]) -> tuple[torch.Tensor, int]:
        """Logits, shape (rows, columns, vocabulary), and the first column's number."""
        tokens, mask = self._padded([text.read for text in batch])
        if batch[0].encoded:
            encoded, encoded_mask = self._padded([text.encoded for text in batch])
            output = self.network(
                input_ids=encoded,
                attention_mask=encoded_mask,
                decoder_input_ids=tokens,
                decoder_attention_mask=mask,
                use_cache=False,
            )
            return output.logits, 0
        first, extra = 0, {}
        if self.keeps:
            first = min(len(text.context) for text in batch) - 1
            extra = {"logits_to_keep": tokens.shape[1] - first}
        output = self.network(
            input_ids=tokens, attention_mask=mask, use_cache=False, **extra
        )
        return output.logits, first

    def _padded(self, rows: list[Tokens]) -> tuple[torch.Tensor, torch.Tensor]:
        width = max(len(row) for row in rows)
        tokens = torch.zeros(len(rows), width, dtype=torch.long)
        mask = torch.zeros_like(tokens)
        for number, row in enumerate(rows):
            tokens[number, : len(row)] = torch.tensor(row)
            mask[number, : len(row)] = 1
        return tokens.to(self.network.device), mask.to(self.network.device)


def _unscored(text: Text) -> Scored:
    reason = "the reference is empty"
    if text.too_long:
        reason = "the reference is longer than the model's positions"
    return Scored(text.item, 0.0, 0, text.truncated, reason)


def _nll(logits: torch.Tensor, text: Text, first: int) -> float:
    """Of one row's logits, shape (columns, vocabulary), from column `first` on."""
    begin = len(text.context) - 1 - first
    scored = logits[begin : begin + len(text.reference)].float()
    check_numbers(scored)
    wanted = torch.tensor(text.reference, device=scored.device).unsqueeze(1)
    of_wanted = scored.gather(1, wanted).squeeze(1)
    return float((scored.logsumexp(dim=1) - of_wanted).double().sum())
