"""HTTP as cheap as Python has it, so that load comes from the raters, not from us."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

MOST_SECONDS = 120
"""For one reply; a server that takes longer fails the run."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered."""

    status: int
    """HTTP status."""
    body: bytes
    """Without its encoding by chunks."""
    location: str = ""
    """Where it redirects to."""

    def json(self) -> Any:
        """The body read."""
        return json.loads(self.body)


@dataclass(slots=True)
class Wire:
    """One visitor: a connection that is kept open, and cookies."""

    port: int
    """On 127.0.0.1."""
    cookies: dict[str, str] = field(default_factory=dict)
    """Name to value, sent with every request."""
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def root(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    async def get(self, path: str) -> Reply:
        """A page."""
        return await self.ask("GET", path)

    async def post(self, path: str, message: Any) -> Reply:
        """A call with JSON."""
        body = json.dumps(message).encode()
        return await self.ask("POST", path, "application/json", body)

    async def ask(
        self, method: str, path: str, kind: str = "", body: bytes = b""
    ) -> Reply:
        """One request, over the open connection, or a new one where it was closed."""
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            f"Origin: {self.root}",
            f"Referer: {self.root}/",
            f"Content-Length: {len(body)}",
        ]
        if kind:
            lines.append(f"Content-Type: {kind}")
        if self.cookies:
            pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            lines.append(f"Cookie: {pairs}")
        if "csrftoken" in self.cookies:
            lines.append(f"X-CSRFToken: {self.cookies['csrftoken']}")
        request = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        async with asyncio.timeout(MOST_SECONDS):
            return await self._exchange(request)

    async def _exchange(self, request: bytes) -> Reply:
        used = self.streams is not None
        try:
            return await self._over_what_is_open(request)
        except (EOFError, ConnectionError):
            # As browsers do: the server may close what was idle at any moment.
            if not used:
                raise
            self.close()
            return await self._over_what_is_open(request)

    async def _over_what_is_open(self, request: bytes) -> Reply:
        if self.streams is not None and self.streams[0].at_eof():
            self.close()
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *lines = head.rstrip().split("\r\n")
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            if name.lower() == "set-cookie":
                key, _, content = value.partition(";")[0].partition("=")
                self.cookies[key.strip()] = content
            headers[name.lower()] = value.strip()
        body = await _body(reader, headers)
        version, code = status.split(" ")[:2]
        if version == "HTTP/1.0" or headers.get("connection", "").lower() == "close":
            self.close()
        return Reply(int(code), body, headers.get("location", ""))

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding") == "chunked":
        parts = []
        while size := int(await reader.readline(), 16):
            parts.append(await reader.readexactly(size))
            await reader.readline()
        await reader.readline()
        return b"".join(parts)
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    if headers.get("connection", "").lower() == "close":
        return await reader.read()
    return b""
