"""A report's parts and its renderings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import NotFound

if TYPE_CHECKING:
    from harness.reporting.model import Report

FORMATS = ("text", "html", "md", "json", "csv", "heds")


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
