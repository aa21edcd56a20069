"""A reverse proxy as nginx, Caddy and Apache are: a prefix leads to a server."""

from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

HOP_BY_HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"content-length"}
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]


def reverse_proxy(upstream, prefix, *, strips, keeps_host, outside):
    """The proxy as an ASGI app.

    `strips` tells whether the server gets paths without the prefix. A proxy that does
    not keep the host says it in X-Forwarded-Host. `outside` collects the paths that
    were asked for without the prefix.
    """
    # Its certificates are not needed, and take a while to load.
    client = httpx.AsyncClient(base_url=upstream, timeout=30, verify=False)  # noqa: S501

    async def forward(request):
        path = request.url.path
        if not (path + "/").startswith(prefix + "/"):
            outside.append(path)
            return Response("This is another app's place", 404)
        inner = path.removeprefix(prefix) or "/"
        sent = client.build_request(
            request.method,
            httpx.URL(inner if strips else path, query=request.url.query.encode()),
            headers=_headers(request, keeps_host=keeps_host),
            content=await request.body(),
        )
        answer = await client.send(sent, stream=True)
        passed_on = StreamingResponse(_body(answer), answer.status_code)
        passed_on.raw_headers = [
            (name.lower(), value)
            for name, value in answer.headers.raw
            if name.lower() not in HOP_BY_HOP
        ]
        return passed_on

    @asynccontextmanager
    async def closing(_app):
        yield
        await client.aclose()

    route = Route("/{path:path}", forward, methods=METHODS)
    return Starlette(routes=[route], lifespan=closing)


def _headers(request, *, keeps_host):
    kept = [
        (name, value)
        for name, value in request.headers.raw
        if name not in HOP_BY_HOP and name != b"host"
    ]
    host = request.headers["host"].encode()
    kept.append((b"host" if keeps_host else b"x-forwarded-host", host))
    kept.append((b"x-forwarded-proto", request.url.scheme.encode()))
    return [*kept, (b"x-forwarded-for", request.client.host.encode())]


async def _body(answer):
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()
