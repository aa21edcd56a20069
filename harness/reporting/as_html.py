"""The report as one HTML file that works without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.reporting.configurations import configurations
from harness.reporting.curves import curves
from harness.reporting.figures import series_of, trends
from harness.reporting.learning import learning_notes
from harness.reporting.page import (
    environment,
    figures_json,
    in_script,
    joined,
    plotly,
    policy,
    texts_json,
)
from harness.reporting.partings import all_said
from harness.reporting.points import openable
from harness.reporting.scatter import scatter
from harness.reporting.tables import columns

if TYPE_CHECKING:
    from harness.reporting.model import Report, TaskReport
    from harness.reporting.page import Part
    from harness.types import Json

FOLD = 400
"""Letters from which on a text is folded behind its beginning."""
STYLES = ("style.css", "outputs.css")
SCRIPTS = ("page.js", "outputs.js")


def html(report: Report, part: Part | None = None) -> str:
    """The report as a page with its figures, styles and scripts inside.

    Names, prompts and outputs are escaped; the page's policy runs no script but its
    own two and loads nothing.

    Args:
        report: what is shown.
        part: what follows it, say a diagnosis.
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
    styles: tuple[str, ...] = STYLES
    if part is not None:
        figures |= part.figures
        styles += part.styles
    scripts = [plotly(), joined(SCRIPTS)] if figures else []
    return (
        environment()
        .get_template("report.html")
        .render(
            report=report,
            pages=pages,
            policy=policy(scripts),
            style=Markup(joined(styles)),  # noqa: S704 - our own file
            scripts=[Markup(script) for script in scripts],  # noqa: S704 - likewise
            figures=Markup(figures_json(figures)),  # noqa: S704 - escaped for scripts
            outputs=Markup(in_script(texts_json(outputs))),  # noqa: S704 - likewise
            fold=FOLD,
            part=Markup("" if part is None else part.html),  # noqa: S704 - escaped
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
        "learned": learning_notes(task),
        "configurations": configurations(task),
        "partings": all_said(task),
        "scatter": points,
        "series": series_of(task),
    }
