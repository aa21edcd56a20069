"""Who is let in by an invite: the study's password, failures, and the cookie."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from fastapi.responses import HTMLResponse, Response
from starlette.concurrency import run_in_threadpool

from harness.study.raters import SESSION_LENGTH
from ui.plain import plain_page
from ui.throttle import Throttle

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from fastapi import Request

    from ui.password import Password
    from ui.site import Site

WRONG = "This is not the password. Try again."


@dataclass(frozen=True)
class Doorkeeper:
    """Lets in who has an invite, and the password where there is one."""

    password: Password | None = None
    """What every invite asks for; None if invites are enough."""
    throttle: Throttle = field(default_factory=Throttle)
    """Who must wait after failures."""
    # One at a time: each comparison takes 16 MiB, and who must wait is known only
    # after the ones before.
    turn: AbstractContextManager[bool] = field(default_factory=Lock)

    def wait(self, request: Request) -> int:
        """Seconds until this client may try again; 0 if it may now."""
        return self.throttle.wait(_address(request))

    def unknown(self, request: Request) -> None:
        """Note that this client came with an invite that is nobody's."""
        self.throttle.failed(_address(request))

    async def admits(self, request: Request) -> bool:
        """Whether the form that was sent holds the password, where there is one."""
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        return await run_in_threadpool(
            self._compare, _address(request), form.get("password", [""])[0]
        )

    def _compare(self, address: str, given: str) -> bool:
        with self.turn:
            if self.throttle.wait(address):
                return False
            right = self.password is None or self.password.matches(given)
            (self.throttle.passed if right else self.throttle.failed)(address)
            return right


@dataclass(frozen=True, slots=True)
class Cookie:
    """Where a browser keeps a session's secret."""

    name: str
    """Of the study and of a role."""
    site: Site
    """Where the browser found us."""
    path: str = ""
    """The part of the site that gets to see it; all of it if empty."""

    def keep(self, response: Response, request: Request, session: str) -> None:
        """Have the browser keep a session's secret."""
        # The form is on a page of ours, so that even a strict cookie goes with the
        # redirect, which it would not if the link itself, in a mail, had led here.
        response.set_cookie(
            self.name,
            session,
            max_age=int(SESSION_LENGTH.total_seconds()),
            path=self._path,
            httponly=True,
            samesite="strict",
            secure=self.site.is_secure(request.headers, str(request.base_url)),
        )

    def drop(self, response: Response) -> None:
        """Have the browser forget it."""
        response.delete_cookie(self.name, path=self._path)

    @property
    def _path(self) -> str:
        return f"{self.site.prefix}{self.path}" or "/"


def too_many_attempts(wait: int) -> HTMLResponse:
    """What a client sees that must wait some seconds before it may try again."""
    page = plain_page(
        "Too many attempts",
        f"Wait {wait} second{'s' if wait > 1 else ''}, then load this page again.",
    )
    return HTMLResponse(page, 429, {"Retry-After": str(wait)})


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
