"""One model at an OpenAI-compatible server, asked and counted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from harness.backends.base import (
    Generated,
    Model,
    Scored,
    Usage,
)
from harness.backends.completions import echo_question, generated, question
from harness.backends.crew import HOPELESS, in_parallel
from harness.backends.echo import (
    Echo,
    read_echo,
    score_continuation,
    score_document,
)
from harness.backends.server import connect
from harness.errors import ServerError, Unscorable

if TYPE_CHECKING:
    from collections.abc import (
        Awaitable,
        Callable,
        Iterator,
        Sequence,
    )

    from harness.backends.base import Request
    from harness.backends.completions import Answer
    from harness.backends.hosted import HostedModel
    from harness.backends.prices import Prices
    from harness.backends.probe import Abilities
    from harness.backends.retry import Patience
    from harness.backends.server import Server
    from harness.types import Generation, Item, Passage

Job = TypeVar("Job")
Result = TypeVar("Result")

TOO_LONG = frozenset({400, 413, 422})
"""How servers refuse one text where they take others."""
NO_ECHO = (
    "the server gives no log-probabilities of texts that it is given (completions "
    "with 'echo'), so likelihoods as perplexity is made of are not available there"
)
NO_CHAT_ECHO = (
    "servers give no log-probabilities of given chat turns, so likelihoods as "
    "perplexity is made of are not available for messages"
)
NO_WINDOWS = (
    "a server reads a document at once: 'window' and 'stride' are for models that "
    "run here"
)
UNSCORED_FIRST = (
    "The server gives a document's first token no probability and puts no start token "
    "in front: it is neither scored nor counted."
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A text that the server does not take."""

    item: str
    """Id of the item."""
    error: ServerError
    """What the server says of it."""


