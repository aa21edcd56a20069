"""What every page made here is: one file that needs no network."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from harness.reporting import (
    apart,
    cautions,
    methods,
    rater_tables,
    together,
    trust,
    wording,
)
from harness.reporting.configurations import left_out
from harness.reporting.formats import interval, number, shortened, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from harness.types import Json

LONGEST = 4_000
"""Letters shown of a prompt, reference or output."""
BEGINNING = 280
"""Letters that stand before a folded text."""


@dataclass(frozen=True, slots=True)
class Part:
    """What another verb adds to a page."""

    html: str
    """Markup in which whatever came from files is escaped."""
    figures: dict[str, Json]
    """Id of each place for a figure to the figure."""
    styles: tuple[str, ...] = ()
    """Names of its own style sheets beside the templates."""


# Translating the templates takes longer than filling most of them.
@cache
def environment() -> Environment:
    """Templates of reports, which escape whatever they print."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("harness.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.filters |= {
        "number": number,
        "interval": interval,
        "shortened": partial(shortened, length=LONGEST),
        "beginning": _beginning,
    }
    environment.globals |= {
        "wording": wording,
        "apart": apart,
        "rater_tables": rater_tables,
        "methods": methods,
        "cautions": cautions,
        "together": together,
        "trust": trust,
        "left_out": left_out,
    }
    return environment


def _printable(value: Any) -> Any:
    """What a template prints; markup of our own is left as it is."""
    from markupsafe import Markup

    plain = isinstance(value, str) and not isinstance(value, Markup)
    return visible(value) if plain else value


def policy(scripts: list[str]) -> str:
    """What the page may do: run these very scripts, and reach nothing."""
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts) or "'none'"
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(script: str) -> str:
    return base64.b64encode(sha256(script.encode()).digest()).decode()


def figures_json(value: Json) -> str:
    """Figures as JSON for a script element."""
    from plotly.utils import PlotlyJSONEncoder

    text = json.dumps(value, cls=PlotlyJSONEncoder, separators=(",", ":"))
    return in_script(text)


def texts_json(value: Json) -> str:
    """Texts as JSON, in as few bytes as they have."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def in_script(text: str) -> str:
    """JSON that cannot end the script element that it stands in."""
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def plotly() -> str:
    """The script that draws figures."""
    from plotly.offline import get_plotlyjs

    script: str = get_plotlyjs()
    return script


def _beginning(text: str) -> str:
    """The first words of a text that is folded."""
    return text[:BEGINNING].rstrip()


def joined(names: Sequence[str]) -> str:
    """Our own files beside the templates, one after the other."""
    folder = files("harness.reporting") / "templates"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)
