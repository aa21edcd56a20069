"""A diagnosis as one HTML file that works without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.diagnosis.writing import wording
from harness.diagnosis.writing.figures import drawn
from harness.reporting.page import (
    Part,
    environment,
    figures_json,
    joined,
    plotly,
    policy,
)

if TYPE_CHECKING:
    from harness.diagnosis.model import Diagnosis

SCRIPTS = ("page.js",)
STYLES = ("style.css", "diagnosis.css")


def section(diagnosis: Diagnosis) -> Part:
    """The diagnosis for a page that holds other things, too."""
    made = [] if diagnosis.log is None else drawn(diagnosis.log)
    template = environment().get_template("diagnosis.html")
    return Part(
        template.render(diagnosis=diagnosis, wording=wording, drawn=made),
        {f"diagnosis-{at}": one.figure.to_plotly_json() for at, one in enumerate(made)},
        STYLES[1:],
    )


def html(diagnosis: Diagnosis) -> str:
    """The diagnosis as a page with its figures, styles and scripts inside."""
    from markupsafe import Markup

    part = section(diagnosis)
    scripts = [plotly(), joined(SCRIPTS)] if part.figures else []
    return (
        environment()
        .get_template("diagnosed.html")
        .render(
            section=Markup(part.html),  # noqa: S704 - escaped by its template
            policy=policy(scripts),
            style=Markup(joined(STYLES)),  # noqa: S704 - our own files
            scripts=[Markup(script) for script in scripts],  # noqa: S704 - likewise
            figures=Markup(figures_json(part.figures)),  # noqa: S704 - escaped
        )
    )