class OpenAIModel(Model):
    """A model at a server."""

    def __init__(
        self,
        hosted: HostedModel,
        abilities: Abilities,
        *,
        concurrency: int,
        patience: Patience,
        prices: Prices | None,
    ) -> None:
        """See `OpenAIBackend`."""
        self.abilities = abilities
        self.concurrency = concurrency
        self._refused: set[str] = set()
        self._connect = partial(connect, hosted, patience, self._refused)
        self._prices = prices
        self._usage = Usage(cost=None if prices is None else 0.0)
        self._states = set(filter(None, [abilities.fingerprint]))
        self._silence: set[str] = set()
        self._first_unscored = False
        self._running: list[Iterator[object]] = []

    def generate(
        self, requests: Sequence[Request], settings: Generation
    ) -> Iterator[list[Generated]]:
        """Answers as they come, each by a request and a seed of its own.

        Answers are cut at the stop texts here too, for servers that leave them in or
        take only a few. A prompt that the server cannot take is not cut but refused.

        Raises:
            ServerError: requests failed; the other answers were given before.
        """

        async def answer(server: Server, request: Request) -> Generated:
            return await self._answer(server, request, settings)

        yield from self._stream(requests, answer)

    def replies(
        self, requests: Sequence[Request], settings: Generation
    ) -> Iterator[Sequence[Generated | Refused]]:
        """As `generate`, but a text that the server refuses does not stop the rest.

        Servers refuse texts that are too long, or that a filter dislikes.

        Raises:
            ServerError: as `generate`; also if every text is refused, for then it is
                hardly the texts.
        """

        async def reply(server: Server, request: Request) -> Generated | Refused:
            try:
                return await self._answer(server, request, settings)
            except ServerError as error:
                if error.final or error.status not in TOO_LONG:
                    raise
                return Refused(request.item.id, error)

        answered, refused = False, list[Refused]()
        for group in self._stream(requests, reply):
            given = [one for one in group if not isinstance(one, Refused)]
            refused += [one for one in group if isinstance(one, Refused)]
            answered = answered or bool(given)
            if not answered and len(refused) >= HOPELESS:
                break
            if given:
                yield given
        if refused and answered:
            yield refused
        elif refused:
            raise refused[0].error

    def loglikelihood(self, passages: Sequence[Passage]) -> Iterator[list[Scored]]:
        """Likelihoods of texts, where the server echoes texts with them.

        Where it does not, and for texts that it refuses or divides so that a token
        straddles prompt and text, nothing is scored and the reason given. A document
        is sent whole; its first token is left out where it has no probability.

        Raises:
            ServerError: requests failed; the other likelihoods were given before.
        """
        silent: list[Scored] = []
        jobs: dict[tuple[str, bool], list[Passage]] = {}
        for passage in passages:
            reason = self._why_not(passage)
            if reason is not None:
                silent.append(_unscored(passage, reason))
                self._silence.add(reason)
            else:
                # The texts after one prompt share the request for its tokens.
                key = (passage.item.id, passage.windows is None)
                jobs.setdefault(key, []).append(passage)
        if silent:
            yield silent
        for batch in self._stream(list(jobs.values()), self._score):
            yield [scored for some in batch for scored in some]

    @property
    def usage(self) -> Usage:
        """Requests, tokens and cost since loading, without the probe's few tokens."""
        remarks = [f"No likelihoods: {reason}." for reason in sorted(self._silence)]
        if self._first_unscored:
            remarks.append(UNSCORED_FIRST)
        if "seed" in self._refused:
            remarks.append(
                "The server takes no seed: its samples cannot be drawn again."
            )
        if len(self._states) > 1:
            states = ", ".join(sorted(self._states))
            remarks.append(
                f"The server's state changed meanwhile ({states}), so that the answers "
                "may not all be the same model's."
            )
        return replace(self._usage, remarks=tuple(remarks))

    def close(self) -> None:
        """Call off requests that are under way."""
        for stream in self._running:
            stream.close()  # type: ignore[attr-defined]

    def _stream(
        self,
        jobs: Sequence[Job],
        work: Callable[[Server, Job], Awaitable[Result]],
    ) -> Iterator[list[Result]]:
        stream = in_parallel(self._connect, jobs, work, workers=self.concurrency)
        self._running = [stream]
        yield from stream

    async def _answer(
        self, server: Server, request: Request, settings: Generation
    ) -> Generated:
        body = question(request, settings, chat=not self.abilities.completions)
        try:
            found = await server.ask(
                "completions" if "prompt" in body else "chat", body
            )
        except ServerError as error:
            raise _naming(request.item, error) from None
        self._count(found)
        return generated(request, found, settings)

    async def _score(self, server: Server, passages: list[Passage]) -> list[Scored]:
        """Likelihoods of documents, or of texts that follow one prompt."""
        before: Echo | None = None
        found = []
        for passage in passages:
            try:
                if passage.windows is not None:
                    found.append(await self._document(server, passage))
                    continue
                prompt = passage.item.prompt
                before = before or await self._echo(server, prompt)
                whole = await self._echo(server, prompt + passage.text)
                nll, tokens = score_continuation(before, whole, passage.text)
                known = (passage.item.id, passage.target, nll, tokens)
                found.append(Scored(*known))
            except Unscorable as reason:
                found.append(_unscored(passage, str(reason)))
        return found

    async def _document(self, server: Server, passage: Passage) -> Scored:
        whole = await self._echo(server, passage.text)
        nll, tokens, skipped = score_document(whole, passage.text)
        self._first_unscored |= bool(skipped)
        return Scored(
            item=passage.item.id,
            target=passage.target,
            nll=nll,
            tokens=tokens,
            policy="document at once" + ", without its first token" * bool(skipped),
            skipped=skipped,
        )

    async def _echo(self, server: Server, text: str) -> Echo:
        try:
            answer = await server.ask("completions", echo_question(text))
        except ServerError as error:
            if error.status in TOO_LONG:
                raise Unscorable(f"the server refuses the text: {error.said}") from None
            raise
        self._count(answer)
        return read_echo(answer, text)

    def _why_not(self, passage: Passage) -> str | None:
        if not self.abilities.echo:
            return NO_ECHO
        if passage.windows is not None:
            whole = passage.windows.size is None and passage.windows.stride is None
            return None if whole else NO_WINDOWS
        if passage.item.messages:
            return NO_CHAT_ECHO
        return None if passage.item.prompt else "the prompt is empty"

    def _count(self, answer: Answer) -> None:
        read, written = answer.prompt_tokens or 0, answer.new_tokens or 0
        cost = None if self._prices is None else self._prices.cost(read, written)
        self._usage += Usage(1, read, written, cost)
        self._states |= set(filter(None, [answer.fingerprint]))


def _unscored(passage: Passage, reason: str) -> Scored:
    return Scored(passage.item.id, passage.target, reason=reason)


def _naming(item: Item, error: ServerError) -> ServerError:
    """The error with the item's name, where it is the item's own."""
    if error.final or error.status not in TOO_LONG:
        return error
    return ServerError(
        f"Task '{item.task}', item '{item.key}': {error}",
        status=error.status,
        said=error.said,
    )
