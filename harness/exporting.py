"""Export: every table of a study as plain files, and ratings for other tools."""

from __future__ import annotations

import csv
import json
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Literal
from zipfile import ZIP_DEFLATED, ZipFile

from harness.argilla import write_argilla
from harness.errors import NotFound, StudyError, UsageError
from harness.label_studio import write_label_studio
from harness.rated import rated_campaigns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.study import StudyFile
    from harness.types import Json

SECRETS = frozenset(("invites", "sessions", "owner_invites", "owner_sessions"))
"""Tables of what lets somebody in; they are never exported."""


def export(
    study: StudyFile,
    folder: Path,
    *,
    kind: Literal["csv", "jsonl"] = "csv",
    names: Sequence[str] = (),
) -> list[Path]:
    """Write tables or views, each to a file of its own.

    Tallies are written as hexadecimal digits of their float64 values.

    Args:
        study: what to export.
        folder: created if need be; files there are replaced.
        kind: form of the files.
        names: tables or views; none named: every table and view.

    Raises:
        NotFound: there is no such table or view.
        UsageError: the folder cannot be written.
    """
    known = _known(study)
    for name in names:
        if name not in known:
            raise NotFound("table or view", name, known)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(study, folder, name, kind) for name in names or known]
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from error


def export_ratings(
    study: StudyFile, folder: Path, form: Literal["label-studio", "argilla"]
) -> list[Path]:
    """Write what was rated, campaign by campaign, for another tool to import.

    Args:
        study: what to export.
        folder: created if need be; files there are replaced.
        form: the tool.

    Raises:
        StudyError: nothing has been rated.
        UsageError: the folder cannot be written.
    """
    campaigns = rated_campaigns(study)
    if not campaigns:
        raise StudyError(
            f"{study.path} has no ratings to export. Collect some first: harness rate"
        )
    write = {"label-studio": write_label_studio, "argilla": write_argilla}[form]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return write(campaigns, folder)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from error


def archive(
    study: StudyFile,
    file: IO[bytes],
    *,
    kind: Literal["csv", "jsonl", "label-studio", "argilla"] = "csv",
) -> None:
    """Write what `export` or `export_ratings` would to one ZIP file that is open.

    Raises:
        StudyError: for another tool, and nothing has been rated.
    """
    with ZipFile(file, "w", ZIP_DEFLATED) as packed:
        if kind in {"label-studio", "argilla"}:
            with TemporaryDirectory() as name:
                folder = Path(name)
                for path in export_ratings(study, folder, kind):
                    packed.write(path, path.relative_to(folder))
            return
        for name in _known(study):
            with (
                packed.open(f"{name}.{kind}", "w", force_zip64=True) as entry,
                TextIOWrapper(entry, encoding="utf-8", newline="") as text,
            ):
                _write_rows(study, text, name, kind)


def _known(study: StudyFile) -> list[str]:
    return [
        name
        for name in study.names()
        if not name.startswith(("_", "sqlite_")) and name not in SECRETS
    ]


def _write(study: StudyFile, folder: Path, name: str, kind: str) -> Path:
    path, unfinished = folder / f"{name}.{kind}", folder / f".{name}.{kind}"
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        _write_rows(study, file, name, kind)
    unfinished.replace(path)
    return path


def _write_rows(study: StudyFile, file: IO[str], name: str, kind: str) -> None:
    rows = study.each(f'SELECT * FROM "{name}"')  # noqa: S608 - a known name
    plain = ({key: _plain(value) for key, value in row.items()} for row in rows)
    if kind == "csv":
        columns = study.column("SELECT name FROM pragma_table_info(?)", [name])
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(plain)
    else:
        for row in plain:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _plain(value: Json) -> Json:
    return value.hex() if isinstance(value, bytes) else value
