"""How probable a hosted model finds a text: prompts sent back with figures.

A server that echoes a prompt with the log-probabilities of its tokens is asked twice,
for the prompt alone and for prompt and text together. Where the first request's
tokens begin the second's, the rest are the text's. Unlike the offsets that servers
give, this holds for tokens that are parts of a character and for start tokens. For a
document by itself one request does.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, isfinite
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from harness.errors import Unscorable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.backends.completions import Answer

IMPOSSIBLE = -9999.0
"""What servers write for a probability of zero, which JSON cannot hold."""
RAW_BYTES = "bytes:"
"""What OpenAI puts in front of a token that is no text."""


class _Figures(BaseModel):
    tokens: list[str]
    token_logprobs: list[float | None]


@dataclass(frozen=True, slots=True)
class Echo:
    """A text's tokens, as the server divides it."""

    tokens: list[str]
    """Each as text; parts of characters as whatever the server makes of them."""
    logprobs: list[float | None]
    """Of each token given those before it, in nats; None for the first."""


def read_echo(answer: Answer, text: str) -> Echo:
    """The tokens of the text in the answer, without the one that the model added.

    Raises:
        Unscorable: the server did not send the text back with figures for each token.
    """
    try:
        figures = _Figures.model_validate(answer.logprobs)
    except ValidationError:
        raise Unscorable(
            "the server gives no log-probabilities of texts that it is given"
        ) from None
    added = answer.new_tokens
    if added is None and answer.finish == "length":
        added = 1
    if len(figures.tokens) != len(figures.token_logprobs) or added not in {0, 1}:
        raise Unscorable("the server does not tell how many tokens the text has")
    end = len(figures.tokens) - added
    if not _letters(*figures.tokens[:end]).endswith(_letters(text)):
        raise Unscorable("the server's tokens do not add up to the text")
    return Echo(figures.tokens[:end], figures.token_logprobs[:end])


def score_continuation(prompt: Echo, whole: Echo, text: str) -> tuple[float, int]:
    """Summed negative log-likelihood in nats, and tokens, of what follows the prompt.

    Raises:
        Unscorable: a token straddles the boundary, or has no probability.
    """
    begin = len(prompt.tokens)
    if whole.tokens[:begin] != prompt.tokens:
        raise Unscorable(
            "a token of the model holds the end of the prompt and the beginning of "
            "the text after it, so that text has no probability of its own"
        )
    if _letters(*whole.tokens[begin:]) != _letters(text):
        raise Unscorable("the server's tokens do not add up to the text")
    return _summed(whole.logprobs[begin:])


def score_document(whole: Echo, text: str) -> tuple[float, int, int]:
    """Summed negative log-likelihood in nats, tokens, and letters not scored.

    The first token has no probability. Where the server puts a start token in front
    of the text that is as it should be; else the text's own first token is left out.

    Raises:
        Unscorable: another token has no probability, or there is no other.
    """
    begin = int(bool(whole.logprobs) and whole.logprobs[0] is None)
    first = "".join(whole.tokens[:begin])
    nll, tokens = _summed(whole.logprobs[begin:])
    if not tokens:
        raise Unscorable("the text has a single token, which has no probability")
    return nll, tokens, len(first) if text.startswith(first) else 0


def _summed(logprobs: Sequence[float | None]) -> tuple[float, int]:
    known = [one for one in logprobs if one is not None and one > IMPOSSIBLE]
    if len(known) < len(logprobs) or not all(map(isfinite, known)):
        raise Unscorable("the server gives a token of the text no probability")
    return -fsum(known), len(known)


def _letters(*texts: str) -> str:
    """ASCII signs of texts, which every server writes alike, without white space."""
    whole = "".join(text for text in texts if not text.startswith(RAW_BYTES))
    return "".join(one for one in whole if one.isascii() and not one.isspace())
