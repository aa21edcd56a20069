"""The rating page: one Gradio component, and what the server answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import gradio as gr

from harness.desk import Desk, Screen
from harness.errors import HarnessError, InputError, RatingRefused
from harness.rate import Answer
from harness.types import Json
from ui.guard import rater_of
from ui.plain import asset

if TYPE_CHECKING:
    from harness.campaign import Campaign
    from harness.study import StudyFile

Reply = dict[str, Json]
SCRIPTS = (
    *("state", "clock", "drafts", "bodies", "texts", "choice", "slider", "ranking"),
    *("marks", "words", "controls", "feedback", "earlier", "screen", "server", "keys"),
)
"""The page's script, in parts that share one scope; `keys` starts it."""
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
            html_template=asset("rate/page.html"),
            css_template=asset("rate/page.css")
            + asset("rate/widgets.css")
            + asset("rate/texts.css"),
            js_on_load="\n".join(asset(f"rate/{name}.js") for name in SCRIPTS),
            apply_default_css=False,
            server_functions=_server_functions(_Desks(study, campaigns)),
        )
    return blocks


def theme() -> gr.themes.Base:
    """Plain, with the fonts of the rater's own system."""
    return gr.themes.Base(
        font=("system-ui", "sans-serif"), font_mono=("ui-monospace", "monospace")
    )


@dataclass(frozen=True, slots=True)
class _Desks:
    """The desk of whoever asks; `ui.calls` lets one ask at a time."""

    study: StudyFile
    campaigns: tuple[Campaign, ...]

    def act(self, request: gr.Request, act: Callable[[Desk], Screen]) -> Reply:
        return self.ask(request, lambda desk: {"screen": asdict(act(desk))})

    def ask(self, request: gr.Request, ask: Callable[[Desk], Reply]) -> Reply:
        try:
            rater = rater_of(self.study, request.headers)
            if rater is None:
                return {"error": SIGNED_OUT}
            return ask(Desk(self.study, self.campaigns, rater))
        except (InputError, RatingRefused) as error:
            return {"error": str(error)}
        except HarnessError:
            # Its message names the study's path, which is none of the rater's business.
            return {"error": NOT_STORED}


def _server_functions(desks: _Desks) -> list[Callable[..., Reply]]:
    """What the page can ask for; each checks the session that the request carries."""

    def current(message: Json, request: gr.Request) -> Reply:  # noqa: ARG001
        return desks.act(request, lambda desk: desk.current())

    def submit(message: Json, request: gr.Request) -> Reply:
        def act(desk: Desk) -> Screen:
            given = Answer(
                values=_field(message, "values", dict),
                comment=_field(message, "comment", str),
                seconds=message.get("seconds"),
                flagged=message.get("flagged") is True,
            )
            return desk.submit(_field(message, "token", str), given)

        return desks.act(request, act)

    def skip(message: Json, request: gr.Request) -> Reply:
        return desks.act(
            request,
            lambda desk: desk.skip(
                _field(message, "token", str), _field(message, "reason", str)
            ),
        )

    def undo(message: Json, request: gr.Request) -> Reply:
        return desks.act(request, lambda desk: desk.undo(_field(message, "token", str)))

    return [current, submit, skip, undo, *_looking_back(desks)]


def _looking_back(desks: _Desks) -> list[Callable[..., Reply]]:
    """What changes no rating."""

    def earlier(message: Json, request: gr.Request) -> Reply:  # noqa: ARG001
        return desks.ask(
            request, lambda desk: {"earlier": [asdict(one) for one in desk.earlier()]}
        )

    def reopen(message: Json, request: gr.Request) -> Reply:
        return desks.act(
            request, lambda desk: desk.reopen(_field(message, "token", str))
        )

    def differences(message: Json, request: gr.Request) -> Reply:
        def ask(desk: Desk) -> Reply:
            return {
                "differences": asdict(desk.differences(_field(message, "token", str)))
            }

        return desks.ask(request, ask)

    return [earlier, reopen, differences]


def _field(message: Json, name: str, kind: type) -> Json:
    if not isinstance(message, Mapping) or not isinstance(message.get(name), kind):
        raise InputError(f"The page sent no '{name}'. Load it again.")
    return message[name]
