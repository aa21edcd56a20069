"""How raters come in and go out: invite links, the study's password, sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from fastapi import FastAPI, Request  # noqa: TC002 - FastAPI reads annotations
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from harness.desk import any_simulated
from harness.rate import last_answered
from harness.study.raters import (
    SESSION_LENGTH,
    Rater,
    close_session,
    open_session,
    rater_for_invite,
)
from ui.guard import PAGE, cookie_name
from ui.plain import plain_page, welcome_page
from ui.throttle import Throttle

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from harness.campaign import Campaign
    from harness.study import StudyFile
    from ui.password import Password
    from ui.site import Site


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


@dataclass(frozen=True)
class RatersDoor:
    """What raters see of an invite, and how they get past it."""

    study: StudyFile
    """Where invites and sessions are."""
    campaigns: tuple[Campaign, ...]
    """What is rated."""
    keeper: Doorkeeper
    """Who decides."""
    site: Site
    """Where the browser is sent."""

    def guest(self, request: Request, invite: str) -> Rater | Response:
        """Whom the invite is for, or why that is not said."""
        if wait := self.keeper.wait(request):
            return too_many_attempts(wait)
        rater = rater_for_invite(self.study, invite)
        if rater is None:
            self.keeper.unknown(request)
            return self._unknown_link()
        return rater

    def greet(self, rater: Rater, problem: str = "") -> Response:
        """What to expect, and a button to start."""
        page = welcome_page(
            rater=rater.name,
            begun=last_answered(self.study, self.campaigns, rater) is not None,
            simulated=any_simulated(self.study, self.campaigns),
            password=self.keeper.password is not None,
            problem=problem,
        )
        return HTMLResponse(page, 403 if problem else 200)

    async def enter(self, request: Request, rater: Rater) -> Response:
        """Open a session, if the password is right."""
        if not await self.keeper.admits(request):
            if wait := self.keeper.wait(request):
                return too_many_attempts(wait)
            return self.greet(rater, "This is not the password. Try again.")
        response = to_page(self.site)
        session = open_session(self.study, rater)
        keep_session(response, request, self.site, cookie_name(self.study), session)
        return response

    def leave(self, request: Request) -> Response:
        """Close the session."""
        name = cookie_name(self.study)
        close_session(self.study, request.cookies.get(name, ""))
        response = Response(status_code=204)
        response.delete_cookie(name, path=self.site.prefix or "/")
        return response

    def _unknown_link(self) -> HTMLResponse:
        page = plain_page(
            "This link is not known",
            "Perhaps a part of it was lost in copying. Ask the person who sent it for "
            "a new one.",
            simulated=any_simulated(self.study, self.campaigns),
        )
        return HTMLResponse(page, status_code=404)


def add_doors(app: FastAPI, door: RatersDoor) -> None:
    """How raters come in and go out."""

    @app.get("/i/{invite}")
    async def welcome(request: Request, invite: str) -> Response:
        rater = door.guest(request, invite)
        return door.greet(rater) if isinstance(rater, Rater) else rater

    @app.post("/i/{invite}")
    async def enter(request: Request, invite: str) -> Response:
        rater = door.guest(request, invite)
        return await door.enter(request, rater) if isinstance(rater, Rater) else rater

    @app.post("/leave")
    async def leave(request: Request) -> Response:
        return door.leave(request)


def to_page(site: Site) -> Response:
    """Sends the browser to the rating page."""
    return RedirectResponse(f"{site.prefix}{PAGE}/", 303)


def keep_session(
    response: Response, request: Request, site: Site, name: str, session: str
) -> None:
    """Give the browser a session's secret to keep."""
    # The form is on a page of ours, so that even a strict cookie goes with the
    # redirect, which it would not if the link itself, in a mail, had led here.
    response.set_cookie(
        name,
        session,
        max_age=int(SESSION_LENGTH.total_seconds()),
        path=site.prefix or "/",
        httponly=True,
        samesite="strict",
        secure=site.is_secure(request.headers, str(request.base_url)),
    )


def too_many_attempts(wait: int) -> HTMLResponse:
    """What a client sees that must wait some seconds before it may try again."""
    page = plain_page(
        "Too many attempts",
        f"Wait {wait} second{'s' if wait > 1 else ''}, then load this page again.",
    )
    return HTMLResponse(page, 429, {"Retry-After": str(wait)})


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
