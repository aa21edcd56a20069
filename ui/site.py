"""Where browsers find the page: which hosts, under which origin and prefix."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

LOOPBACK_NAMES = frozenset(("127.0.0.1", "localhost", "::1"))
OURS = frozenset(
    ("ui", "i", "o", "owner", "session", "leave", "healthz", "favicon.ico")
)
"""First parts of our own paths: a prefix like one of them could not be told apart."""


@dataclass(frozen=True, slots=True)
class Site:
    """The addresses of the page, one on this machine and perhaps a public one.

    Of the headers in which proxies say what they were asked for, two are believed, and
    only so far: X-Forwarded-Host may say that a request came for the public address,
    for proxies that do not pass on Host; any other value is as if it were not there.
    X-Forwarded-For counts, for throttling alone, if a public address or a prefix is
    set and the proxy runs on this machine (uvicorn's variable FORWARDED_ALLOW_IPS names
    others); the proxy must set it rather than pass on what the client sent. Whether it
    was https, and under which prefix, is never taken from a request.
    """

    names: frozenset[str] = LOOPBACK_NAMES
    """Host names, lower case, of this machine; of others there is only the public."""
    any_number: bool = False
    """Whether every IP address is fine as a host, as when listening at all of them; a
    page of another site that has its name point here never comes with one."""
    public: str = ""
    """Origin of the public address, as `https://rate.example.org`; empty if none."""
    prefix: str = ""
    """What stands before every path in the browser, as `/study`; may be empty."""

    @property
    def behind_proxy(self) -> bool:
        """Whether requests come from a proxy that may speak for others."""
        return bool(self.public or self.prefix)

    def inner(self, path: str) -> str:
        """The path without the prefix; proxies may have stripped it, or not."""
        if self.prefix and (path + "/").startswith(self.prefix + "/"):
            return path.removeprefix(self.prefix) or "/"
        return path

    def origin(self, headers: Mapping[str, str], scheme: str) -> str | None:
        """Scheme and host at which the browser found us; None for a strange host."""
        host = headers.get("host", "").lower()
        forwarded = headers.get("x-forwarded-host", "").partition(",")[0].strip()
        if self._is_public(host) or self._is_public(forwarded.lower()):
            return self.public
        return f"{scheme}://{host}" if self._is_ours(host) else None

    def same_site(self, headers: Mapping[str, str], origin: str) -> bool:
        """Whether a request that changes something comes from a page of ours.

        Args:
            headers: of the request.
            origin: at which the browser found us, by `origin`.
        """
        claimed = headers.get("origin")
        if claimed is None:
            # Not a browser, or one that says it otherwise.
            return headers.get("sec-fetch-site") in {None, "same-origin", "none"}
        if self.public and claimed == self.public:
            return True
        # A proxy on this machine, say of an editor, may have made it https.
        local = origin != self.public
        return local and claimed.partition("://")[2] == origin.partition("://")[2]

    def is_secure(self, headers: Mapping[str, str], origin: str) -> bool:
        """Whether cookies may go over https alone: always, but through a tunnel."""
        return headers.get("origin", self.public or origin).startswith("https:")

    def _is_public(self, host: str) -> bool:
        public = urlsplit(self.public)
        if not public.hostname or not host:
            return False
        # Some proxies drop the port. A public address may also be on this machine.
        alone = public.hostname not in self.names
        return host == public.netloc or (alone and _name_of(host) == public.hostname)

    def _is_ours(self, host: str) -> bool:
        name = _name_of(host)
        if name is None:
            return False
        return name in self.names or (self.any_number and _number(name) is not None)


def site(host: str, public_url: str = "", root_path: str | None = None) -> Site:
    """The site of a server.

    Args:
        host: address that it listens at.
        public_url: of the proxy or tunnel in front of it; empty if there is none.
        root_path: what stands before every path; None for the path of `public_url`.

    Raises:
        UsageError: the address is no web address, the prefix is no path or begins
            like a path of our own, or the two contradict each other.
    """
    public, path = _public(public_url) if public_url else ("", "")
    prefix = path if root_path is None else _prefix(root_path)
    if public and path not in {"", prefix}:
        raise UsageError(
            f"--root-path {root_path} is not the path of --public-url {public_url}. "
            "Leave --root-path out."
        )
    if prefix and prefix.split("/")[1] in OURS:
        raise UsageError(
            f"The prefix {prefix} begins like a path of the rating page itself. "
            "Choose another one, as /study."
        )
    number = _number(host)
    everywhere = number is not None and number.is_unspecified
    names = {*LOOPBACK_NAMES, socket.gethostname() if everywhere else host}
    return Site(
        names=frozenset(name.lower() for name in names),
        any_number=everywhere,
        public=public,
        prefix=prefix,
    )


def root(served: Site, host: str, port: int) -> str:
    """What links begin with, without a slash at the end."""
    if served.public:
        return served.public + served.prefix
    number = _number(host)
    if number is not None and number.is_unspecified:
        host = socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{served.prefix}"


def is_local(host: str) -> bool:
    """Whether other machines cannot reach this address."""
    number = _number(host)
    return host == "localhost" or (number is not None and number.is_loopback)


def _public(url: str) -> tuple[str, str]:
    """Origin and path of a web address."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - it raises where the port is no number
    except ValueError:
        parts = urlsplit("")
    odd = parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in {"http", "https"} or not parts.hostname or odd:
        raise UsageError(
            f"--public-url {url} is no web address. It must be as "
            "https://rate.example.org or https://example.org/study."
        )
    # As browsers write an origin.
    usual = {"http": ":80", "https": ":443"}[parts.scheme]
    netloc = parts.netloc.lower().removesuffix(usual)
    return f"{parts.scheme}://{netloc}", _prefix(parts.path)


def _prefix(path: str) -> str:
    prefix = "/" + path.strip("/")
    plain = prefix.replace("/", "").replace("-", "").replace("_", "").replace(".", "")
    if prefix == "/":
        return ""
    if not (plain.isascii() and plain.isalnum()) or "//" in prefix or ".." in prefix:
        raise UsageError(
            f"{path} cannot stand before the paths of the rating page. Name one of "
            "letters, digits, '-', '_' and '.', as /study."
        )
    return prefix


def _number(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _name_of(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
