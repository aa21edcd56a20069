"""How the study's owner comes in, goes out and downloads."""

from __future__ import annotations

from contextlib import closing
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
from ui.guard import OWNER_PAGE, REPORT, SAMPLES, is_owner, owner_cookie_name
from ui.keeper import WRONG, Cookie, Doorkeeper, too_many_attempts
from ui.plain import plain_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from harness.study import StudyFile
    from ui.reports import Reports
    from ui.site import Site

Kind = Literal["csv", "jsonl", "label-studio", "argilla"]
IN_MEMORY = 64 * 1024**2
"""Bytes of a download that are kept in memory; what is longer goes to the disk."""
ENDINGS = {"heds": "heds.md"}
"""How files of a form end whose name would tell no program what it is."""
LOOK_AGAIN = "2"
"""Seconds after which the browser asks again for a report that is being made."""

# The page says itself by their hashes which scripts it runs. In a sandbox it is of no
# origin: even a script that came in with an output could ask the server for nothing.
REPORT_HEADERS = {
    "Content-Security-Policy": (
        "sandbox allow-scripts allow-modals; default-src 'none'; "
        "script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    # Browsers refuse a sandboxed page that also wants a group of its own.
    "Cross-Origin-Opener-Policy": "unsafe-none",
}
FORMS = {
    "html": "text/html; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
}
"""Media type of each form of the report."""


@dataclass(frozen=True)
class OwnersDoor:
    """What the study's owner sees of an invite, and how they get past it."""

    study: StudyFile
    """Where invites and sessions are."""
    keeper: Doorkeeper
    """Who decides."""
    site: Site
    """Where the browser is sent."""
    reports: Reports
    """What the owner reads."""

    def refusal(self, request: Request, invite: str) -> Response | None:
        """Why the invite is not looked at, or not known; None if it is fine."""
        if wait := self.keeper.wait(request):
            return too_many_attempts(wait)
        if is_owner_invite(self.study, invite):
            return None
        self.keeper.unknown(request)
        return _unknown_link()

    def greet(self, problem: str = "") -> Response:
        """What the page is, and a button that opens it."""
        page = plain_page(
            "Your study",
            "The next page is for you alone. It names checkpoints and shows how "
            "they are rated: do not share this link with raters, and do not rate "
            "yourself after reading it.",
            button="Open",
            password=self.keeper.password is not None,
            problem=problem,
        )
        return HTMLResponse(page, 403 if problem else 200)

    async def enter(self, request: Request) -> Response:
        """Open a session, if the password is right."""
        if not await self.keeper.admits(request):
            if wait := self.keeper.wait(request):
                return too_many_attempts(wait)
            return self.greet(WRONG)
        response = RedirectResponse(f"{self.site.prefix}{OWNER_PAGE}/", 303)
        self._cookie.keep(response, request, open_owner_session(self.study))
        return response

    def leave(self, request: Request) -> Response:
        """Close the session."""
        close_owner_session(self.study, request.cookies.get(self._cookie.name, ""))
        response = Response(status_code=204)
        self._cookie.drop(response)
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

    def report(self, request: Request) -> Response:
        """The report as a page; until it is made, one that waits for it."""
        if not is_owner(self.study, request.headers):
            return Response("Signed out", status_code=401)
        if file := self.reports.opened("html"):
            return StreamingResponse(
                _blocks(file), media_type=FORMS["html"], headers=REPORT_HEADERS
            )
        if problem := self.reports.problem:
            page = plain_page(
                "The report could not be made",
                problem,
                "To try again, press 'Make again' on the page of your study.",
            )
            return HTMLResponse(page, 500)
        self.reports.start()
        page = plain_page(
            "The report is being made",
            "This page shows it as soon as it is there. Raters can go on meanwhile.",
        )
        return HTMLResponse(page, 202, headers={"Refresh": LOOK_AGAIN})

    def samples(self, request: Request) -> Response:
        """How outputs changed from checkpoint to checkpoint, as a page."""
        if not is_owner(self.study, request.headers):
            return Response("Signed out", status_code=401)
        if file := self.reports.opened_samples():
            return StreamingResponse(
                _blocks(file), media_type=FORMS["html"], headers=REPORT_HEADERS
            )
        page = plain_page(
            "No samples",
            "They are made together with the report, which the page of your study "
            "does, and only of tasks with outputs.",
        )
        return HTMLResponse(page, 404)

    def report_as(self, request: Request, form: str) -> Response:
        """The newest report as a file."""
        if not is_owner(self.study, request.headers):
            return Response("Signed out", status_code=401)
        file = self.reports.opened(form)
        if file is None:
            return HTMLResponse(
                plain_page(
                    "No such report",
                    "It has not been made yet, or not in this form. The page of your "
                    "study makes it and lists its forms.",
                ),
                404,
            )
        name = quote(f"{self.study.path.stem}-report.{ENDINGS.get(form, form)}")
        return StreamingResponse(
            _blocks(file),
            media_type=FORMS.get(form, "text/plain; charset=utf-8"),
            headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
        )

    @property
    def _cookie(self) -> Cookie:
        return Cookie(owner_cookie_name(self.study), self.site, OWNER_PAGE)


def owner_doors(door: OwnersDoor) -> APIRouter:
    """The owner's invite, the way out, and what they can download."""
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

    @doors.get(REPORT)
    def report(request: Request) -> Response:
        with closing(door.study):
            return door.report(request)

    @doors.get(SAMPLES)
    def samples(request: Request) -> Response:
        with closing(door.study):
            return door.samples(request)

    @doors.get(f"{REPORT}/{{form}}")
    def report_as(request: Request, form: str) -> Response:
        with closing(door.study):
            return door.report_as(request, form)

    return doors


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    with file:
        while block := file.read(1024**2):
            yield block


def _unknown_link() -> HTMLResponse:
    page = plain_page(
        "This link is not known",
        "Perhaps a part of it was lost in copying. The program that serves this page "
        "prints a new one whenever it starts.",
    )
    return HTMLResponse(page, status_code=404)
