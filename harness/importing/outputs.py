"""Import outputs that were made elsewhere, with the scores they carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.identity import content_hash
from harness.importing.reading import read_outputs
from harness.importing.rows import Imported
from harness.metrics import describe
from harness.metrics.imported import IMPORTED
from harness.study.checkpoints import store_checkpoint
from harness.study.items import store_items, store_task, stored_items
from harness.study.outputs import (
    Evaluation,
    output_id,
    store_evaluation,
    store_outputs,
)
from harness.study.scores import store_metric, store_scores
from harness.types import Checkpoint, Item, Output, Score

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.importing.reading import ReadOutputs, Said
    from harness.study import StudyFile

SETTINGS = "imported"

OUTDATED = """
    SELECT count(*) FROM (
        SELECT output, signature FROM scores JOIN items ON items.id = scores.item
        WHERE items.task = ? AND signature LIKE '%' || ?
        EXCEPT SELECT output, signature FROM current_scores WHERE task = ?
    )
"""


def import_outputs(
    study: StudyFile,
    file: Path,
    task: str,
    *,
    lower_is_better: Sequence[str] = (),
    form: str | None = None,
    system: str | None = None,
) -> Imported:
    """Store outputs made elsewhere, with the scores that they carry.

    A row of the flat form has `item`, `system`, `output` and, where there is one,
    `prompt`, `references` (a text or a list), `scores` (metric to value), `sample`,
    `step` and `series`.

    The same file twice adds nothing; an output or score that differs from the one
    imported before is refused.

    Args:
        study: where to; may be empty.
        file: JSONL, CSV or Parquet in the flat form, samples that
            lm-evaluation-harness logged, or an Inspect log as JSON; also gzipped.
        task: the task they answer; created if it is new.
        lower_is_better: names of imported metrics for which less is better; it holds
            for what was imported before, too.
        form: what made the file, one of `harness.importing.Form`; by default it is told
            by its contents.
        system: name of the system, where the file does not say or another is wanted.

    Raises:
        InputError: a row is not as it must be; nothing is stored then.
        UsageError: `task` is no name, `form` is none, or `lower_is_better` names a
            metric that the file does not carry.
    """
    read = read_outputs(
        file, task, lower_is_better=lower_is_better, form=form, system=system
    )
    return store_read(study, read)


def store_read(study: StudyFile, read: ReadOutputs) -> Imported:
    """Store outputs that were read from a file.

    Raises:
        InputError: one contradicts what the study holds; nothing is stored then.
    """
    task = read.task
    items = _items(study, read)
    with study.transaction():
        version = _version(study, task, read.file)
        store_items(study, task, list(items.values()), complete=False)
        checkpoints = {
            key: _replayed(study, *key, step) for key, step in read.systems.items()
        }
        for name, metric in read.metrics.items():
            store_metric(study, describe(metric), replace=name in read.lower_is_better)
        _store_rows(study, read, items, checkpoints)
        for checkpoint in checkpoints.values():
            store_evaluation(study, _evaluation(study, checkpoint, task, version))
    return Imported(
        task,
        len(read.outputs),
        len(items),
        len(checkpoints),
        left_out=read.left_out,
        unread=tuple(read.unread),
        outdated=study.column(OUTDATED, [task, IMPORTED, task])[0],
    )


def _items(study: StudyFile, read: ReadOutputs) -> dict[str, Item]:
    """Key to item; what the file leaves out is taken from the study."""
    known = {item.key: item for item in stored_items(study, read.task)}
    found = {}
    for key, said in read.items.items():
        item = _item(read.task, key, said, known.get(key))
        if key in known and known[key].id != item.id:
            raise said.row.error(
                f"item '{key}' of task '{read.task}' has another prompt in the study; "
                "leave 'prompt' out to take that one, or give the task another name"
            )
        found[key] = item
    return found


def _item(task: str, key: str, said: Said, known: Item | None) -> Item:
    prompt, references = said.prompt, said.references
    if known is not None:
        prompt = known.prompt if prompt is None else prompt
        references = references or known.references
    prompt = prompt or ""
    same = known is not None and known.prompt == prompt
    return Item(
        id=known.id if known and same else content_hash(task, key, prompt),
        task=task,
        key=key,
        prompt=prompt,
        references=references,
        messages=known.messages if known and same else (),
        meta=known.meta if known and same else said.meta,
    )


def _replayed(
    study: StudyFile, series: str, system: str, step: int | None
) -> Checkpoint:
    return store_checkpoint(
        study,
        series=series,
        name=system,
        step=step,
        backend="replay",
        fingerprint=content_hash("imported", system),
    )


def _version(study: StudyFile, task: str, file: Path) -> str:
    """Hash of the task's file, or of a note in its place if there is none."""
    known = study.column(
        "SELECT hash FROM tasks WHERE name = ? ORDER BY rowid DESC LIMIT 1", [task]
    )
    if known:
        return str(known[0])
    return store_task(study, task, f"# imported from {file.name}\n", None)


def _evaluation(
    study: StudyFile, checkpoint: Checkpoint, task: str, version: str
) -> Evaluation:
    [most] = study.column(
        "SELECT max(sample) FROM outputs JOIN items ON items.id = outputs.item "
        "WHERE checkpoint = ? AND settings = ? AND task = ?",
        [checkpoint.id, SETTINGS, task],
    )
    return Evaluation(
        checkpoint=checkpoint.id,
        task=task,
        task_hash=version,
        settings=SETTINGS,
        likelihood_settings=SETTINGS,
        samples=most + 1,
    )


def _store_rows(
    study: StudyFile,
    read: ReadOutputs,
    items: Mapping[str, Item],
    checkpoints: Mapping[tuple[str, str], Checkpoint],
) -> None:
    before = study.mapping(
        "SELECT id, text FROM outputs WHERE settings = ?", [SETTINGS]
    )
    truths = study.mapping(
        "SELECT id, refs_hash FROM items WHERE task = ?", [read.task]
    )
    scored = _scored(study, list(checkpoints.values()))
    outputs: list[Output] = []
    scores: list[tuple[Score, str]] = []
    for (key, series, system, sample), given in read.outputs.items():
        item, checkpoint = items[key], checkpoints[series, system]
        id_ = output_id(item.id, checkpoint.id, sample, SETTINGS)
        if before.get(id_, given.text) != given.text:
            raise given.row.error(
                f"another output of system '{system}' for item '{key}' was imported "
                "before; give the new one another system name"
            )
        outputs.append(
            Output(id_, item.id, checkpoint.id, given.text, sample, SETTINGS, SETTINGS)
        )
        for name, value in given.scores.items():
            score = read.metrics[name].given(checkpoint.id, item.id, id_, value)
            truth = truths[item.id]
            if scored.get((id_, score.signature, truth), value) != value:
                raise given.row.error(
                    f"another value of '{name}' was imported for this output before; "
                    "give the new metric another name"
                )
            scores.append((score, truth))
    store_outputs(study, outputs)
    store_scores(study, scores)


def _scored(
    study: StudyFile, checkpoints: Sequence[Checkpoint]
) -> dict[tuple[str, str, str], float | None]:
    """Output, signature and truth to the value that is stored already."""
    return {
        (row["output"], row["signature"], row["key"]): row["value"]
        for checkpoint in checkpoints
        for row in study.rows(
            "SELECT output, signature, key, value FROM scores WHERE checkpoint = ?",
            [checkpoint.id],
        )
    }
