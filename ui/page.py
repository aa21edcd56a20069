"""The rating page: one Gradio component, and what the server answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from threading import Lock
from typing import TYPE_CHECKING

import gradio as gr

from harness.desk import Desk, Screen
from harness.errors import HarnessError, InputError
from harness.rate import Answer
from harness.types import Json
from ui.guard import rater_of
from ui.plain import asset

if TYPE_CHECKING:
    from harness.campaign import Campaign
    from harness.study import StudyFile

Reply = dict[str, Json]
SIGNED_OUT = "You are signed out. Open your link again."
NOT_STORED = (
    "The study could not be written. Your answer is still on this page: "
    "press Enter to try again."
)


def rating_blocks(study: StudyFile, campaigns: tuple[Campaign, ...]) -> gr.Blocks:
    """The Gradio app for raters; every visitor gets the same page, without content."""
    blocks = gr.Blocks(title="Rating", analytics_enabled=False, fill_width=True)
    with blocks:
        gr.HTML(
            html_template=asset("rate.html"),
            css_template=asset("rate.css"),
            js_on_load=asset("rate.js"),
            apply_default_css=False,
            server_functions=_server_functions(study, campaigns),
        )
    return blocks


def theme() -> gr.themes.Base:
    """Plain, with the fonts of the rater's own system."""
    return gr.themes.Base(
        font=("system-ui", "sans-serif"), font_mono=("ui-monospace", "monospace")
    )


def _server_functions(
    study: StudyFile, campaigns: tuple[Campaign, ...]
) -> list[Callable[..., Reply]]:
    """What the page can ask for; each checks the session that the request carries."""
    # One writes at a time anyway, and waiting here is fair, in SQLite it is not.
    turn = Lock()

    def at_desk(request: gr.Request, act: Callable[[Desk], Screen]) -> Reply:
        try:
            rater = rater_of(study, request.headers)
            if rater is None:
                return {"error": SIGNED_OUT}
            with turn:
                return {"screen": asdict(act(Desk(study, campaigns, rater)))}
        except InputError as error:
            return {"error": str(error)}
        except HarnessError:
            # Its message names the study's path, which is none of the rater's business.
            return {"error": NOT_STORED}
        finally:
            # The thread may be gone before the next request.
            study.close()

    def current(message: Json, request: gr.Request) -> Reply:  # noqa: ARG001
        return at_desk(request, lambda desk: desk.current())

    def submit(message: Json, request: gr.Request) -> Reply:
        def act(desk: Desk) -> Screen:
            given = Answer(
                values=_field(message, "values", dict),
                comment=_field(message, "comment", str),
                seconds=message.get("seconds"),
            )
            return desk.submit(_field(message, "token", str), given)

        return at_desk(request, act)

    def skip(message: Json, request: gr.Request) -> Reply:
        return at_desk(
            request,
            lambda desk: desk.skip(
                _field(message, "token", str), _field(message, "reason", str)
            ),
        )

    def undo(message: Json, request: gr.Request) -> Reply:  # noqa: ARG001
        return at_desk(request, lambda desk: desk.undo())

    return [current, submit, skip, undo]


def _field(message: Json, name: str, kind: type) -> Json:
    if not isinstance(message, Mapping) or not isinstance(message.get(name), kind):
        raise InputError(f"The page sent no '{name}'. Load it again.")
    return message[name]
