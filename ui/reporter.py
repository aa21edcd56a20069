"""The process that makes the owner's report, so that raters are not kept waiting.

    python -P -m ui.reporter STUDY FOLDER

It leaves the report in each form that can be downloaded, samples of outputs over time,
and `about.json`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.study import StudyFile

ABOUT = "about.json"
"""When the report was made and what it says; there only once all forms are."""
SAMPLES = "samples.html"
"""Outputs from checkpoint to checkpoint; missing where there is no output."""
MOST_SAMPLES = 100
"""Items of each task on that page."""
NICENESS = 15
"""So that a server that shares the processor is asked first."""
NEWEST = """
    SELECT (SELECT max(id) FROM ratings) AS ratings,
        (SELECT max(rowid) FROM outputs) AS outputs,
        (SELECT max(rowid) FROM scores) AS scores,
        (SELECT max(rowid) FROM likelihoods) AS likelihoods,
        (SELECT max(rowid) FROM metrics) AS metrics,
        (SELECT max(rowid) FROM tasks) AS tasks
"""


def newest(study: StudyFile) -> dict[str, int | None]:
    """Number of the last row of each table that a report reads and that grows."""
    return dict(study.rows(NEWEST)[0])


def written_forms() -> tuple[str, ...]:
    """The forms of a report that can be downloaded."""
    from harness.reporting import FORMATS

    return tuple(form for form in FORMATS if form != "text")


def make(study_path: Path, folder: Path) -> None:
    """Write the report on all tasks of a study in every form.

    Raises:
        HarnessError: the study cannot be opened or reported on.
    """
    from harness.report import report
    from harness.reporting import render
    from harness.study import StudyFile
    from harness.study.file import now

    study = StudyFile(study_path, must_exist=True)
    try:
        # What comes in meanwhile is told as newer, even where it was read.
        about = {"at": now(), "newest": newest(study)}
        made = report(study)
        write_samples(study, folder)
    finally:
        study.close()
    for form in written_forms():
        text = render(made, form)
        (folder / f"report.{form}").write_text(text, encoding="utf-8")
    told = [{"task": task.task, "verdict": task.sentences} for task in made.tasks]
    unfinished = folder / f"{ABOUT}.part"
    unfinished.write_text(json.dumps(about | {"tasks": told}), encoding="utf-8")
    unfinished.replace(folder / ABOUT)


def write_samples(study: StudyFile, folder: Path) -> None:
    """Write how outputs changed, those that people rated first, if there are any."""
    from harness.reporting import render_samples
    from harness.samples import Wish, samples

    try:
        found = samples(study, wish=Wish(pick="rated", limit=MOST_SAMPLES))
    except UsageError:
        return
    (folder / SAMPLES).write_text(render_samples(found, "html"), encoding="utf-8")


def main(arguments: Sequence[str]) -> str | None:
    """Make the report with low priority; why not, in words for the owner."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    study_path, folder = map(Path, arguments)
    try:
        make(study_path, folder)
    except HarnessError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
