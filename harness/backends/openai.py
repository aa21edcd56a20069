"""Models behind an OpenAI-compatible server: hosted fine-tunes, vLLM, ..."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from harness.backends.base import (
    Backend,
    Place,
    backends,
)
from harness.backends.crew import call
from harness.backends.hosted import HostedModel
from harness.backends.openai_model import OpenAIModel
from harness.backends.prices import Prices
from harness.backends.probe import probe
from harness.backends.retry import Patience
from harness.backends.server import connect
from harness.identity import content_hash

if TYPE_CHECKING:
    from collections.abc import (
        Mapping,
        MutableMapping,
    )

    from harness.backends.probe import Abilities
    from harness.identity import FileStamp
    from harness.types import Json

PROBE_TRIES = 3
"""A server that is not there at the start should not keep users waiting."""


class OpenAIBackend(Backend):
    """Asks servers by the official client; `MODEL[@URL[#KEY_VARIABLE]]` names a model.

    The key is read from the environment variable that the name names, else, for
    OpenAI's own server and the one in OPENAI_BASE_URL, from OPENAI_API_KEY. It is
    neither stored nor printed.
    """

    name = "openai"
    is_remote = True

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


backends.register(OpenAIBackend.name)(OpenAIBackend())
