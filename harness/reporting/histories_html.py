"""Outputs from checkpoint to checkpoint as one HTML file that needs no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.reporting.histories_text import heading, judgements, remark, series_of
from harness.reporting.page import environment, joined, policy
from harness.reporting.wording import BANNER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.reporting.histories import Samples

STYLES = ("style.css", "samples.css")
SCRIPT = "samples.js"


def samples_html(found: Sequence[Samples]) -> str:
    """The histories as a page; texts are escaped, and its policy loads nothing."""
    from markupsafe import Markup

    script = joined([SCRIPT])
    return (
        environment()
        .get_template("samples.html")
        .render(
            found=found,
            heading=heading,
            judgements=judgements,
            remark=remark,
            series_of=series_of,
            banner=BANNER,
            policy=policy([script]),
            style=Markup(joined(STYLES)),  # noqa: S704 - our own files
            script=Markup(script),  # noqa: S704 - likewise
        )
    )
