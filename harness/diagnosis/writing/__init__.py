"""A diagnosis in each of its forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import NotFound

if TYPE_CHECKING:
    from harness.diagnosis.model import Diagnosis

FORMATS = ("text", "md", "html", "json")


def render_diagnosis(diagnosis: Diagnosis, format: str) -> str:  # noqa: A002 - the option's name
    """The diagnosis as terminal text, Markdown, self-contained HTML or JSON.

    Raises:
        NotFound: the format is none of `FORMATS`.
    """
    if format == "text":
        from harness.diagnosis.writing.as_text import text

        return text(diagnosis)
    if format == "md":
        from harness.diagnosis.writing.as_markdown import markdown

        return markdown(diagnosis)
    if format == "html":
        from harness.diagnosis.writing.as_html import html

        return html(diagnosis)
    if format == "json":
        from harness.diagnosis.writing.as_json import json_text

        return json_text(diagnosis)
    raise NotFound("format of a diagnosis", format, FORMATS)
