"""The pages before and beside the rating page: welcome, no entry, not found."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

if TYPE_CHECKING:
    from harness.types import Json


def asset(name: str) -> str:
    """The text of a file in `ui/assets`."""
    return (files("ui") / "assets" / name).read_text(encoding="utf-8")


def welcome_page(
    *, rater: str, begun: bool, simulated: bool, password: bool, problem: str = ""
) -> str:
    """What an invite link shows: what to expect, and a button to start.

    Args:
        rater: name of the rater.
        begun: whether they have rated before.
        simulated: whether programs rate in this study.
        password: whether to ask for the password.
        problem: why they were not let in; empty if they did not try yet.
    """
    return _render(
        title=f"Welcome{' back' if begun else ''}, {rater}",
        rater=rater,
        begun=begun,
        simulated=simulated,
        password=password,
        problem=problem,
    )


def plain_page(title: str, *lines: str, simulated: bool = False) -> str:
    """A heading with a few sentences."""
    return _render(title=title, lines=lines, simulated=simulated)


def _render(**values: Json) -> str:
    # A style sheet in the repository, not text from anywhere else.
    style = Markup(asset("site.css") + asset("plain.css"))  # noqa: S704
    return _template().render(style=style, **values)


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(asset("plain.html"))
