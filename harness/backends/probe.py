"""What a server can do, found out by asking for a token or two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.backends.completions import echo_question
from harness.backends.echo import read_echo
from harness.errors import ServerError, Unscorable

if TYPE_CHECKING:
    from harness.backends.server import Server

TEXT = "One two three"
CHAT_TOKENS = 16
"""Fewer are refused by some models that think before they write."""
MISSING = frozenset({400, 404, 405, 422, 500, 501})
"""How servers answer where they have no such endpoint or setting."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a server can do with a model."""

    completions: bool
    """Whether it completes plain texts (legacy completions)."""
    echo: bool
    """Whether it gives log-probabilities of texts that it is given."""
    fingerprint: str | None
    """What it says of its own state; None where it says nothing."""


async def probe(server: Server) -> Abilities:
    """What the server can do.

    Raises:
        ServerError: it cannot be reached, or refuses the key or the model.
    """
    plain = {"prompt": TEXT, "max_tokens": 1, "temperature": 0}
    for body in (echo_question(TEXT), plain):
        try:
            answer = await server.ask("completions", body)
        except ServerError as error:
            if error.status not in MISSING:
                raise
        else:
            try:
                echo = len(read_echo(answer, TEXT).tokens) > 1
            except Unscorable:
                echo = False
            return Abilities(
                completions=True, echo=echo, fingerprint=answer.fingerprint
            )
    turns = [{"role": "user", "content": TEXT}]
    answer = await server.ask("chat", {"messages": turns, "max_tokens": CHAT_TOKENS})
    return Abilities(completions=False, echo=False, fingerprint=answer.fingerprint)
