"""What checkpoints wrote and how probable they found the references."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from sys import intern
from typing import TYPE_CHECKING

from harness.identity import content_hash
from harness.study.file import now
from harness.study.items import truth_of
from harness.types import Likelihood, Output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.study.file import StudyFile
    from harness.types import Item

THERE = "SELECT id FROM outputs WHERE id IN (SELECT value FROM json_each(?))"
CURRENT = """
    SELECT outputs.id, outputs.item, outputs.text, outputs.sample, outputs.settings,
        outputs.finish, outputs.prompt_tokens, outputs.new_tokens, outputs.truncated
    FROM current_outputs AS outputs JOIN items ON items.id = outputs.item
    WHERE outputs.task = ? AND outputs.checkpoint = ?
    ORDER BY items.rowid, outputs.sample
"""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a checkpoint was last asked for on a task."""

    checkpoint: str
    """Id of the checkpoint."""
    task: str
    """Name of the task."""
    task_hash: str
    """Version of the task file."""
    settings: str
    """Hash of what decides the outputs, beside item and checkpoint."""
    likelihood_settings: str
    """Hash of what decides the likelihoods, beside item and checkpoint."""
    samples: int
    """Outputs wanted of each item; 0 where only likelihoods are asked for."""


def store_evaluation(
    study: StudyFile, evaluation: Evaluation, run: int | None = None
) -> None:
    """Make this what is reported of the checkpoint on the task."""
    with study.transaction() as db:
        db.table("evaluations").upsert(
            {**asdict(evaluation), "run": run}, pk=("checkpoint", "task")
        )


def output_id(item: str, checkpoint: str, sample: int, settings: str) -> str:
    """The id of an output: hash of what it is an answer to."""
    return content_hash(item, checkpoint, sample, settings)


def store_outputs(study: StudyFile, outputs: Iterable[Output]) -> list[Output]:
    """Append outputs; one that is there already stays as it is.

    Returns:
        Those that were not there. Another process may have stored other words.
    """
    found: dict[str, Output] = {}
    for output in outputs:
        found.setdefault(output.id, output)
    with study.transaction():
        there = set(study.column(THERE, [json.dumps([*found])]))
        new = [output for id_, output in found.items() if id_ not in there]
        study.insert("outputs", [{**asdict(one), "created": now()} for one in new])
    return new


def store_likelihoods(
    study: StudyFile, likelihoods: Iterable[Likelihood], *, items: Iterable[Item]
) -> None:
    """Append likelihoods of the texts that the items had when they were asked."""
    # Not those that the study holds now: another process may have mended them since.
    truths = {item.id: truth_of(item) for item in items}
    rows = [{**asdict(one), "refs_hash": truths[one.item]} for one in likelihoods]
    if rows:
        study.insert("likelihoods", rows, ignore=True)


def current_outputs(study: StudyFile, task: str, checkpoint: str) -> list[Output]:
    """The outputs that count for a checkpoint on a task, by item and sample."""
    rows = study.tuples(CURRENT, [task, checkpoint])
    # Of very many outputs the names that they share are kept once.
    return [
        Output(
            id=id_,
            item=intern(item),
            checkpoint=checkpoint,
            text=text,
            sample=sample,
            settings=intern(settings),
            finish=intern(finish),
            prompt_tokens=read,
            new_tokens=written,
            truncated=bool(truncated),
        )
        for id_, item, text, sample, settings, finish, read, written, truncated in rows
    ]


def current_likelihoods(
    study: StudyFile, task: str, checkpoint: str
) -> list[Likelihood]:
    """The likelihoods that count for a checkpoint on a task."""
    rows = study.rows(
        "SELECT * FROM current_likelihoods WHERE task = ? AND checkpoint = ?",
        [task, checkpoint],
    )
    return [
        Likelihood(
            item=row["item"],
            checkpoint=row["checkpoint"],
            nll=row["nll"],
            tokens=row["tokens"],
            words=row["words"],
            bytes=row["bytes"],
            truncated=bool(row["truncated"]),
            settings=row["settings"],
            reason=row["reason"],
            target=row["target"],
            policy=row["policy"],
        )
        for row in rows
    ]
