"""Import ratings that people gave elsewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.data import Row, read_rows, text_of
from harness.errors import NotFound
from harness.identity import content_hash
from harness.importing.rows import Imported, name_of, number_of
from harness.study.checkpoints import stored_checkpoints
from harness.study.file import now
from harness.study.items import stored_tasks

if TYPE_CHECKING:
    from harness.study import StudyFile
    from harness.types import Json

CAMPAIGN = "imported"
_Targets = dict[tuple[str, str], dict[str, str]]
"""Item key and system to series to output id."""


@dataclass(frozen=True, slots=True)
class _Rating:
    rater: int
    output: str
    columns: dict[str, Json]


def import_ratings(study: StudyFile, file: Path, task: str) -> Imported:
    """Store ratings in the flat form: item, system, rater, criterion, value.

    They become a campaign `imported` of their own. A row may have `series`, `comment`
    and `seconds`. The same file twice adds nothing; another value for the same rater,
    output and criterion supersedes the earlier one.

    Raises:
        InputError: a row is not as it must be, or speaks of an output that the study
            does not have; nothing is stored then.
        NotFound: the study has no outputs for the task.
    """
    targets = _rated_outputs(study, task)
    if not targets:
        raise NotFound("task with outputs", task, stored_tasks(study))
    rows: dict[tuple[str, str, str], tuple[Row, float]] = {}
    for row in read_rows(str(file.resolve()), Path()):
        output = _target(row, targets, task)
        key = (name_of(row, "rater"), output, name_of(row, "criterion"))
        if key in rows:
            raise row.error(
                f"rater '{key[0]}' has rated this output on '{key[2]}' before, "
                f"in line {rows[key][0].line}; keep one of the two"
            )
        rows[key] = (row, number_of(row, "value", row.values.get("value")))
    with study.transaction():
        campaign = _imported_campaign(study, task, sorted({key[2] for key in rows}))
        raters = {
            name: _imported_rater(study, name)
            for name in dict.fromkeys(key[0] for key in rows)
        }
        _store_ratings(study, campaign, _unknown(study, task, raters, rows))
    rated = {output for _, output, _ in rows}
    spoken_of = [p for p, found in targets.items() if rated & set(found.values())]
    items, systems = {key for key, _ in spoken_of}, {name for _, name in spoken_of}
    return Imported(task, len(rows), len(items), len(systems), len(raters))


def _rated_outputs(study: StudyFile, task: str) -> _Targets:
    names = {c.id: (c.series, c.name) for c in stored_checkpoints(study, task)}
    targets: _Targets = {}
    for row in study.rows(
        "SELECT id, key, checkpoint FROM current_outputs WHERE task = ? AND sample = 0",
        [task],
    ):
        series, name = names[row["checkpoint"]]
        targets.setdefault((row["key"], name), {})[series] = row["id"]
    return targets


def _target(row: Row, targets: _Targets, task: str) -> str:
    key, system = text_of(row, "item"), text_of(row, "system")
    found = targets.get((key, system), {})
    if row.values.get("series"):
        series = text_of(row, "series")
        found = {series: found[series]} if series in found else {}
    if not found:
        raise row.error(
            f"task '{task}' has no output of system '{system}' for item '{key}'; "
            f"import the outputs first: harness import outputs FILE --task {task}"
        )
    if len(found) > 1:
        raise row.error(
            f"several series have a '{system}' ({', '.join(found)}); "
            "add a column 'series'"
        )
    return next(iter(found.values()))


def _imported_campaign(study: StudyFile, task: str, criteria: list[str]) -> int:
    protocol = {
        "task": task,
        "scheme": "imported",
        "criteria": [{"name": name, "question": name} for name in criteria],
    }
    study.insert(
        "campaigns",
        [
            {
                "task": task,
                "name": CAMPAIGN,
                "scheme": "imported",
                "protocol": json.dumps(protocol, sort_keys=True),
                "hash": content_hash(protocol),
                "created": now(),
            }
        ],
        ignore=True,
    )
    [number] = study.column(
        "SELECT id FROM campaigns WHERE hash = ?", [content_hash(protocol)]
    )
    return int(number)


def _imported_rater(study: StudyFile, name: str) -> int:
    # Ratings from a file are never taken for those of a person known here.
    taken = study.column(
        "SELECT 1 FROM raters WHERE name = ? AND kind != 'imported'", [name]
    )
    name = f"{name} (imported)" if taken else name
    study.insert(
        "raters", [{"name": name, "kind": "imported", "created": now()}], ignore=True
    )
    [number] = study.column("SELECT id FROM raters WHERE name = ?", [name])
    return int(number)


def _unknown(
    study: StudyFile,
    task: str,
    raters: dict[str, int],
    rows: dict[tuple[str, str, str], tuple[Row, float]],
) -> list[_Rating]:
    """The ratings that are not those which count already."""
    # A file with other criteria makes another campaign, but no second opinion.
    before = {
        (row["rater"], row["output"], row["criterion"]): (row["id"], row["value"])
        for row in study.rows(
            "SELECT current_ratings.* FROM current_ratings "
            "JOIN campaigns ON campaigns.id = current_ratings.campaign "
            "WHERE campaigns.task = ? AND campaigns.scheme = 'imported'",
            [task],
        )
    }
    found = []
    for (name, output, criterion), (row, value) in rows.items():
        earlier, stored = before.get((raters[name], output, criterion), (None, None))
        if stored != value:
            columns = {
                "output": output,
                "criterion": criterion,
                "value": value,
                "comment": text_of(row, "comment") if _has(row, "comment") else None,
                "seconds": number_of(row, "seconds", row.values["seconds"])
                if _has(row, "seconds")
                else None,
                "supersedes": earlier,
                "created": now(),
            }
            found.append(_Rating(raters[name], output, columns))
    return found


def _has(row: Row, column: str) -> bool:
    return row.values.get(column) not in (None, "")


def _store_ratings(study: StudyFile, campaign: int, ratings: list[_Rating]) -> None:
    pairs = {(rating.rater, rating.output) for rating in ratings}
    assignments = _imported_assignments(study, campaign, pairs)
    study.insert(
        "ratings",
        [
            {"assignment": assignments[rating.rater, rating.output], **rating.columns}
            for rating in ratings
        ],
    )


def _imported_assignments(
    study: StudyFile, campaign: int, pairs: set[tuple[int, str]]
) -> dict[tuple[int, str], int]:
    def token(rater: int, output: str) -> str:
        return content_hash(CAMPAIGN, campaign, rater, output)

    ordered = sorted(pairs)
    study.insert(
        "assignments",
        [
            {
                "campaign": campaign,
                "rater": rater,
                "token": token(rater, output),
                "probability": 1.0,
            }
            for rater, output in ordered
        ],
        ignore=True,
    )
    ids = study.mapping(
        "SELECT token, id FROM assignments WHERE campaign = ?", [campaign]
    )
    found = {pair: int(ids[token(*pair)]) for pair in ordered}
    study.insert(
        "assignment_outputs",
        [
            {"assignment": number, "position": 0, "output": output}
            for (_, output), number in found.items()
        ],
        ignore=True,
    )
    return found
