"""Import outputs that were made elsewhere, with the scores they carry."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.checkpoints import step_of_name
from harness.data import Row, read_rows, text_of
from harness.errors import UsageError, shown
from harness.identity import content_hash
from harness.importing.rows import Imported, name_of, number_of, whole_number_of
from harness.metrics import describe
from harness.metrics.imported import ImportedMetric
from harness.study.checkpoints import store_checkpoint
from harness.study.items import store_items, store_task, stored_items
from harness.study.outputs import (
    Evaluation,
    output_id,
    store_evaluation,
    store_outputs,
)
from harness.study.scores import store_metric, store_scores
from harness.taskfile import NAME
from harness.types import Checkpoint, Item, Output, Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.study import StudyFile

SETTINGS = "imported"


@dataclass(slots=True)
class _Batch:
    """Rows gathered before anything is stored, so that a bad row stores nothing."""

    items: dict[str, Item] = field(default_factory=dict)
    systems: dict[tuple[str, str], int | None] = field(default_factory=dict)
    outputs: dict[tuple[str, str, str, int], Row] = field(default_factory=dict)


def import_outputs(
    study: StudyFile, file: Path, task: str, *, lower_is_better: Sequence[str] = ()
) -> Imported:
    """Store outputs in the flat form, with the scores that they carry.

    A row has `item`, `system`, `output` and, where there is one, `prompt`,
    `references` (a text or a list), `scores` (metric to value), `sample`, `step` and
    `series`.

    The same file twice adds nothing; an output or score that differs from the one
    imported before is refused.

    Args:
        study: where to; may be empty.
        file: JSONL, CSV or Parquet, also gzipped.
        task: the task they answer; created if it is new.
        lower_is_better: names of imported metrics for which less is better; it holds
            for what was imported before, too.

    Raises:
        InputError: a row is not as it must be; nothing is stored then.
        UsageError: `task` is no name, or `lower_is_better` names a metric that the
            file does not carry.
    """
    if not re.fullmatch(NAME, task):
        raise UsageError(
            f"A task's name has 1 to 100 of A-Z, a-z, 0-9, '_', '.' and '-', "
            f"but this one is {shown(task)}."
        )
    known = {item.key: item for item in stored_items(study, task)}
    batch = _Batch()
    carried: dict[str, None] = {}
    for row in read_rows(str(file.resolve()), Path()):
        _gather(row, task, known, batch)
        carried |= dict.fromkeys(_scores(row))
    for name in lower_is_better:
        if name not in carried:
            raise UsageError(
                f"--lower-is-better {name}: the file carries no such metric; "
                f"it carries: {', '.join(carried) or 'none'}."
            )
    with study.transaction():
        version = _version(study, task, file)
        store_items(study, task, list(batch.items.values()), complete=False)
        checkpoints = {
            key: _replayed(study, *key, step) for key, step in batch.systems.items()
        }
        metrics = {
            name: ImportedMetric(
                name=name, higher_is_better=name not in lower_is_better
            )
            for name in carried
        }
        for name, metric in metrics.items():
            store_metric(study, describe(metric), replace=name in lower_is_better)
        _store_rows(study, task, batch, checkpoints, metrics)
        for checkpoint in checkpoints.values():
            store_evaluation(study, _evaluation(study, checkpoint, task, version))
    return Imported(task, len(batch.outputs), len(batch.items), len(batch.systems))


def _gather(row: Row, task: str, known: dict[str, Item], batch: _Batch) -> None:
    key, system = name_of(row, "item"), name_of(row, "system")
    text_of(row, "output")
    item = _item(row, task, key, batch.items.get(key) or known.get(key))
    if key in batch.items and batch.items[key] != item:
        raise row.error(
            f"item '{key}' had another prompt or other references in an earlier row"
        )
    if key in known and known[key].id != item.id:
        raise row.error(
            f"item '{key}' of task '{task}' has another prompt in the study; leave "
            "'prompt' out to take that one, or give the task another name"
        )
    batch.items[key] = item
    series = name_of(row, "series") if row.values.get("series") else "imported"
    step = whole_number_of(row, "step")
    step = step_of_name(system) if step is None else step
    if batch.systems.setdefault((series, system), step) != step:
        raise row.error(f"system '{system}' had another step in an earlier row")
    sample = whole_number_of(row, "sample") or 0
    place = (key, series, system, sample)
    if place in batch.outputs:
        raise row.error(
            f"system '{system}' has an output for item '{key}' in line "
            f"{batch.outputs[place].line} already; number them in a column 'sample'"
        )
    batch.outputs[place] = row


def _item(row: Row, task: str, key: str, known: Item | None) -> Item:
    prompt = row.values.get("prompt") or None  # an empty cell of a CSV says nothing
    references = row.values.get("references") or []
    if isinstance(references, str):
        references = [references]
    if not isinstance(references, list) or not all(
        isinstance(text, str) for text in references
    ):
        raise row.error("column 'references' must hold a text or a list of texts")
    if prompt is not None and not isinstance(prompt, str):
        raise row.error(f"column 'prompt' must hold text, but it is {shown(prompt)}")
    if known is not None:
        prompt = known.prompt if prompt is None else prompt
        if not references:
            references = list(known.references)
    prompt = prompt or ""
    same = known is not None and known.prompt == prompt
    meta = {name: row.values[name] for name in ("context",) if row.values.get(name)}
    return Item(
        id=known.id if known and same else content_hash(task, key, prompt),
        task=task,
        key=key,
        prompt=prompt,
        references=tuple(references),
        messages=known.messages if known and same else (),
        meta=known.meta if known and same else meta,
    )


def _scores(row: Row) -> dict[str, float | None]:
    scores = row.values.get("scores") or {}
    if isinstance(scores, str):
        try:
            scores = json.loads(scores)
        except (ValueError, RecursionError) as error:
            raise row.error(f"column 'scores' is not valid JSON: {error}") from error
    if not isinstance(scores, dict):
        raise row.error("column 'scores' must map names of metrics to numbers")
    return {
        str(name): None if value is None else number_of(row, f"scores.{name}", value)
        for name, value in scores.items()
    }


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
    task: str,
    batch: _Batch,
    checkpoints: dict[tuple[str, str], Checkpoint],
    metrics: dict[str, ImportedMetric],
) -> None:
    before = study.mapping(
        "SELECT id, text FROM outputs WHERE settings = ?", [SETTINGS]
    )
    truths = study.mapping("SELECT id, refs_hash FROM items WHERE task = ?", [task])
    scored = _scored(study, list(checkpoints.values()))
    outputs: list[Output] = []
    scores: list[tuple[Score, str]] = []
    for (key, series, system, sample), row in batch.outputs.items():
        item, checkpoint = batch.items[key], checkpoints[series, system]
        id_ = output_id(item.id, checkpoint.id, sample, SETTINGS)
        text = text_of(row, "output")
        if before.get(id_, text) != text:
            raise row.error(
                f"another output of system '{system}' for item '{key}' was imported "
                "before; give the new one another system name"
            )
        outputs.append(
            Output(id_, item.id, checkpoint.id, text, sample, SETTINGS, SETTINGS)
        )
        for name, value in _scores(row).items():
            score = metrics[name].given(checkpoint.id, item.id, id_, value)
            truth = truths[item.id]
            if scored.get((id_, score.signature, truth), value) != value:
                raise row.error(
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
