"""Checkpoints in the study file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.errors import NotFound, UsageError
from harness.identity import FileStamp, content_hash
from harness.study.file import now
from harness.types import Checkpoint

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from harness.study.file import StudyFile
    from harness.types import Json


SEEN_AGAIN = """
    UPDATE checkpoints SET backend = :backend, location = :location, step = :step,
        configuration = :configuration
    WHERE id = :id
"""


def store_checkpoint(  # noqa: PLR0913 - one argument a column
    study: StudyFile,
    *,
    series: str,
    name: str,
    step: int | None,
    backend: str,
    fingerprint: str,
    location: str | None = None,
    configuration: Mapping[str, Json] | None = None,
) -> Checkpoint:
    """Store a checkpoint, or find the one with these contents.

    A folder that was overwritten holds another checkpoint: if the name is taken, the
    newcomer's carries the first digits of its fingerprint. Contents that were seen
    before keep their name; backend, location, step and configuration are what they are
    found with now.
    """
    id_ = content_hash(series, fingerprint)
    trained = json.dumps(configuration or {})
    with study.transaction() as db:
        db.execute("INSERT OR IGNORE INTO series (name) VALUES (?)", [series])
        found = study.rows("SELECT * FROM checkpoints WHERE id = ?", [id_])
        if found:
            seen = {**found[0], "backend": backend, "location": location}
            if step is not None:
                seen["step"] = step
            if configuration is not None:
                seen["configuration"] = trained
            db.execute(SEEN_AGAIN, seen)
            return checkpoint_of(seen)
        taken = study.column("SELECT name FROM checkpoints WHERE series = ?", [series])
        row = {
            "id": id_,
            "series": series,
            "name": f"{name}~{fingerprint[:6]}" if name in taken else name,
            "step": step,
            "backend": backend,
            "fingerprint": fingerprint,
            "location": location,
            "configuration": trained,
            "created": now(),
        }
        study.insert("checkpoints", [row])
    return checkpoint_of(row)


def stored_checkpoints(study: StudyFile, task: str | None = None) -> list[Checkpoint]:
    """All checkpoints, or those evaluated on a task, by series and step."""
    if task is None:
        rows = study.rows("SELECT * FROM checkpoints")
    else:
        rows = study.rows(
            "SELECT * FROM checkpoints WHERE id IN "
            "(SELECT checkpoint FROM evaluations WHERE task = ?)",
            [task],
        )
    return sorted(map(checkpoint_of, rows), key=lambda checkpoint: checkpoint.order)


def is_named(checkpoint: Checkpoint, names: Collection[str]) -> bool:
    """Whether NAME or SERIES/NAME is among the names."""
    return bool({checkpoint.name, f"{checkpoint.series}/{checkpoint.name}"} & {*names})


def find_checkpoint(study: StudyFile, name: str) -> Checkpoint:
    """The checkpoint of that name, or of SERIES/NAME where the name alone is not clear.

    Raises:
        NotFound: there is none; the nearest name is suggested.
        UsageError: several series have one of that name.
    """
    known = stored_checkpoints(study)
    found = [c for c in known if name in {c.name, f"{c.series}/{c.name}", c.id}]
    if not found:
        raise NotFound("checkpoint", name, {c.name for c in known})
    if len(found) > 1:
        choices = ", ".join(f"{c.series}/{c.name}" for c in found)
        raise UsageError(f"Several checkpoints are named '{name}': write {choices}.")
    return found[0]


def store_used(
    study: StudyFile, run: int | None, checkpoint: Checkpoint, used: Mapping[str, Json]
) -> None:
    """Note in the run's settings what it used for a checkpoint, say which dtype."""
    with study.transaction() as db:
        db.execute(
            "UPDATE runs SET settings = json_set(settings, ?, json(?)) WHERE id = ?",
            [f'$.used."{checkpoint.id}"', json.dumps(used), run],
        )


def used_for(study: StudyFile, task: str) -> dict[str, dict[str, Json]]:
    """Id of each checkpoint to what its answers to a task were made with.

    That is what the run used that asked it last. If that found all answers there and
    loaded no model, the latest run before it tells device and versions.
    """
    rows = study.rows(
        "SELECT evaluations.checkpoint, json_extract(runs.settings, "
        "'$.used.\"' || evaluations.checkpoint || '\"') AS used "
        "FROM evaluations JOIN runs ON runs.id <= evaluations.run "
        "WHERE evaluations.task = ? AND used IS NOT NULL ORDER BY runs.id DESC",
        [task],
    )
    found: dict[str, dict[str, Json]] = {}
    for row in rows:
        used = json.loads(row["used"])
        if found.setdefault(row["checkpoint"], used).items() < used.items():
            found[row["checkpoint"]] = used
    return found


def configurations_for(study: StudyFile, task: str) -> dict[str, dict[str, Json]]:
    """Id of each checkpoint of a task to how it was trained, if that is known."""
    rows = study.rows(
        "SELECT id, configuration FROM checkpoints WHERE configuration <> '{}' AND id "
        "IN (SELECT checkpoint FROM evaluations WHERE task = ?)",
        [task],
    )
    return {row["id"]: json.loads(row["configuration"]) for row in rows}


def known_hashes(study: StudyFile) -> dict[FileStamp, str]:
    """Hashes of files that were read before."""
    return {
        FileStamp(row["path"], row["size"], row["mtime_ns"], row["inode"]): row["hash"]
        for row in study.rows("SELECT * FROM file_hashes")
    }


def store_hashes(study: StudyFile, hashes: Mapping[FileStamp, str]) -> None:
    """Remember hashes of files, in place of what was remembered of them before."""
    rows = [
        {
            "path": stamp.path,
            "size": stamp.size,
            "mtime_ns": stamp.mtime_ns,
            "inode": stamp.inode,
            "hash": hash_,
        }
        for stamp, hash_ in hashes.items()
    ]
    if rows:
        with study.transaction() as db:
            db.table("file_hashes").insert_all(rows, replace=True)


def checkpoint_of(row: Mapping[str, Json]) -> Checkpoint:
    """A checkpoint from its row."""
    return Checkpoint(
        id=row["id"],
        name=row["name"],
        series=row["series"],
        step=row["step"],
        backend=row["backend"],
        fingerprint=row["fingerprint"],
        location=row["location"],
    )
