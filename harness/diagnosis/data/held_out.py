"""Held-out examples, from a file, from a task, or as rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.diagnosis.data.rows import Raw, read, sniff
from harness.diagnosis.data.shapes import prompt_column, sample
from harness.errors import InputError, MissingData
from harness.types import Item

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.diagnosis.data.shapes import Columns, Sample
    from harness.types import Json

MOST = 20_000
"""Held-out examples that are looked at."""
TASK_FILES = {".yaml", ".yml"}


def held_out_samples(
    source: str | Path | Sequence[Mapping[str, Json]] | Sequence[Item],
    columns: Columns | None,
    like: Mapping[str, Json],
) -> list[Sample]:
    """The held-out examples, at most 20,000 of them.

    Args:
        source: a file in any form that training data may have, a task's name or file,
            rows, or items. Of a task's items the prompts are taken from the column that
            training rows keep theirs in, and where they have none, as rendered.
        columns: names of the columns with prompt and answer, where they are not usual.
        like: a training row.

    Raises:
        InputError: there is none that can be read.
        NotFound: no such task.
    """
    if isinstance(source, str):
        path = Path(source).expanduser()
        if path.suffix in TASK_FILES or not path.is_file():
            return _of_task(source, columns, like)
        source = path
    if isinstance(source, Path) and source.suffix in TASK_FILES:
        return _of_task(str(source), columns, like)
    if not isinstance(source, Path):
        items = [one for one in source if isinstance(one, Item)]
        if items:
            return _of_items(items, columns, like)
        source = [one for one in source if not isinstance(one, Item)]
    found: list[Sample] = []
    for raw in read(source, sniff(source)):
        one = sample(raw, columns)
        if one.shape != "unknown":
            found.append(one)
        if len(found) == MOST:
            break
    if not found:
        place = source if isinstance(source, Path) else "held-out rows"
        raise InputError("there is no held-out example in it", file=place)
    return found


def _of_task(
    name: str, columns: Columns | None, like: Mapping[str, Json]
) -> list[Sample]:
    from harness.errors import NotFound
    from harness.task import load_items, load_tasks

    try:
        tasks = load_tasks(name)
    except NotFound as error:
        raise MissingData(f"no such file, and no task: {error}", file=name) from None
    items = [item for task in tasks for item in load_items(task)]
    return _of_items(items, columns, like)


def _of_items(
    items: Sequence[Item], columns: Columns | None, like: Mapping[str, Json]
) -> list[Sample]:
    column = prompt_column(like, columns)
    return [
        _of_item(number, item, column, columns)
        for number, item in enumerate(items[:MOST], start=1)
    ]


def _of_item(
    number: int, item: Item, column: str | None, columns: Columns | None
) -> Sample:
    if column is not None and column in item.meta:
        own = sample(Raw(number, item.meta), columns)
        if own.shape != "unknown":
            return own
    answer = item.references[0] if item.references else ""
    values = {"prompt": item.prompt, "completion": answer}
    return sample(Raw(number, values))
