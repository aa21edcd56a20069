"""The report as one HTML file that works without a network."""

from __future__ import annotations

import base64
import json
from functools import partial
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from harness.reporting import apart, methods, rater_tables, wording
from harness.reporting.configurations import configurations
from harness.reporting.curves import curves
from harness.reporting.figures import series_of, trends
from harness.reporting.formats import interval, number, shortened, visible
from harness.reporting.partings import all_said
from harness.reporting.points import openable
from harness.reporting.scatter import scatter
from harness.reporting.tables import columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from harness.reporting.model import Report, TaskReport
    from harness.types import Json

LONGEST = 4_000
"""Letters shown of a prompt, reference or output."""
FOLD = 400
"""Letters from which on a text is folded behind its beginning."""
BEGINNING = 280
"""Letters that stand before a folded text."""
STYLES = ("style.css", "outputs.css")
SCRIPTS = ("page.js", "outputs.js")


def html(report: Report) -> str:
    """The report as a page with its figures, styles and scripts inside.

    Names, prompts and outputs are escaped; the page's policy runs no script but its
    own two and loads nothing.
    """
    from markupsafe import Markup

    pages: list[dict[str, Any]] = []
    figures: dict[str, Json] = {}
    outputs: dict[str, Json] = {}
    for number_, task in enumerate(report.tasks):
        drawn = _figures(task, f"t{number_}")
        figures |= drawn.pop("json")
        if drawn["scatter"] is not None:
            outputs[f"t{number_}-scatter"] = openable(drawn["scatter"].drawn)
        pages.append({"task": task, "columns": columns(task), **drawn})
    scripts = [_plotly(), _joined(SCRIPTS)] if figures else []
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            pages=pages,
            policy=_policy(scripts),
            style=Markup(_joined(STYLES)),  # noqa: S704 - our own file
            scripts=[Markup(script) for script in scripts],  # noqa: S704 - likewise
            figures=Markup(_script_json(figures)),  # noqa: S704 - escaped for scripts
            outputs=Markup(_in_script(_json(outputs))),  # noqa: S704 - likewise
            fold=FOLD,
            coefficients=("pearson", "spearman", "kendall"),
        )
    )


def _figures(task: TaskReport, prefix: str) -> dict[str, Any]:
    """The task's figures for the template, and as JSON for the script."""
    found: dict[str, Json] = {}
    panels = trends(task)
    for place, panel in enumerate(panels):
        found[f"{prefix}-trend-{place}"] = panel.figure.to_plotly_json()
    together = curves(task)
    for place, one in enumerate(together):
        found[f"{prefix}-curves-{place}"] = one.figure.to_plotly_json()
    points = scatter(task)
    if points is not None:
        found[f"{prefix}-scatter"] = {
            **points.figure.to_plotly_json(),
            "metrics": points.metrics,
            "criteria": points.criteria,
            "jitter": points.jitter,
            "labels": {m.signature: m.label for m in task.metrics},
        }
    return {
        "json": found,
        "prefix": prefix,
        "panels": panels,
        "curves": together,
        "configurations": configurations(task),
        "partings": all_said(task),
        "scatter": points,
        "series": series_of(task),
    }


def _environment() -> Environment:
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
    }
    return environment


def _printable(value: Any) -> Any:
    """What a template prints; markup of our own is left as it is."""
    from markupsafe import Markup

    plain = isinstance(value, str) and not isinstance(value, Markup)
    return visible(value) if plain else value


def _policy(scripts: list[str]) -> str:
    """What the page may do: run these very scripts, and reach nothing."""
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts) or "'none'"
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(script: str) -> str:
    return base64.b64encode(sha256(script.encode()).digest()).decode()


def _script_json(value: Json) -> str:
    """Figures as JSON for a script element."""
    from plotly.utils import PlotlyJSONEncoder

    text = json.dumps(value, cls=PlotlyJSONEncoder, separators=(",", ":"))
    return _in_script(text)


def _json(value: Json) -> str:
    """Texts as JSON, in as few bytes as they have."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _in_script(text: str) -> str:
    """JSON that cannot end the script element that it stands in."""
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    script: str = get_plotlyjs()
    return script


def _beginning(text: str) -> str:
    """The first words of a text that is folded."""
    return text[:BEGINNING].rstrip()


def _joined(names: Sequence[str]) -> str:
    folder = files("harness.reporting") / "templates"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)
