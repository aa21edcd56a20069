"""The study as a Human Evaluation Datasheet in Markdown, one for each campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.reporting import datasheet, methods
from harness.reporting.as_markdown import listing, plain, tabled
from harness.reporting.formats import listed
from harness.reporting.wording import BANNER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.reporting.datasheet import Answered
    from harness.reporting.model import Report, TaskReport
    from harness.reporting.protocol import CampaignProtocol

INTRODUCTION = (
    "Questions are numbered as in the Human Evaluation Datasheet, HEDS 2.0 (Shimorina "
    "and Belz 2022, arXiv 2103.09710); their full wording is there. Filled in from "
    "study {study} by tandem-eval {version}. What begins with TODO only its author "
    "knows."
)

NOTHING = (
    "The study has no campaign, so that there is no human evaluation to describe. "
    "Begin one with harness rate, or take one in with harness import ratings."
)


_USED = {
    "raw": "as they were given",
    "z": "each rater's z-scores",
    "adjusted": "less each rater's severity",
}


def heds(report: Report) -> str:
    """A datasheet for each campaign in Markdown; before any answer, of the newest.

    Simulated raters are named as programs wherever raters are.
    """
    lines: list[str] = []
    for task in report.tasks:
        campaigns = task.protocol.campaigns
        begun = [one for one in campaigns if one.first is not None]
        for one in begun or campaigns[-1:]:
            lines += _sheet(report, task, one)
    if not lines:
        lines = ["# Human Evaluation Datasheet", "", NOTHING]
    return "\n".join(lines).rstrip("\n") + "\n"


def _sheet(report: Report, task: TaskReport, one: CampaignProtocol) -> Iterator[str]:
    version = report.versions.get("tandem-eval", "unknown")
    title = f"{plain(task.task)}, campaign {plain(one.name)}"
    yield from (f"# Human Evaluation Datasheet: {title}", "")
    if one.raters.get("simulated"):
        yield from (f"> **{BANNER}**", "")
    yield plain(INTRODUCTION.format(study=report.study, version=version))
    yield ""
    yield from _section("1 Paper and resources", datasheet.resources(one))
    yield from _section("2 Systems", datasheet.systems(task))
    yield from ("## 3 Sample, evaluators, design", "")
    yield from _section("3.1 Sample of outputs", datasheet.sample(task, one), level=3)
    yield from _section("3.2 Evaluators", datasheet.evaluators(one), level=3)
    yield from _section("3.3 Experimental design", datasheet.design(task, one), level=3)
    for place, asked in enumerate(one.criteria, start=1):
        yield from (f"## 4 Quality criterion {place}: {plain(asked.name)}", "")
        yield from _section("4.1 What it is about", datasheet.quality(one), level=3)
        yield from _section("4.2 Evaluation mode", datasheet.mode(one), level=3)
        elicited = datasheet.elicitation(task, one, asked)
        yield from _section("4.3 How answers are elicited", elicited, level=3)
    yield from _section("5 Ethics", datasheet.ETHICS)
    yield from _beyond(report, task, one)


def _section(title: str, answered: Answered, *, level: int = 2) -> Iterator[str]:
    yield from (f"{'#' * level} {title}", "")
    yield from listing([(f"{at} {heading}", text) for at, heading, text in answered])


def _beyond(report: Report, task: TaskReport, one: CampaignProtocol) -> Iterator[str]:
    yield from ("## Beyond HEDS: what it takes to repeat it", "")
    said = [] if one.imported else [("Assignment", f"{methods.design(one)}.")]
    said += [(f"Wave {w.number}", listed(w.checkpoints)) for w in one.waves]
    said += [("Ratings used", _USED[task.human])]
    said += [("Exclusions", f"{methods.excluded(task)}.")]
    said += [("Seeds", f"intervals {report.seed}, {report.draws:,} draws")]
    said += methods.of_data(task.protocol)
    said += [("Metric", metric.signature) for metric in task.metrics]
    said += [("Version", f"{name} {found}") for name, found in report.versions.items()]
    yield from listing(said)
    rows = [[*map(plain, row)] for row in methods.of_models(task)]
    yield from tabled(["system", "run by", "fingerprint", "with"], rows)
