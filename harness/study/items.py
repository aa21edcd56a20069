"""Tasks and items in the study file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.errors import InputError
from harness.identity import content_hash
from harness.study.file import now
from harness.types import Item

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.study.file import StudyFile
    from harness.types import Json

UPSERT = """
    INSERT INTO items (id, task, key, prompt, messages, refs, refs_hash, meta, active)
    VALUES (:id, :task, :key, :prompt, :messages, :refs, :refs_hash, :meta, 1)
    ON CONFLICT (id) DO UPDATE SET messages = excluded.messages, refs = excluded.refs,
        refs_hash = excluded.refs_hash, meta = excluded.meta, active = 1
"""


def task_version(name: str, text: str) -> str:
    """Hash of a task's file."""
    return content_hash(name, text)


def store_task(study: StudyFile, name: str, text: str, path: Path | None) -> str:
    """Keep this version of a task's file; returns its hash."""
    version = task_version(name, text)
    study.insert(
        "tasks",
        [
            {
                "hash": version,
                "name": name,
                "text": text,
                "path": str(path) if path else None,
                "created": now(),
            }
        ],
        ignore=True,
    )
    return version


def store_items(
    study: StudyFile, task: str, items: Sequence[Item], *, complete: bool = True
) -> None:
    """Store items; mended references replace the old ones.

    With `complete`, items of the task that are not among these are no longer
    reported; their outputs and ratings stay.

    Raises:
        InputError: an item has a value that no JSON can hold; nothing is stored.
    """
    wanted = {item.id: _row(item) for item in items}
    stored = {
        row["id"]: (row["refs_hash"], row["active"])
        for row in study.rows(
            "SELECT id, refs_hash, active FROM items WHERE task = ?", [task]
        )
    }
    changed = [
        row for id_, row in wanted.items() if stored.get(id_) != (row["refs_hash"], 1)
    ]
    gone = [id_ for id_, (_, active) in stored.items() if active and id_ not in wanted]
    if not changed and not (complete and gone):
        return
    with study.transaction() as db:
        db.conn.executemany(UPSERT, changed)
        if complete:
            db.conn.executemany(
                "UPDATE items SET active = 0 WHERE id = ?", [(id_,) for id_ in gone]
            )


def stored_items(study: StudyFile, task: str) -> list[Item]:
    """The task's items that are reported, in the order they were stored."""
    rows = study.rows(
        "SELECT * FROM items WHERE task = ? AND active ORDER BY rowid", [task]
    )
    return [item_of(row) for row in rows]


def stored_tasks(study: StudyFile) -> list[str]:
    """Names of the tasks that have outputs, in the order they were first seen."""
    return study.column(
        "SELECT task FROM evaluations JOIN tasks ON tasks.name = evaluations.task "
        "GROUP BY task ORDER BY min(tasks.rowid)"
    )


def item_of(row: Mapping[str, Json]) -> Item:
    """An item from its row."""
    return Item(
        id=row["id"],
        task=row["task"],
        key=row["key"],
        prompt=row["prompt"],
        references=tuple(json.loads(row["refs"])),
        messages=tuple(json.loads(row["messages"])),
        meta=json.loads(row["meta"]),
    )


def truth_of(item: Item) -> str:
    """Hash of what an answer is measured by: the references and every column."""
    # Metrics may read any column, so a change in any of them is a new truth.
    return content_hash(item.references, _meta(item))


def _meta(item: Item) -> str:
    try:
        # Dates and other values of Parquet columns are kept as text.
        return json.dumps(dict(item.meta), ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"item '{item.key}' of task '{item.task}' has a column that cannot be "
            f"stored: {error}"
        ) from error


def _row(item: Item) -> dict[str, Json]:
    return {
        "id": item.id,
        "task": item.task,
        "key": item.key,
        "prompt": item.prompt,
        "messages": json.dumps([dict(m) for m in item.messages], ensure_ascii=False),
        "refs": json.dumps(item.references, ensure_ascii=False),
        "refs_hash": truth_of(item),
        "meta": _meta(item),
    }
