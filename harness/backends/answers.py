"""Answers as they grow token by token, and what ends them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from harness.backends.base import Generated, Request
from harness.identity import content_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.backends.tokens import Codec, Tokens
    from harness.types import Generation

UNFINISHED = "\ufffd"
"""What tokenizers decode part of a character to."""


class Ending:
    """What ends an answer: end tokens, stop texts, the most tokens allowed."""

    def __init__(
        self, codec: Codec, settings: Generation, end_tokens: Sequence[int]
    ) -> None:
        self.codec = codec
        self.end_tokens = frozenset(end_tokens)
        self.most = settings.max_new_tokens
        self.stop = tuple(text for text in settings.stop if text)
        self._last = {text[-1] for text in self.stop} | {UNFINISHED}
        self._completing: dict[int, bool] = {}

    def may_complete(self, token: int) -> bool:
        """Whether a stop text may end with this token; rules most tokens out."""
        if token not in self._completing:
            piece = self.codec.piece(token) if self.stop else ""
            self._completing[token] = not self._last.isdisjoint(piece)
        return self._completing[token]

    def stop_at(self, text: str) -> int | None:
        """Where the first stop text begins; None if there is none."""
        found = [at for stop in self.stop if (at := text.find(stop)) >= 0]
        return min(found, default=None)


class Answer:
    """One answer as it grows."""

    def __init__(
        self, request: Request, prompt: Tokens, ending: Ending, *, seed: int
    ) -> None:
        """`prompt` is the whole prompt; `context` is what the model will read."""
        self.request = request
        self.context = prompt
        self.truncated = False
        self.ending = ending
        self.seed = seed
        self.restart()

    def cut(self, room: int) -> None:
        """Cut the prompt on the left to at most `room` tokens."""
        shorter = self.ending.codec.cut(self.context, room)
        self.truncated = self.truncated or len(shorter) < len(self.context)
        self.context = shorter

    def restart(self) -> None:
        """Forget all tokens written, and draw the same numbers again."""
        self.tokens: Tokens = []
        self.finish: str | None = None
        self._stop_at: int | None = None
        self._draws = torch.Generator()
        request = self.request
        digest = content_hash(request.item.id, request.sample, self.seed)
        self._draws.manual_seed(int(digest[:15], 16))

    def draw(self) -> float:
        """The answer's next random number, from 0 to below 1."""
        return torch.rand((), generator=self._draws, dtype=torch.float64).item()

    def add(self, token: int) -> None:
        """Take the token that the model chose; decides whether it was the last."""
        ending = self.ending
        if token in ending.end_tokens:
            self.finish = "stop"
            return
        self.tokens.append(token)
        if ending.stop and ending.may_complete(token):
            self._stop_at = ending.stop_at(self._text())
        if self._stop_at is not None:
            self.finish = "stop"
        elif len(self.tokens) >= ending.most:
            self.finish = "length"

    def generated(self) -> Generated:
        """The answer in the form that all backends give."""
        return Generated(
            item=self.request.item.id,
            sample=self.request.sample,
            text=self._text()[: self._stop_at],
            finish=self.finish or "length",
            prompt_tokens=len(self.context),
            new_tokens=len(self.tokens),
            truncated=self.truncated,
        )

    def _text(self) -> str:
        # An encoder's tokens do not come before the decoder's in one text.
        context = [] if self.ending.codec.encoder else self.context
        return self.ending.codec.text(context, self.tokens)
