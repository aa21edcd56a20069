"""How probable a model finds a text, given a prompt or as a document by itself.

Only the text's tokens are scored: neither the prompt, nor a start token, nor an end
token after the text. Texts are padded on the right.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from harness.backends.base import Scored
from harness.backends.sampling import check_numbers
from harness.backends.windows import rolling
from harness.errors import UsageError
from harness.types import Windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.backends.batching import Budget
    from harness.backends.tokens import Codec, Tokens
    from harness.types import Passage

EMPTY = "the text is empty"
TOO_LONG = "the text is longer than the model's positions"
NO_DOCUMENTS = (
    "an encoder-decoder model reads a prompt and writes an answer, so that a document "
    "by itself has no probability"
)


@dataclass(frozen=True, slots=True)
class Text:
    """A row of tokens: what is scored and what comes before it."""

    scored: Tokens
    """Scored, each token given all before it; one or more."""
    context: Tokens
    """Read before it by the same network; one token or more."""
    encoded: Tokens
    """Read by an encoder; empty for models without one."""

    @property
    def read(self) -> Tokens:
        """All tokens that go in: the last one's successor is not asked for."""
        return (self.context + self.scored)[:-1]

    @property
    def length(self) -> int:
        """Positions that go through the layers."""
        return len(self.encoded) + len(self.context) + len(self.scored) - 1


@dataclass(frozen=True, slots=True)
class Reading:
    """How a model reads a passage: in one row, or in several windows."""

    passage: Passage
    """What is asked for."""
    texts: tuple[Text, ...] = ()
    """Rows whose likelihoods add up to the passage's; none if nothing is scored."""
    truncated: bool = False
    """Whether the prompt was cut, or the text does not fit by itself."""
    reason: str | None = None
    """Why nothing is scored."""
    policy: str = "conditional"
    """As `Scored` has it."""
    skipped: int = 0
    """As `Scored` has it."""

    def result(self, nll: float = 0.0) -> Scored:
        """With the summed negative log-likelihood of its rows."""
        return Scored(
            item=self.passage.item.id,
            target=self.passage.target,
            nll=nll,
            tokens=sum(len(text.scored) for text in self.texts),
            truncated=self.truncated,
            reason=self.reason,
            policy=self.policy,
            skipped=self.skipped,
        )


def read_causal(codec: Codec, passage: Passage, positions: int | None) -> Reading:
    """The text after its prompt, which is cut on the left if it must be."""
    context = codec.prompt(passage.item)
    scored = codec.continuation(passage.item, context, passage.text)
    room = len(context) if positions is None else positions + 1 - len(scored)
    if room < 1:
        return Reading(passage, truncated=True, reason=TOO_LONG)
    kept = codec.cut(context, room)
    cut = len(kept) < len(context)
    if not scored:
        return Reading(passage, truncated=cut, reason=EMPTY)
    return Reading(passage, (Text(scored, kept, []),), truncated=cut)


def read_encoder_decoder(
    codec: Codec, passage: Passage, positions: int | None, *, start: Tokens
) -> Reading:
    """The text for an encoder-decoder model, whose decoder begins with `start`.

    Prompt and text are limited separately.
    """
    if passage.windows is not None:
        return Reading(passage, reason=NO_DOCUMENTS)
    prompt = codec.prompt(passage.item)
    scored = codec.continuation(passage.item, prompt, passage.text)
    kept = prompt if positions is None else codec.cut(prompt, positions)
    if positions is not None and len(start) + len(scored) - 1 > positions:
        return Reading(passage, truncated=True, reason=TOO_LONG)
    cut = len(kept) < len(prompt)
    if not scored:
        return Reading(passage, truncated=cut, reason=EMPTY)
    return Reading(passage, (Text(scored, start, kept),), truncated=cut)


def read_document(codec: Codec, passage: Passage, positions: int | None) -> Reading:
    """The text by itself, in windows, with start tokens before its first token only.

    Where a model has no start token, the text's first token is not scored.

    Raises:
        UsageError: the windows are longer than the model's positions, or move on by
            more than their size.
    """
    size, stride = _fitting(passage.windows or Windows(), positions)
    start, tokens = codec.document(passage.text)
    whole = start + tokens
    skipped = 0 if start or not tokens else codec.letters(passage.text, tokens[0])
    texts = tuple(
        Text(whole[one.scored : one.end], whole[one.begin : one.scored], [])
        for one in rolling(len(whole), max(1, len(start)), size, stride)
    )
    return Reading(
        passage,
        texts,
        reason=None if texts else EMPTY,
        policy=f"document, start {codec.names(start) or 'none'}, "
        f"window {size or 'none'}, stride {stride or 'none'}",
        skipped=skipped,
    )


def _fitting(
    windows: Windows, positions: int | None
) -> tuple[int, int] | tuple[None, None]:
    """Size and stride for a model; None where it reads any length at once."""
    size = windows.size or positions
    if size is None:
        return None, None
    if positions is not None and size > positions:
        raise UsageError(
            f"window is {size}, but the model has only {positions} positions. Set a "
            "smaller one in the task, or leave it out to use them all."
        )
    stride = windows.stride or size
    if stride > size:
        raise UsageError(
            f"stride is {stride}, but the model's windows have only {size} tokens. "
            "Set a smaller one in the task, or leave it out."
        )
    return size, stride


class Scorer:
    """Scores texts in batches of similar length."""

    def __init__(self, network: Any, budget: Budget) -> None:
        self.network = network
        self.budget = budget
        parameters = inspect.signature(network.forward).parameters
        self.keeps = "logits_to_keep" in parameters

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
        rows.sort(key=lambda row: row[1].length)
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

    def _batches(self, waiting: list[Text]) -> Iterator[list[float]]:
        """Summed negative log-likelihoods of texts, in nats and in their order."""
        while waiting:
            batch = waiting[: self._rows_of(waiting)]
            try:
                scored: list[float] | None = self._score_batch(batch)
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
    def _score_batch(self, batch: list[Text]) -> list[float]:
        logits, first = self._logits(batch)
        return [
            _nll(rows, text, first) for text, rows in zip(batch, logits, strict=True)
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


def _nll(logits: torch.Tensor, text: Text, first: int) -> float:
    """Of one row's logits, shape (columns, vocabulary), from column `first` on."""
    begin = len(text.context) - 1 - first
    scored = logits[begin : begin + len(text.scored)].float()
    check_numbers(scored)
    wanted = torch.tensor(text.scored, device=scored.device).unsqueeze(1)
    of_wanted = scored.gather(1, wanted).squeeze(1)
    return float((scored.logsumexp(dim=1) - of_wanted).double().sum())
