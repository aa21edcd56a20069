"""Scores and the metrics that gave them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.study.file import StudyFile
    from harness.types import Json, Score, Tally


@dataclass(frozen=True, slots=True)
class StoredScore:
    """A score as the report reads it."""

    item: str
    """Id of the item."""
    output: str | None
    """Id of the output; None for metrics of likelihood."""
    value: float | None
    """The metric's value for this output; None if it cannot judge it."""
    tally: Tally | None
    """Sufficient statistics; None as above."""


def store_metric(
    study: StudyFile,
    description: Mapping[str, Json],
    base: str | None = None,
    *,
    replace: bool = False,
) -> None:
    """Store what is needed to rebuild the metric when the study is reported.

    Unless `replace` is given, what was first stored of a signature stays; else the
    metric comes last from now on.
    """
    columns = ("signature", "name", "form", "spec", "unit", "higher_is_better")
    row = {column: description[column] for column in columns}
    with study.transaction() as db:
        if replace:
            db.table("metrics").upsert({**row, "base": base}, pk="signature")
            db.execute(
                "UPDATE metrics SET rowid = (SELECT max(rowid) + 1 FROM metrics) "
                "WHERE signature = ?",
                [row["signature"]],
            )
        else:
            study.insert("metrics", [{**row, "base": base}], ignore=True)


def store_whole(
    study: StudyFile, task: str, checkpoint: str, signatures: Sequence[str]
) -> None:
    """Add to the checkpoint's metrics on the task that have no value per output."""
    place = [task, checkpoint]
    with study.transaction() as db:
        [stored] = study.column(
            "SELECT whole FROM evaluations WHERE task = ? AND checkpoint = ?", place
        )
        known = json.loads(stored)
        known += [signature for signature in signatures if signature not in known]
        db.execute(
            "UPDATE evaluations SET whole = ? WHERE task = ? AND checkpoint = ?",
            [json.dumps(known), *place],
        )


def stored_metrics(study: StudyFile) -> dict[str, dict[str, Json]]:
    """Signature to description of every metric in the study that counts.

    Of metrics that a task writes alike the one that was stored last does: the others
    were made by a program that has changed since.
    """
    rows = study.rows("SELECT * FROM metrics ORDER BY rowid")
    newest = {(row["spec"], row["base"]): row["signature"] for row in rows}
    return {
        row["signature"]: {**row, "higher_is_better": bool(row["higher_is_better"])}
        for row in rows
        if row["signature"] == newest[row["spec"], row["base"]]
    }


def store_scores(study: StudyFile, scores: Iterable[tuple[Score, str]]) -> None:
    """Append scores, each with the key that says which truth it was measured by."""
    rows = [
        {
            "checkpoint": score.checkpoint,
            "item": score.item,
            "output": score.output,
            "signature": score.signature,
            "key": key,
            "value": score.value,
            "tally": None if score.tally is None else score.tally.tobytes(),
            "reason": score.reason,
        }
        for score, key in scores
    ]
    if rows:
        study.insert("scores", rows, ignore=True)


def current_scores(
    study: StudyFile, task: str, checkpoint: str
) -> dict[str, list[StoredScore]]:
    """The scores that count for a checkpoint on a task, by signature."""
    rows = study.rows(
        "SELECT item, output, signature, value, tally FROM current_scores "
        "WHERE task = ? AND checkpoint = ? ORDER BY item, sample",
        [task, checkpoint],
    )
    found: dict[str, list[StoredScore]] = {}
    for row in rows:
        tally = None if row["tally"] is None else np.frombuffer(row["tally"])
        found.setdefault(row["signature"], []).append(
            StoredScore(row["item"], row["output"], row["value"], tally)
        )
    return found
