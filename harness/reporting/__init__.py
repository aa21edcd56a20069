"""A report's parts and its renderings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.reporting.histories import Samples
    from harness.reporting.model import Report

FORMATS = ("text", "html", "md", "json", "csv", "heds")
SAMPLE_FORMATS = ("text", "html", "md", "json")


def render(report: Report, format: str) -> str:  # noqa: A002 - the option's name
    """The report as terminal text, self-contained HTML, Markdown, JSON or CSV.

    `heds` is the Human Evaluation Datasheet of each campaign, in Markdown.

    Raises:
        NotFound: the format is none of `FORMATS`.
    """
    if format == "text":
        from harness.reporting.as_text import text

        return text(report)
    if format == "html":
        from harness.reporting.as_html import html

        return html(report)
    if format == "md":
        from harness.reporting.as_markdown import markdown

        return markdown(report)
    if format == "json":
        from harness.reporting.as_json import json_text

        return json_text(report)
    if format == "csv":
        from harness.reporting.as_csv import csv_text

        return csv_text(report)
    if format == "heds":
        from harness.reporting.as_heds import heds

        return heds(report)
    raise NotFound("report format", format, FORMATS)


def render_samples(found: Sequence[Samples], format: str) -> str:  # noqa: A002 - the option's name
    """Outputs from checkpoint to checkpoint as text, HTML, Markdown or JSON.

    Raises:
        NotFound: the format is none of `SAMPLE_FORMATS`.
    """
    if format == "html":
        from harness.reporting.histories_html import samples_html

        return samples_html(found)
    from harness.reporting.histories_text import (
        samples_json,
        samples_markdown,
        samples_text,
    )

    forms = {"text": samples_text, "md": samples_markdown, "json": samples_json}
    if format not in forms:
        raise NotFound("format of samples", format, SAMPLE_FORMATS)
    return forms[format](found)
