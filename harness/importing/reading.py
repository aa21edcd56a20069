"""Read outputs that were made elsewhere, and check all that needs no study."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.checkpoints import step_of_name
from harness.data import text_of
from harness.errors import InputError, UsageError, shown
from harness.importing.forms import read_source
from harness.importing.rows import name_of, number_of, whole_number_of
from harness.metrics import ImportedMetric
from harness.taskfile import NAME

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.data import Row
    from harness.types import Json


COLUMNS = {"item", "system", "output", "prompt", "references", "scores"}
COLUMNS |= {"sample", "step", "series", "context"}
"""Those of the flat form that are read."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a file says of an item."""

    row: Row
    """The first row that speaks of it."""
    prompt: str | None
    """None if the file does not say."""
    references: tuple[str, ...]
    """Empty if the file does not say."""
    meta: dict[str, Json]
    """Other columns that are kept."""


@dataclass(frozen=True, slots=True)
class Given:
    """An output with the values that it carries."""

    row: Row
    """Where it stands."""
    text: str
    """The output itself."""
    scores: dict[str, float | None]
    """Metric to value; None where the file says that there is none."""


@dataclass(slots=True)
class ReadOutputs:
    """The outputs of a file, gathered before anything is stored."""

    task: str
    """Name of the task that they answer."""
    file: Path
    """Where they were read from."""
    items: dict[str, Said] = field(default_factory=dict)
    """By key."""
    systems: dict[tuple[str, str], int | None] = field(default_factory=dict)
    """Series and name to the step, where there is one."""
    outputs: dict[tuple[str, str, str, int], Given] = field(default_factory=dict)
    """By item key, series, system and sample."""
    metrics: dict[str, ImportedMetric] = field(default_factory=dict)
    """The metrics that the outputs carry."""
    lower_is_better: frozenset[str] = frozenset()
    """Those for which less is better, as the user or the file says."""
    left_out: int = 0
    """Samples that hold no output."""
    unread: dict[str, None] = field(default_factory=dict)
    """Columns that are not read, in the order in which they were met."""


def read_outputs(
    file: Path,
    task: str,
    *,
    lower_is_better: Sequence[str] = (),
    form: str | None = None,
    system: str | None = None,
) -> ReadOutputs:
    """The outputs of a file, checked as far as that needs no study.

    Arguments and errors are those of `harness.importing.import_outputs`.
    """
    if not re.fullmatch(NAME, task):
        raise UsageError(
            f"A task's name has 1 to 100 of A-Z, a-z, 0-9, '_', '.' and '-', "
            f"but this one is {shown(task)}."
        )
    source = read_source(file, form, system)
    read = ReadOutputs(task, file, left_out=source.left_out)
    carried: dict[str, None] = {}
    for row in source.rows:
        carried |= dict.fromkeys(_gather(row, read))
    for name in lower_is_better:
        if name not in carried:
            raise UsageError(
                f"--lower-is-better {name}: the file carries no such metric; "
                f"it carries: {', '.join(carried) or 'none'}."
            )
    read.lower_is_better = source.lower_is_better | {*lower_is_better}
    for name in carried:
        higher = name not in read.lower_is_better
        try:
            read.metrics[name] = ImportedMetric(name=name, higher_is_better=higher)
        except InputError as error:
            raise InputError(str(error), file=file) from None
    return read


def _gather(row: Row, read: ReadOutputs) -> dict[str, float | None]:
    """Add what a row says; returns its scores."""
    key, system = name_of(row, "item"), name_of(row, "system")
    read.unread |= dict.fromkeys(name for name in row.values if name not in COLUMNS)
    given = Given(row, text_of(row, "output"), _scores(row))
    read.items[key] = _said(row, key, read.items.get(key))
    series = name_of(row, "series") if row.values.get("series") else "imported"
    step = whole_number_of(row, "step")
    step = step_of_name(system) if step is None else step
    if read.systems.setdefault((series, system), step) != step:
        raise row.error(f"system '{system}' had another step in an earlier row")
    sample = whole_number_of(row, "sample") or 0
    place = (key, series, system, sample)
    if place in read.outputs:
        raise row.error(
            f"system '{system}' has an output for item '{key}' already, in "
            f"{read.outputs[place].row.place}; number them in a column 'sample'"
        )
    read.outputs[place] = given
    return given.scores


def _said(row: Row, key: str, earlier: Said | None) -> Said:
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
    meta = {name: row.values[name] for name in ("context",) if row.values.get(name)}
    said = Said(row, prompt, tuple(references), meta)
    if earlier is None:
        return said
    if (earlier.prompt or said.prompt) != (said.prompt or earlier.prompt) or (
        earlier.references or said.references
    ) != (said.references or earlier.references):
        raise row.error(
            f"item '{key}' had another prompt or other references in an earlier row"
        )
    return replace(
        earlier,
        prompt=earlier.prompt or said.prompt,
        references=earlier.references or said.references,
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
