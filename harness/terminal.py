"""What the commands share: which study file, and what is printed how."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import typer

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.progress import Progress as Bars
    from rich.progress import Task, TaskID
    from rich.table import Table

    from harness.progress import Progress
    from harness.study import StudyFile
    from harness.types import Json

RESULTS = Path("results")
PATIENCE_SECONDS = 1.0
"""Work that is done sooner needs no bar."""


def open_study(
    db: Path | None, name: str | None = None, *, must_exist: bool = False
) -> StudyFile:
    """The study that `--db` names, else the one of a suite, else the only one.

    Raises:
        UsageError: it is not clear which study is meant.
        StudyError: the file cannot be opened.
    """
    from harness.study import StudyFile

    if db is None and name is not None:
        db = study_path(None, name)
        db = None if must_exist and not db.is_file() else db
    return StudyFile(db or _only_study(), must_exist=must_exist)


def study_path(db: Path | None, suite: str) -> Path:
    """The study file that `--db` names, else that of the suite; it may not exist."""
    return db or RESULTS / f"{_study_name(suite)}.db"


def _study_name(name: str) -> str:
    from harness.errors import NotFound
    from harness.task import find_suite, suite_name

    try:
        return suite_name(find_suite(name))
    except NotFound:
        return Path(name).stem


def _only_study() -> Path:
    studies = sorted(RESULTS.glob("*.db"))
    if len(studies) == 1:
        return studies[0]
    found = ", ".join(map(str, studies)) or f"there is none in {RESULTS}{os.sep}"
    raise UsageError(f"Name the study file with --db ({found}).")


def print_rows(rows: Sequence[Mapping[str, Json]], *, as_json: bool) -> None:
    """Rows of equal keys as a table, or as JSON."""
    if as_json:
        print_json(list(map(dict, rows)))
        return
    if not rows:
        tell("There is none.")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in rows[0]:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Names come from files and may hold what rich takes for markup.
        cells = ("" if value is None else str(value) for value in row.values())
        table.add_row(*map(Text, cells))
    Console().print(table)


def print_json(values: Json) -> None:
    """Values as JSON on stdout."""
    typer.echo(json.dumps(values, ensure_ascii=False, indent=2, allow_nan=False))


def print_line(values: Json) -> None:
    """Values as one line of JSON on stdout, at once."""
    sys.stdout.write(json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def tell(message: str) -> None:
    """A word on what was done, on stderr so that results can be piped."""
    typer.echo(message, err=True)


def write_text(out: Path, text: str) -> None:
    """Write a file, and say so; one that was there is kept until this is done.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        # A full disk must not cost the report that was there.
        unfinished = out.with_name(f".{out.name}.part")
        special = out.exists() and not out.is_file()
        (out if special else unfinished).write_text(text, encoding="utf-8")
        if not special:
            unfinished.replace(out)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}") from error
    tell(f"wrote {out}")


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Progress as bars, one a label, for work of more than a second.

    A bar appears by itself, also while nothing is told, as when a model is loaded.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.progress import Progress as Bars

    class Patient(Bars):
        def make_tasks_table(self, tasks: Iterable[Task]) -> Table:
            return super().make_tasks_table(filter(_is_long, tasks))

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    bars = Patient(*columns, console=console, disable=not sys.stderr.isatty())
    with bars:
        yield _Drawn(bars)


def _is_long(task: Task) -> bool:
    seconds = task.finished_time if task.finished else task.elapsed
    return (seconds or 0) >= PATIENCE_SECONDS


class _Drawn:
    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._drawn: dict[str, TaskID] = {}
        self._drawing = Lock()

    def __call__(self, label: str, done: int, total: int) -> None:
        with self._drawing:
            if label not in self._drawn:
                self._drawn[label] = self._bars.add_task(label, total=total)
        self._bars.update(self._drawn[label], completed=done, total=total)
