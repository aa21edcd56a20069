"""The web app: invites, sessions, and the rating page behind them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import gradio as gr
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from harness.desk import any_simulated
from harness.rate import last_answered
from harness.study import StudyFile
from harness.study.raters import (
    SESSION_LENGTH,
    Rater,
    close_session,
    open_session,
    rater_for_invite,
)
from ui.guard import PAGE, Guard, cookie_name, no_entry, rater_of
from ui.owner import owner_blocks
from ui.owner_doors import OWNER_PAGE, owner_doors
from ui.page import rating_blocks, theme
from ui.plain import asset, plain_page, welcome_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence
    from pathlib import Path

    from harness.campaign import Campaign

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")


def create_app(
    study_path: Path | str,
    campaigns: Sequence[Campaign],
    *,
    hosts: Collection[str] = LOOPBACK_NAMES,
) -> FastAPI:
    """The rating page of a study, for any ASGI server.

    Args:
        study_path: the study file.
        campaigns: what is rated, in this order; see `harness.campaign.open_campaign`.
        hosts: names that the page may be called by; others are refused.

    Raises:
        StudyError: the study file cannot be opened.
        RuntimeError: it was called inside a running event loop.
    """
    study = StudyFile(study_path, must_exist=True)
    served = tuple(campaigns)

    def simulated() -> bool:
        return any_simulated(study, served)

    @asynccontextmanager
    async def close_study(_app: FastAPI) -> AsyncIterator[None]:
        yield
        study.close()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=close_study)
    _add_signs(app, study, served)
    _add_doors(app, study, served)
    app.include_router(owner_doors(study))
    # Without a running event loop, Gradio makes several that it never closes.
    asyncio.run(_mount(app, study, served))
    app.add_middleware(Guard, study=study, hosts=hosts, simulated=simulated)
    study.close()
    return app


async def _mount(
    app: FastAPI, study: StudyFile, campaigns: tuple[Campaign, ...]
) -> None:
    for path, blocks in ((PAGE, rating_blocks), (OWNER_PAGE, owner_blocks)):
        gr.mount_gradio_app(
            app,
            blocks(study, campaigns),
            path=path,
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            show_error=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            allowed_paths=[],
            blocked_paths=[str(study.path.resolve().parent)],
            theme=theme(),
            css=asset("site.css") + asset("gradio.css"),
            app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
        )


def _add_signs(app: FastAPI, study: StudyFile, campaigns: tuple[Campaign, ...]) -> None:
    """What anybody may ask for."""

    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        study.column("SELECT 1 FROM campaigns LIMIT 1")
        return JSONResponse({"status": "ok"})

    @app.get("/favicon.ico")
    async def icon() -> Response:
        return Response(asset("icon.svg"), media_type="image/svg+xml")

    @app.get("/")
    async def entrance(request: Request) -> Response:
        if rater_of(study, request.headers) is None:
            return no_entry(simulated=any_simulated(study, campaigns))
        return _to_page(request)

    @app.get("/session")
    async def session(request: Request) -> JSONResponse:
        known = rater_of(study, request.headers) is not None
        return JSONResponse({"signed_in": known}, 200 if known else 401)


def _add_doors(app: FastAPI, study: StudyFile, campaigns: tuple[Campaign, ...]) -> None:
    """How raters come in and go out."""

    @app.get("/i/{invite}")
    async def welcome(invite: str) -> HTMLResponse:
        rater = rater_for_invite(study, invite)
        if rater is None:
            return _unknown_link(study, campaigns)
        begun = last_answered(study, campaigns, rater) is not None
        simulated = any_simulated(study, campaigns)
        return HTMLResponse(
            welcome_page(rater=rater.name, begun=begun, simulated=simulated)
        )

    @app.post("/i/{invite}")
    async def enter(request: Request, invite: str) -> Response:
        rater = rater_for_invite(study, invite)
        if rater is None:
            return _unknown_link(study, campaigns)
        return _signed_in(request, study, rater)

    @app.post("/leave")
    async def leave(request: Request) -> Response:
        name = cookie_name(study)
        close_session(study, request.cookies.get(name, ""))
        response = Response(status_code=204)
        response.delete_cookie(name)
        return response


def _to_page(request: Request) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}{PAGE}/", 303)


def _signed_in(request: Request, study: StudyFile, rater: Rater) -> Response:
    # The form is on a page of ours, so that even a strict cookie goes with the
    # redirect, which it would not if the link itself, in a mail, had led here.
    response = _to_page(request)
    response.set_cookie(
        cookie_name(study),
        open_session(study, rater),
        max_age=int(SESSION_LENGTH.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def _unknown_link(study: StudyFile, campaigns: tuple[Campaign, ...]) -> HTMLResponse:
    page = plain_page(
        "This link is not known",
        "Perhaps a part of it was lost in copying. Ask the person who sent it for "
        "a new one.",
        simulated=any_simulated(study, campaigns),
    )
    return HTMLResponse(page, status_code=404)
