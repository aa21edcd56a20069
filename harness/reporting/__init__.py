"""A report's parts and its renderings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import NotFound

if TYPE_CHECKING:
    from harness.reporting.model import Report

FORMATS = ("text", "html", "md", "json", "csv")


def render(report: Report, format: str) -> str:  # noqa: A002 - the option's name
    """The report as terminal text, self-contained HTML, Markdown, JSON or CSV.

    Raises:
        NotFound: the format is none of `text`, `html`, `md`, `json` and `csv`.
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
    raise NotFound("report format", format, FORMATS)
