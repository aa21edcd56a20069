"""How the study's owner comes in, goes out and downloads."""

from __future__ import annotations

from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import (
    HTMLResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

from harness.errors import StudyError
from harness.exporting import archive
from harness.study.owners import (
    close_owner_session,
    is_owner_invite,
    open_owner_session,
)
from ui.doors import Doorkeeper, keep_session, too_many_attempts
from ui.guard import OWNER_PAGE, is_owner, owner_cookie_name
from ui.plain import owner_page, plain_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from harness.study import StudyFile
    from ui.site import Site

Kind = Literal["csv", "jsonl", "label-studio", "argilla"]
IN_MEMORY = 64 * 1024**2
"""Bytes of a download that are kept in memory; what is longer goes to the disk."""


@dataclass(frozen=True)
class OwnerDoor:
    """What the owner sees of their link, and how they get past it."""

    study: StudyFile
    """Where invites and sessions are."""
    keeper: Doorkeeper
    """Who decides."""
    site: Site
    """Where the browser is sent."""

    def refusal(self, request: Request, invite: str) -> Response | None:
        """Why the link does not count; None if it does."""
        if wait := self.keeper.wait(request):
            return too_many_attempts(wait)
        if is_owner_invite(self.study, invite):
            return None
        self.keeper.unknown(request)
        page = plain_page(
            "This link is not known",
            "Perhaps a part of it was lost in copying. The program that serves this "
            "page prints a new one whenever it starts.",
        )
        return HTMLResponse(page, status_code=404)

    def greet(self, problem: str = "") -> Response:
        """Whom the page is for, and a button to open it."""
        password = self.keeper.password is not None
        page = owner_page(password=password, problem=problem)
        return HTMLResponse(page, 403 if problem else 200)

    async def enter(self, request: Request) -> Response:
        """Open a session, if the password is right."""
        if not await self.keeper.admits(request):
            if wait := self.keeper.wait(request):
                return too_many_attempts(wait)
            return self.greet("This is not the password. Try again.")
        response = RedirectResponse(f"{self.site.prefix}{OWNER_PAGE}/", 303)
        name, session = owner_cookie_name(self.study), open_owner_session(self.study)
        keep_session(response, request, self.site, name, session)
        return response

    def leave(self, request: Request) -> Response:
        """Close the session."""
        name = owner_cookie_name(self.study)
        close_owner_session(self.study, request.cookies.get(name, ""))
        response = Response(status_code=204)
        response.delete_cookie(name, path=self.site.prefix or "/")
        return response

    def download(self, request: Request, kind: Kind) -> Response:
        """Every table and view, or ratings for another tool, as one ZIP file."""
        if not is_owner(self.study, request.headers):
            return Response("Signed out", status_code=401)
        file: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - streamed
        try:
            archive(self.study, file, kind=kind)
        except StudyError as error:
            file.close()
            return HTMLResponse(plain_page("Nothing to download", str(error)), 404)
        finally:
            # The thread may be gone before the next request.
            self.study.close()
        name = quote(f"{self.study.path.stem}-{kind}.zip")
        return StreamingResponse(
            _blocks(file),
            media_type="application/zip",
            headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
        )


def owner_doors(door: OwnerDoor) -> APIRouter:
    """The owner's link, the way out, and what they can download."""
    doors = APIRouter()

    @doors.get("/o/{invite}")
    async def welcome(request: Request, invite: str) -> Response:
        return door.refusal(request, invite) or door.greet()

    @doors.post("/o/{invite}")
    async def enter(request: Request, invite: str) -> Response:
        return door.refusal(request, invite) or await door.enter(request)

    @doors.post(f"{OWNER_PAGE}/leave")
    async def leave(request: Request) -> Response:
        return door.leave(request)

    @doors.get(f"{OWNER_PAGE}/download/{{kind}}")
    def download(request: Request, kind: Kind) -> Response:
        return door.download(request, kind)

    return doors


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    with file:
        while block := file.read(1024**2):
            yield block
