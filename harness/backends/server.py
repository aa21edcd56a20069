"""An OpenAI-compatible server, asked until it answers or it is clear it will not."""

from __future__ import annotations

import re
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.backends.completions import read_answer
from harness.backends.hosted import KEY_VARIABLE
from harness.backends.retry import retry_after
from harness.errors import MissingPackage, ServerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from openai import APIConnectionError, APIStatusError, AsyncOpenAI

    from harness.backends.completions import Answer, Body, Endpoint
    from harness.backends.hosted import HostedModel
    from harness.backends.retry import Patience

CONNECT_SECONDS = 10.0
QUOTED = 300
"""Characters of a server's words that a message repeats."""
PASSING = frozenset({408, 425, 429, *range(500, 600)} - {501, 505})
"""Statuses that a later try may not meet."""
FINAL = frozenset({*range(300, 400), 401, 402, 403, 404})
"""Statuses that every other request would meet as well."""
SPENT = "insufficient_quota"
"""OpenAI's code, with status 429, for an account without money."""

NOT_FOUND = (
    "Check the model's name, and the URL: it must end where the API begins, as a rule "
    "in /v1."
)

OTHER_NAMES: dict[str, str | None] = {
    "max_tokens": "max_completion_tokens",
    "seed": None,
}
"""Settings that some servers refuse, and what to send instead, if anything."""
UNKNOWN = re.compile(
    r"unsupported|not supported|unrecogni[sz]ed|unexpected|unknown|not permitted"
    r"|extra_forbidden",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Setback:
    """Why a try came to nothing though the next may not."""

    what: str
    wanted_wait: float = 0.0
    status: int | None = None


@dataclass(eq=False)
class Server:
    """A connection to the server of one model, for one event loop."""

    hosted: HostedModel
    patience: Patience
    client: AsyncOpenAI
    key: str | None
    refused: set[str]
    """Names of settings that the server has refused; shared between connections."""
    _not_before: float = 0.0
    _random: np.random.Generator = field(default_factory=np.random.default_rng)

    async def ask(self, endpoint: Endpoint, body: Body) -> Answer:
        """The server's answer to a request.

        A setting that the server does not know is left out, or sent under its other
        name, from then on.

        Raises:
            ServerError: it refuses the request, or gives no answer for too long.
        """
        sent, unknown = _renamed(body, self.refused), set[str]()
        while True:
            try:
                answer = await self._insist(endpoint, sent)
            except ServerError as error:
                name = _unknown_setting(error, sent)
                if name is None:
                    raise
                unknown.add(name)
                sent = _renamed(sent, {name})
            else:
                self.refused |= unknown
                return answer

    async def _insist(self, endpoint: Endpoint, body: Body) -> Answer:
        from anyio import sleep

        failures = 0
        while True:
            # A server that asked one request to wait would refuse the others too.
            hold = self._not_before - time.monotonic()
            if hold > 0:
                await sleep(hold + self.patience.wait(1, self._random.random()))
            outcome = await self._ask_once(endpoint, body)
            if not isinstance(outcome, _Setback):
                return outcome
            failures += 1
            wanted = outcome.wanted_wait
            if failures >= self.patience.tries or wanted > self.patience.longest_wait:
                raise self._given_up(outcome, failures)
            if wanted:
                self._not_before = max(self._not_before, time.monotonic() + wanted)
            else:
                await sleep(self.patience.wait(failures, self._random.random()))

    async def _ask_once(self, endpoint: Endpoint, body: Body) -> Answer | _Setback:
        from anyio import fail_after
        from openai import APIConnectionError, APIStatusError, APITimeoutError

        seconds = self.patience.timeout
        resource: Any = (
            self.client.chat.completions
            if endpoint == "chat"
            else self.client.completions
        )
        try:
            # The client's own limit is on single reads; a trickle would pass it.
            with fail_after(seconds):
                response = await resource.with_raw_response.create(
                    model=self.hosted.model, **body
                )
        except (TimeoutError, APITimeoutError):
            return _Setback(f"no answer within {seconds:g} seconds")
        except APIConnectionError as error:
            return _Setback(self._quote(_cause(error)))
        except APIStatusError as error:
            return self._refused(error)
        text = response.http_response.text
        most = body.get("max_tokens") or body["max_completion_tokens"]
        answer = read_answer(text, endpoint, most)
        if answer is None:
            return _Setback(f"what it sends is no answer: {self._quote(text)}")
        return answer

    def _refused(self, error: APIStatusError) -> _Setback:
        status, said = error.status_code, self._quote(_words(error.body))
        spent = error.code == SPENT
        if status in PASSING and not spent:
            wanted = retry_after(error.response.headers)
            return _Setback(f"status {status}: {said}", wanted, status)
        raise ServerError(
            f"{self.hosted.url} refuses '{self.hosted.model}' (status {status}: "
            f"{said}). {self._advice(status, error)}".strip(),
            status=status,
            said=said,
            final=spent or status in FINAL,
        )

    def _advice(self, status: int, error: APIStatusError) -> str:
        if location := error.response.headers.get("location"):
            return f"It points to {self._quote(location)}; name that if you trust it."
        if status in {401, 403} and self.key is None:
            return (
                "Put its key into an environment variable and name that after '#', "
                "as in openai:MODEL@URL#MY_KEY."
            )
        if status in {401, 403}:
            variable = self.hosted.key_variable or KEY_VARIABLE
            return f"Check the key in the variable {variable}."
        return NOT_FOUND if status in {404, 405} else ""

    def _given_up(self, last: _Setback, tries: int) -> ServerError:
        if last.wanted_wait > self.patience.longest_wait:
            why = f"it asks to wait {last.wanted_wait:.0f} seconds"
        else:
            why = f"tried {tries} times" if tries > 1 else "tried once"
        return ServerError(
            f"{self.hosted.url} gives no answer ({why}; {last.what}). Check that the "
            "server runs and is not overloaded, then run the same command again.",
            status=last.status,
        )

    def _quote(self, text: str) -> str:
        """A server's words, safe to print: no key, no control signs, not too long."""
        if self.key:
            text = text.replace(self.key, "***")
        seen = "".join(one if one.isprintable() else " " for one in text)
        return seen if len(seen) <= QUOTED else seen[:QUOTED] + "..."


@asynccontextmanager
async def connect(
    hosted: HostedModel, patience: Patience, refused: set[str]
) -> AsyncIterator[Server]:
    """A connection that is closed in the end; nothing is sent yet.

    Raises:
        MissingPackage: the openai package is not installed.
        UsageError: the key is missing.
    """
    try:
        import openai
    except ImportError:
        raise MissingPackage("Asking a hosted model", "openai") from None
    key = hosted.key()
    seconds = patience.timeout
    # A redirect or a proxy must not carry prompts where the user did not send them.
    http = openai.DefaultAsyncHttpxClient(
        follow_redirects=False, trust_env=not hosted.is_loopback
    )
    client = openai.AsyncOpenAI(
        # The client insists on a key; servers without one ignore it.
        api_key=key or "none",
        base_url=hosted.url,
        max_retries=0,
        timeout=openai.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
        http_client=http,
    )
    async with client:
        yield Server(hosted, patience, client, key, refused)


def _renamed(body: Body, refused: set[str]) -> Body:
    names = {name: name for name in body} | {
        name: OTHER_NAMES[name] for name in refused
    }
    return {name: body[old] for old in body if (name := names[old]) is not None}


def _unknown_setting(error: ServerError, body: Body) -> str | None:
    """The setting for whose name a request was refused, if it can do without."""
    if error.status not in {400, 422} or not UNKNOWN.search(error.said):
        return None
    named = (one for one in OTHER_NAMES if re.search(rf"\b{one}\b", error.said))
    return next((one for one in named if one in body), None)


def _words(body: object) -> str:
    """What a server says in an error's body, in any of the usual forms."""
    if isinstance(body, dict):
        for key in ("message", "detail", "error"):
            if body.get(key):
                return _words(body[key])
    return str(body or "it does not say why")


def _cause(error: APIConnectionError) -> str:
    cause = error.__cause__ or error
    return f"{str(cause) or type(cause).__name__}"
