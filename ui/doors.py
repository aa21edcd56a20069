"""How raters come in and go out: invite links, the study's password, sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request  # noqa: TC002 - FastAPI reads annotations
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from harness.desk import any_simulated
from harness.rate import last_answered
from harness.study.raters import (
    Rater,
    close_session,
    open_session,
    rater_for_invite,
)
from ui.guard import PAGE, cookie_name
from ui.keeper import WRONG, Cookie, Doorkeeper, too_many_attempts
from ui.plain import plain_page, welcome_page

if TYPE_CHECKING:
    from harness.campaign import Campaign
    from harness.study import StudyFile
    from ui.site import Site


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
            return self.greet(rater, WRONG)
        response = to_page(self.site)
        self._cookie.keep(response, request, open_session(self.study, rater))
        return response

    def leave(self, request: Request) -> Response:
        """Close the session."""
        close_session(self.study, request.cookies.get(self._cookie.name, ""))
        response = Response(status_code=204)
        self._cookie.drop(response)
        return response

    @property
    def _cookie(self) -> Cookie:
        return Cookie(cookie_name(self.study), self.site)

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
