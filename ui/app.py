"""The web app: invites, sessions, and the rating page behind them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import gradio as gr
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from harness.desk import any_simulated
from harness.study import StudyFile
from ui.calls import answer_calls
from ui.doors import RatersDoor, add_doors, to_page
from ui.guard import OWNER_PAGE, PAGE, Guard, no_entry, rater_of
from ui.keeper import Doorkeeper
from ui.owner import owner_blocks
from ui.owner_doors import OwnersDoor, owner_doors
from ui.page import rating_blocks, theme
from ui.plain import asset
from ui.reports import Reports
from ui.site import Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from harness.campaign import Campaign
    from ui.password import Password

HERE = Site()
"""This machine alone."""


def create_app(
    study_path: Path | str,
    campaigns: Sequence[Campaign],
    *,
    site: Site = HERE,
    password: Password | None = None,
) -> FastAPI:
    """The rating page of a study, for any ASGI server.

    Args:
        study_path: the study file.
        campaigns: what is rated, in this order; see `harness.campaign.open_campaign`.
        site: where browsers find it; requests to other hosts are refused.
        password: what opening a link asks for; None if having the link is enough.

    Raises:
        StudyError: the study file cannot be opened.
        RuntimeError: it was called inside a running event loop.
    """
    study = StudyFile(study_path, must_exist=True)
    served = tuple(campaigns)
    reports = Reports(study)

    def simulated() -> bool:
        return any_simulated(study, served)

    # What the owner asks takes longer, and raters are not to wait for it.
    threads = {
        page: ThreadPoolExecutor(max_workers=1, thread_name_prefix=page.strip("/"))
        for page in (PAGE, OWNER_PAGE)
    }

    @asynccontextmanager
    async def close_study(_app: FastAPI) -> AsyncIterator[None]:
        yield
        reports.close()
        # Each thread has a connection of its own.
        study.close()
        for thread in threads.values():
            thread.submit(study.close).result()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=close_study)
    keeper = Doorkeeper(password)
    _add_signs(app, study, served, site)
    add_doors(app, RatersDoor(study, served, keeper, site))
    app.include_router(owner_doors(OwnersDoor(study, keeper, site, reports)))
    # Without a running event loop, Gradio makes several that it never closes.
    pages = {
        PAGE: partial(rating_blocks, study, served),
        OWNER_PAGE: partial(owner_blocks, study, served, reports),
    }
    asyncio.run(_mount(app, study, pages, threads))
    app.add_middleware(Guard, study=study, site=site, simulated=simulated)
    study.close()
    return app


async def _mount(
    app: FastAPI,
    study: StudyFile,
    pages: Mapping[str, Callable[[], gr.Blocks]],
    threads: Mapping[str, Executor],
) -> None:
    for path, make in pages.items():
        blocks = make()
        answer_calls(app, path, blocks, threads[path])
        gr.mount_gradio_app(
            app,
            blocks,
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


def _add_signs(
    app: FastAPI, study: StudyFile, campaigns: tuple[Campaign, ...], site: Site
) -> None:
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
        return to_page(site)

    @app.get("/session")
    async def session(request: Request) -> JSONResponse:
        known = rater_of(study, request.headers) is not None
        return JSONResponse({"signed_in": known}, 200 if known else 401)
