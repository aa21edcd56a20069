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


def welcome_page(*, rater: str, begun: bool, simulated: bool) -> str:
    """What an invite link shows: what to expect, and a button to start."""
    title = f"Welcome{' back' if begun else ''}, {rater}"
    return _render(title=title, rater=rater, begun=begun, simulated=simulated)


def plain_page(
    title: str, *lines: str, simulated: bool = False, button: str = ""
) -> str:
    """A heading with a few sentences, and a button that posts to the same address."""
    return _render(title=title, lines=lines, simulated=simulated, button=button)


def _render(**values: Json) -> str:
    # A style sheet in the repository, not text from anywhere else.
    style = Markup(asset("site.css") + asset("plain.css"))  # noqa: S704
    return _template().render(style=style, **values)


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(asset("plain.html"))
