"""How probable a model finds a text, given a prompt or as a document by itself.

Only the text's tokens are scored: neither the prompt, nor a start token, nor an end
token after the text. Texts are padded on the right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.backends.base import Scored
from harness.backends.windows import rolling
from harness.errors import UsageError
from harness.types import Windows

if TYPE_CHECKING:
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
