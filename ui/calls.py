"""What a page of ours asks its server functions, answered in Gradio's stead.

Gradio's own route takes the component and the function from the request without looking
at them, answers nonsense with a server error, and keeps a state for every session name
that anybody makes up.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import gradio as gr
from fastapi import FastAPI, Request  # noqa: TC002 - FastAPI reads annotations
from fastapi.responses import JSONResponse

from harness.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor

    from harness.types import Json

STALE = "This page is of another version. Load it again; nothing was stored."


def answer_calls(app: FastAPI, page: str, blocks: gr.Blocks, desk: Executor) -> None:
    """Answer the calls of the one component with functions that `blocks` has.

    It must come before the Blocks are mounted at `page`. Each function gets what the
    page sent, which may be anything that JSON can say, and the request, whose session
    it must check.
    """
    [(number, known)] = [
        (number, block.server_fns)
        for number, block in blocks.blocks.items()
        if isinstance(block, gr.HTML) and block.server_fns
    ]
    functions: dict[str, Callable[[Json, Request], Json]] = {
        function.__name__: function for function in known
    }

    async def call(request: Request) -> JSONResponse:
        try:
            body = _message(request, await request.body())
        except InputError as error:
            return JSONResponse({"error": str(error)}, 400)
        function = functions.get(body["fn_name"])
        if function is None or body["component_id"] != number:
            return JSONResponse({"error": STALE}, 404)
        loop = asyncio.get_running_loop()
        message = body.get("data")
        return JSONResponse(
            await loop.run_in_executor(desk, function, message, request)
        )

    path = f"{page}/gradio_api/component_server"
    for way in (path, path + "/"):
        app.post(way)(call)


def _message(request: Request, body: bytes) -> Mapping[str, Json]:
    """What was sent, if it has the form of a call.

    Raises:
        InputError: it has not.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InputError("The page sent something else than JSON. Load it again.")
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise InputError("The page sent no JSON object. Load it again.")
    if not isinstance(message.get("fn_name"), str):
        raise InputError("The page sent no 'fn_name'. Load it again.")
    if type(message.get("component_id")) is not int:
        raise InputError("The page sent no 'component_id'. Load it again.")
    return message
