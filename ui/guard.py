"""What every request passes first: host, origin, session, and a list of paths."""

from __future__ import annotations

import re
from functools import cache
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, Response

from harness.identity import content_hash
from harness.study.owners import is_owner_session
from harness.study.raters import Rater, rater_for_session
from ui.plain import plain_page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from harness.study import StudyFile
    from ui.site import Site

PAGE = "/ui"
"""Where the rating page is mounted."""
OWNER_PAGE = "/owner"
"""Where the page of the study's owner is mounted."""
REPORT = f"{OWNER_PAGE}/report"
"""Where the owner reads the report; it brings a stricter policy of its own."""
SAMPLES = f"{OWNER_PAGE}/samples"
"""Where the owner reads how outputs changed; likewise."""
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
MOST_BODY_BYTES = 200_000

# All that the browser asks Gradio for. Its other routes (upload, files, proxy,
# streams, queue, monitoring, API description) are shut.
GRADIO_PATHS = (
    r"/|/config|/theme\.css|/(assets|static|svelte)/[\w./-]+"
    r"|/gradio_api/(component_server/?|heartbeat/\w+|startup-events)"
)
OPEN_PATHS = {
    PAGE: re.compile(f"{PAGE}({GRADIO_PATHS})"),
    OWNER_PAGE: re.compile(
        f"{OWNER_PAGE}({GRADIO_PATHS}|/leave|/download/[\\w-]+|/report(/\\w+)?|/samples)"
    ),
}
CACHED_PATHS = re.compile(f"({PAGE}|{OWNER_PAGE})/(assets|static)/")

# Gradio would make addresses of its own from what a visitor says in these.
SAID_BY_PROXIES = re.compile(rb"forwarded|x-forwarded-.*|x-gradio-server|x-original-.*")

# Gradio compiles its templates in the browser, hence 'unsafe-eval'; no other origin
# can be reached from the page in any way.
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' "
        "data:; connect-src 'self'; form-action 'self'; base-uri 'self'; "
        "frame-ancestors 'none'; manifest-src 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}


class Guard:
    """ASGI middleware that lets through what the two pages need, nothing else."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        study: StudyFile,
        site: Site,
        simulated: Callable[[], bool],
    ) -> None:
        """`site` says by which names and under which prefix the page is called."""
        self.app = app
        self.study = study
        self.site = site
        self.simulated = simulated

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for the app where a request must not reach it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        path = self.site.inner(scope["path"])

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                _secure(MutableHeaders(scope=message), path)
            await send(message)

        headers = Headers(scope=scope)
        origin = self.site.origin(headers, scope["scheme"])
        # A page of another site that has its name point here must learn nothing.
        if origin is None:
            refusal: Response | None = Response("Unknown host", status_code=421)
        else:
            refusal = self._refusal(scope["method"], headers, path, origin)
            scope = _as_found(scope, path, self.site.prefix, origin)
        await (refusal or self.app)(scope, receive, send_safely)

    def _refusal(
        self, method: str, headers: Headers, path: str, origin: str
    ) -> Response | None:
        if method not in SAFE_METHODS:
            if not self.site.same_site(headers, origin):
                return Response("Cross-site requests are refused", status_code=403)
            if not _has_small_body(headers):
                return Response("Too large", status_code=413)
        for page in OPEN_PATHS:
            if path == page or path.startswith(page + "/"):
                return self._page_refusal(headers, path, page)
        return None

    def _page_refusal(self, headers: Headers, path: str, page: str) -> Response | None:
        if path != page and (".." in path or not OPEN_PATHS[page].fullmatch(path)):
            return Response("Not found", status_code=404)
        if self._may_see(headers, page):
            return None
        if path in {page, page + "/"}:
            return no_entry(simulated=self.simulated())
        return JSONResponse({"error": "signed out"}, status_code=401)

    def _may_see(self, headers: Headers, page: str) -> bool:
        if page == OWNER_PAGE:
            return is_owner(self.study, headers)
        return rater_of(self.study, headers) is not None


def no_entry(*, simulated: bool) -> HTMLResponse:
    """What somebody sees who has no session."""
    page = plain_page(
        "Please open your link",
        "This page is for people who were invited to rate texts. Open the link that "
        "was sent to you; it works as often as you like.",
        "No link? Ask the person who asked you to rate.",
        simulated=simulated,
    )
    return HTMLResponse(page, status_code=401)


def cookie_name(study: StudyFile) -> str:
    """A name of its own for each study: cookies do not tell ports apart."""
    return _cookie_name(study.path)


@cache
def _cookie_name(path: Path) -> str:
    # Following links of a path asks the disk, and every request wants the name.
    return f"tandem_{content_hash(str(path.resolve()))[:8]}"


def rater_of(study: StudyFile, headers: Mapping[str, str]) -> Rater | None:
    """Whose session the request's cookie holds; None if nobody's."""
    session = _cookie(headers, cookie_name(study))
    return None if session is None else rater_for_session(study, session)


def owner_cookie_name(study: StudyFile) -> str:
    """Another one than the raters' cookie has."""
    return f"owner_{cookie_name(study)}"


def is_owner(study: StudyFile, headers: Mapping[str, str]) -> bool:
    """Whether the request's cookie holds a session of the study's owner."""
    session = _cookie(headers, owner_cookie_name(study))
    return session is not None and is_owner_session(study, session)


def _cookie(headers: Mapping[str, str], name: str) -> str | None:
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return cookie.value if cookie else None


def _as_found(scope: Scope, path: str, prefix: str, origin: str) -> Scope:
    """The request as the browser made it, whatever proxies did to it on its way."""
    scheme, _, host = origin.partition("://")
    headers = [
        (name, value)
        for name, value in scope["headers"]
        if name != b"host" and not SAID_BY_PROXIES.fullmatch(name)
    ]
    whole = prefix + path
    return {
        **scope,
        "scheme": scheme,
        "path": whole,
        "raw_path": quote(whole).encode("ascii"),
        "root_path": prefix,
        "headers": [*headers, (b"host", host.encode("latin-1"))],
    }


def _has_small_body(headers: Headers) -> bool:
    length = headers.get("content-length", "")
    return length.isascii() and length.isdecimal() and int(length) <= MOST_BODY_BYTES


def _secure(headers: MutableHeaders, path: str) -> None:
    for name, value in SECURITY_HEADERS.items():
        if path in {REPORT, SAMPLES}:
            headers.setdefault(name, value)
        else:
            headers[name] = value
    if not CACHED_PATHS.match(path):
        headers["Cache-Control"] = "no-store"
