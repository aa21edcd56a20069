"""How the study's owner comes in, goes out and downloads."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
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

from harness.exporting import archive
from harness.identity import content_hash
from harness.study.owners import (
    close_owner_session,
    is_owner_invite,
    is_owner_session,
    open_owner_session,
)
from harness.study.raters import SESSION_LENGTH
from ui.plain import plain_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import IO

    from harness.study import StudyFile

OWNER_PAGE = "/owner"
"""Where the owner's page is mounted."""
IN_MEMORY = 64 * 1024**2
"""Bytes of a download that are kept in memory; what is longer goes to the disk."""


def owner_cookie(study: StudyFile) -> str:
    """A name of its own for each study, and another one than the raters' cookie has."""
    return f"tandem_owner_{content_hash(str(study.path.resolve()))[:8]}"


def is_owner(study: StudyFile, headers: Mapping[str, str]) -> bool:
    """Whether the request's cookie holds a session of the study's owner."""
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(owner_cookie(study))
    except CookieError:
        return False
    return cookie is not None and is_owner_session(study, cookie.value)


def owner_doors(study: StudyFile) -> APIRouter:
    """The owner's invite, the way out, and what they can download."""
    doors = APIRouter()

    @doors.get("/o/{invite}")
    def welcome(invite: str) -> HTMLResponse:
        if not is_owner_invite(study, invite):
            return _unknown_link()
        return HTMLResponse(
            plain_page(
                "Your study",
                "The next page is for you alone. It names checkpoints and shows how "
                "they are rated: do not share this link with raters, and do not rate "
                "yourself after reading it.",
                button="Open",
            )
        )

    @doors.post("/o/{invite}")
    def enter(request: Request, invite: str) -> Response:
        if not is_owner_invite(study, invite):
            return _unknown_link()
        home = f"{request.scope.get('root_path', '')}{OWNER_PAGE}"
        response = RedirectResponse(f"{home}/", 303)
        response.set_cookie(
            owner_cookie(study),
            open_owner_session(study),
            max_age=int(SESSION_LENGTH.total_seconds()),
            path=home,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    @doors.post(f"{OWNER_PAGE}/leave")
    def leave(request: Request) -> Response:
        name = owner_cookie(study)
        close_owner_session(study, request.cookies.get(name, ""))
        response = Response(status_code=204)
        home = f"{request.scope.get('root_path', '')}{OWNER_PAGE}"
        response.delete_cookie(name, path=home)
        return response

    @doors.get(f"{OWNER_PAGE}/download/{{kind}}")
    def download(request: Request, kind: Literal["csv", "jsonl"]) -> Response:
        if not is_owner(study, request.headers):
            return Response("Signed out", status_code=401)
        file: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - streamed
        archive(study, file, kind=kind)
        study.close()
        name = quote(f"{study.path.stem}-{kind}.zip")
        return StreamingResponse(
            _blocks(file),
            media_type="application/zip",
            headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
        )

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
