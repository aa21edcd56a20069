"""Models behind an OpenAI-compatible server: hosted fine-tunes, vLLM, ..."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from harness.backends.base import (
    Backend,
    Generated,
    Model,
    Place,
    Scored,
    Usage,
    backends,
)
from harness.backends.completions import echo_question, generated, question
from harness.backends.crew import HOPELESS, call, in_parallel
from harness.backends.echo import Echo, read_echo, score_reference
from harness.backends.hosted import HostedModel
from harness.backends.prices import Prices
from harness.backends.probe import probe
from harness.backends.retry import Patience
from harness.backends.server import connect
from harness.errors import ServerError, Unscorable
from harness.identity import content_hash

if TYPE_CHECKING:
    from collections.abc import (
        Awaitable,
        Callable,
        Iterator,
        Mapping,
        MutableMapping,
        Sequence,
    )

    from harness.backends.base import Request
    from harness.backends.completions import Answer
    from harness.backends.probe import Abilities
    from harness.backends.server import Server
    from harness.identity import FileStamp
    from harness.types import Generation, Item, Json

Job = TypeVar("Job")
Result = TypeVar("Result")

PROBE_TRIES = 3
"""A server that is not there at the start should not keep users waiting."""
TOO_LONG = frozenset({400, 413, 422})
"""How servers refuse one text where they take others."""
NO_ECHO = (
    "the server gives no log-probabilities of texts that it is given (completions "
    "with 'echo'), so perplexity is not available there"
)
NO_CHAT_ECHO = (
    "servers give no log-probabilities of given chat turns, so perplexity is not "
    "available for messages"
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A text that the server does not take."""

    item: str
    """Id of the item."""
    error: ServerError
    """What the server says of it."""


class OpenAIBackend(Backend):
    """Asks servers by the official client; `MODEL[@URL[#KEY_VARIABLE]]` names a model.

    The key is read from the environment variable that the name names, else, for
    OpenAI's own server and the one in OPENAI_BASE_URL, from OPENAI_API_KEY. It is
    neither stored nor printed.
    """

    name = "openai"

    def __init__(
        self,
        *,
        concurrency: int = 8,
        patience: Patience | None = None,
        prices: Prices | None = None,
    ) -> None:
        """Args say how servers are asked.

        Args:
            concurrency: requests under way at a time, 1 or more.
            patience: how often and for how long one request is tried.
            prices: what tokens cost; by default what OPENAI_PRICES says.
        """
        self.concurrency = concurrency
        self.patience = patience or Patience()
        self.prices = prices
        self._abilities: dict[str, Abilities] = {}

    def place(self, name: str) -> Place:
        """The model that the name means, in the series of its server.

        Raises:
            UsageError: the name holds no model, no proper URL, or a secret.
        """
        hosted = HostedModel.parse(name)
        return Place(hosted.location, hosted.model, hosted.host)

    def fingerprint(
        self,
        location: str,
        known: MutableMapping[FileStamp, str],  # noqa: ARG002 - there are no files
    ) -> str:
        """Hash of URL, model and the server's `system_fingerprint`, marked unverified.

        The server is asked for a token or two, so that a wrong key, model or URL is
        found before anything else is done. Whether the same name still means the same
        weights nobody can tell from outside.

        Raises:
            MissingPackage: the openai package is not installed.
            ServerError: it cannot be reached, or refuses the key or the model.
            UsageError: the key is missing.
        """
        hosted = HostedModel.parse(location)
        self._abilities[location] = self._probe(hosted)
        state = self._abilities[location].fingerprint
        return content_hash(self.name, hosted.url, hosted.model, state) + "-unverified"

    def identity(self, location: str) -> Mapping[str, Json]:
        """Backend, how plain prompts are sent, and whether likelihoods are given.

        A plain prompt goes to the legacy completions where the server has them for
        the model, else to the chat as one user's turn; messages always go to the chat.

        Raises:
            MissingPackage: the openai package is not installed.
            ServerError: as for `fingerprint`.
            UsageError: the key is missing.
        """
        able = self._able(location)
        return {
            "backend": self.name,
            "plain prompts": "completions" if able.completions else "chat",
            "likelihoods": "echo" if able.echo else "none",
        }

    def load(self, location: str) -> OpenAIModel:
        """The model, ready to be asked.

        Raises:
            MissingPackage: the openai package is not installed.
            ServerError: as for `fingerprint`.
            UsageError: the key is missing, or OPENAI_PRICES cannot be read.
        """
        return OpenAIModel(
            HostedModel.parse(location),
            self._able(location),
            concurrency=self.concurrency,
            patience=self.patience,
            prices=self.prices or Prices.from_environment(),
        )

    def _able(self, location: str) -> Abilities:
        if location not in self._abilities:
            self._abilities[location] = self._probe(HostedModel.parse(location))
        return self._abilities[location]

    def _probe(self, hosted: HostedModel) -> Abilities:
        tries = min(PROBE_TRIES, self.patience.tries)
        return call(
            partial(connect, hosted, replace(self.patience, tries=tries), set()), probe
        )


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

    def loglikelihood(self, items: Sequence[Item]) -> Iterator[list[Scored]]:
        """Likelihoods of first references, where the server echoes texts with them.

        Where it does not, and for texts that it refuses or divides so that a token
        straddles prompt and reference, nothing is scored and the reason given.

        Raises:
            ServerError: requests failed; the other likelihoods were given before.
        """
        reasons = {item.id: self._why_not(item) for item in items}
        silent = [
            Scored(id_, 0.0, 0, truncated=False, reason=reason)
            for id_, reason in reasons.items()
            if reason
        ]
        if silent:
            self._silence |= set(filter(None, reasons.values()))
            yield silent
        rest = [item for item in items if not reasons[item.id]]
        yield from self._stream(rest, self._score)

    @property
    def usage(self) -> Usage:
        """Requests, tokens and cost since loading, without the probe's few tokens."""
        remarks = [f"No likelihoods: {reason}." for reason in sorted(self._silence)]
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

    async def _score(self, server: Server, item: Item) -> Scored:
        try:
            before = await self._echo(server, item.prompt)
            whole = await self._echo(server, item.prompt + item.references[0])
            nll, tokens = score_reference(before, whole, item.references[0])
        except Unscorable as reason:
            return Scored(item.id, 0.0, 0, truncated=False, reason=str(reason))
        return Scored(item.id, nll, tokens, truncated=False)

    async def _echo(self, server: Server, text: str) -> Echo:
        try:
            answer = await server.ask("completions", echo_question(text))
        except ServerError as error:
            if error.status in TOO_LONG:
                raise Unscorable(f"the server refuses the text: {error.said}") from None
            raise
        self._count(answer)
        return read_echo(answer, text)

    def _why_not(self, item: Item) -> str | None:
        if item.messages:
            return NO_CHAT_ECHO
        if not self.abilities.echo:
            return NO_ECHO
        return None if item.prompt else "the prompt is empty"

    def _count(self, answer: Answer) -> None:
        read, written = answer.prompt_tokens or 0, answer.new_tokens or 0
        cost = None if self._prices is None else self._prices.cost(read, written)
        self._usage += Usage(1, read, written, cost)
        self._states |= set(filter(None, [answer.fingerprint]))


def _naming(item: Item, error: ServerError) -> ServerError:
    """The error with the item's name, where it is the item's own."""
    if error.final or error.status not in TOO_LONG:
        return error
    return ServerError(
        f"Task '{item.task}', item '{item.key}': {error}",
        status=error.status,
        said=error.said,
    )


backends.register(OpenAIBackend.name)(OpenAIBackend())
