"""How a hosted model is named: `MODEL@URL#KEY_VARIABLE`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from harness.errors import UsageError

DEFAULT_URL = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"
NAME = re.compile(r"(?P<model>.+?)(?:@(?P<url>https?://.*))?", re.IGNORECASE)
VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class HostedModel:
    """A model behind an OpenAI-compatible server."""

    model: str
    """As the server calls it."""
    url: str
    """Where the API begins, without a slash at the end; as a rule it ends in `/v1`."""
    key_variable: str | None = None
    """The environment variable that a user named for the key."""

    @classmethod
    def parse(cls, name: str) -> HostedModel:
        """The model that `MODEL[@URL[#KEY_VARIABLE]]` means.

        Without a URL it is what OPENAI_BASE_URL says, else OpenAI's own.

        Raises:
            UsageError: the name holds no model, no proper URL, or a secret.
        """
        match = NAME.fullmatch(name)
        if match is None:
            raise UsageError("Name the model, as in openai:gpt-4o-mini.")
        model = match["model"]
        if match["url"] is None and "@" in model:
            # Else a URL without its scheme would send the prompts to OpenAI.
            raise UsageError(
                f"'{model}': what follows '@' must begin with http:// or https://, "
                "as in openai:my-model@http://127.0.0.1:8000/v1."
            )
        url = match["url"] or os.environ.get(URL_VARIABLE) or DEFAULT_URL
        return cls(model, *_divide(url))

    @property
    def location(self) -> str:
        """The whole name, the URL always in it."""
        return f"{self.model}@{self.url}" + (
            f"#{self.key_variable}" if self.key_variable else ""
        )

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc

    @property
    def is_loopback(self) -> bool:
        """Whether the server runs on this machine."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def key(self) -> str | None:
        """The secret that the server wants; None where none is known.

        OPENAI_API_KEY goes to OpenAI and to the server that OPENAI_BASE_URL names,
        to no other unless the user names it.

        Raises:
            UsageError: the variable is empty, or holds what cannot be sent.
        """
        variable = self.key_variable or (KEY_VARIABLE if self._is_home else None)
        if variable is None:
            return None
        key = os.environ.get(variable, "").strip()
        if not key and (self.key_variable or self.url == DEFAULT_URL):
            raise UsageError(f"{self.url} wants a key: set the variable {variable}.")
        if not (key.isascii() and key.isprintable()):
            raise UsageError(f"The variable {variable} holds signs that no key has.")
        return key or None

    @property
    def _is_home(self) -> bool:
        named = os.environ.get(URL_VARIABLE)
        return self.url in {DEFAULT_URL, _divide(named)[0] if named else None}


def _divide(url: str) -> tuple[str, str | None]:
    """The URL in one spelling, and the variable after `#`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"The server's URL cannot be read: {error}.") from None
    _refuse_secrets(parts)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(
            "A server's URL must read http://HOST/... or https://HOST/..., "
            f"but it is '{url}'."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = f"{host}:{port}" if port else host
    return f"{parts.scheme}://{place}{parts.path.rstrip('/')}", parts.fragment or None


def _refuse_secrets(parts: SplitResult) -> None:
    """Keep from the study file, and from the screen, what may be a key."""
    if parts.username is not None or parts.password is not None or parts.query:
        raise UsageError(
            "A server's URL must hold neither a user name nor '?...': it is stored "
            "in the study. Put the key into an environment variable and name that "
            "after '#', as in openai:MODEL@https://HOST/v1#MY_KEY."
        )
    if parts.fragment and not VARIABLE.fullmatch(parts.fragment):
        raise UsageError(
            "What follows '#' must be the name of an environment variable in capital "
            "letters, never the key itself, as in openai:MODEL@https://HOST/v1#MY_KEY."
        )
