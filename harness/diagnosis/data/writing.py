"""Findings as terminal text, Markdown and JSON."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from harness.reporting.formats import counted, listed, on_one_line, shortened, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.diagnosis.model import Check, Findings, Status
    from harness.types import Json

ORDER: tuple[Status, ...] = ("failure", "warning", "notice", "fine")
LETTERS = 300
"""Letters shown of an example."""


def failed(findings: Findings) -> bool:
    """Whether a check found what is likely to keep a model from learning."""
    return any(check.status == "failure" for check in findings.checks)


def found(findings: Findings) -> list[Check]:
    """Checks that found something, the worst first."""
    some = [check for check in findings.checks if check.status != "fine"]
    return sorted(some, key=lambda check: ORDER.index(check.status))


def headline(name: str, findings: Findings) -> str:
    """How many checks came to what."""
    counts = Counter(check.status for check in findings.checks)
    told = [
        counted(counts[status], status) for status in ORDER[:-1] if counts[status]
    ] or ["nothing wrong found"]
    return f"{name}: {listed(told)}; {counted(counts['fine'], 'check')} fine"


def text(name: str, findings: Findings) -> str:
    """For a terminal: what was found, and what was not looked at."""
    return "\n".join(_lines(name, findings)) + "\n"


def _lines(name: str, findings: Findings) -> Iterator[str]:
    yield visible(headline(name, findings))
    for check in found(findings):
        yield f"{check.status.upper():8}{check.name}: {_brief(check.says)}"
        yield f"        ({check.threshold}; {check.source})"
        for example in check.examples:
            yield f"          {_brief(example.where)}  {_brief(example.text)}"
    if findings.not_checked:
        yield "Not checked:"
    for missing in findings.not_checked:
        yield f"        {missing.name}: {_brief(missing.reason)}"


def _brief(untrusted: str) -> str:
    return visible(shortened(on_one_line(untrusted), LETTERS))


def markdown(name: str, findings: Findings) -> str:
    """As GitHub-flavoured Markdown, every check in a table."""
    from harness.reporting.as_markdown import plain, tabled

    checks = sorted(findings.checks, key=lambda check: ORDER.index(check.status))
    rows = [
        (
            check.status,
            plain(check.name),
            plain(_brief(check.says)),
            plain(check.threshold),
            plain(check.source),
        )
        for check in checks
    ]
    lines = [plain(headline(name, findings)), ""]
    lines += tabled(("", "check", "what was found", "threshold", "source"), rows)
    for check in found(findings):
        if check.examples:
            lines += [f"{plain(check.name)}:", ""]
            lines += [
                f"- {plain(one.where)}: {plain(_brief(one.text))}"
                for one in check.examples
            ]
            lines.append("")
    for missing in findings.not_checked:
        lines.append(
            f"- not checked: {plain(missing.name)}, {plain(_brief(missing.reason))}"
        )
    return "\n".join(lines).rstrip() + "\n"


def as_json(findings: Findings) -> dict[str, Json]:
    """As `harness diagnose` writes them: `checks` and `not_checked`."""
    return {
        "checks": [
            {
                "name": check.name,
                "status": check.status,
                "value": check.value,
                "threshold": check.threshold,
                "source": check.source,
                "says": check.says,
                "examples": [
                    {"where": one.where, "text": one.text} for one in check.examples
                ],
                "causes": dict(check.weights),
            }
            for check in findings.checks
        ],
        "not_checked": [
            {"name": one.name, "reason": one.reason} for one in findings.not_checked
        ],
    }


def render(name: str, findings: Findings, form: str) -> str:
    """In one of the forms `text`, `json` and `md`."""
    if form == "json":
        return json.dumps(as_json(findings), ensure_ascii=False, indent=2) + "\n"
    return markdown(name, findings) if form == "md" else text(name, findings)
