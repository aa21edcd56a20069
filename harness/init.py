"""Init: write a task file for one's own data after a look at its columns."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from harness.data import Row, read_rows
from harness.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

PROMPTS = ("prompt", "input", "question", "instruction", "source", "query", "text")
REFERENCES = (
    "references",
    "reference",
    "target",
    "completion",
    "answer",
    "answers",
    "response",
    "expected",
    "output",
    "label",
)
LOOKED_AT = 200

TEMPLATE = """\
# Every key: see "A task file" in the README.
name: {name}
description: {description}
data: {data}
prompt: {prompt}
{references}generation: {{max_new_tokens: {max_new_tokens}, temperature: 0}}
metrics: [{metrics}]
rating:
  scheme: likert
  criteria:
    - name: correctness
      question: Is the answer right?
      definition: It says what a good answer must say, and nothing wrong.
      anchors: {{1: wrong, 3: partly right, 5: right}}
    - name: fluency
      question: Does it read well?
      anchors: {{1: hard to read, 3: readable, 5: reads well}}
  points: 5
  raters_per_output: 2
  items: 50
"""


def init(data: Path, target: Path | None = None) -> Path:
    """Write a task file for a data file; returns its path.

    Args:
        data: JSONL, CSV or Parquet.
        target: the task file; `NAME.yaml` beside the data if not given.

    Raises:
        InputError: the data cannot be read, or no column looks like a prompt.
        UsageError: the task file is there already.
    """
    rows = list(islice(read_rows(str(data.resolve()), Path()), LOOKED_AT))
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", data.name.split(".")[0]).strip("_.-")[:100]
    target = target or data.with_name(f"{name or 'task'}.yaml")
    if target.exists():
        raise UsageError(f"{target} is there already; name another file with --out.")
    prompts, references = _guess_columns(rows, data)
    text = TEMPLATE.format(
        name=name or "task",
        description=_quoted(f"Answers to the prompts in {data.name}."),
        data=_quoted(_path_from(target, data)),
        prompt=_quoted("".join("{{ " + column + " }}\n" for column in prompts)),
        references=f"references: [{_quoted(references)}]\n" if references else "",
        max_new_tokens=_room(rows, references),
        metrics="perplexity, bleu, chrf, rouge, exact_match" if references else "",
    )
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from error
    return target


def _guess_columns(rows: Sequence[Row], data: Path) -> tuple[list[str], str | None]:
    texts = [column for column in rows[0].values if _holds_text(rows, column)]
    lower = {column.lower(): column for column in texts}
    prompts = [lower[name] for name in PROMPTS if name in lower]
    references = [lower[name] for name in REFERENCES if name in lower]
    if not prompts:
        # Names say nothing, so the first column of text is the likeliest.
        prompts = [column for column in texts if column not in references]
    prompts = [column for column in prompts if _is_filled(rows, column)]
    if not prompts:
        raise InputError(
            "no column looks like a prompt; it has: " + ", ".join(rows[0].values),
            file=data,
        )
    prompts = prompts[:1]
    if {"instruction", "input"} <= lower.keys():
        prompts = [lower["instruction"], lower["input"]]
    for prompt in prompts:
        if not prompt.isidentifier():
            raise InputError(
                f"column '{prompt}' must be renamed to letters, digits and '_' "
                "to stand in a prompt template",
                file=data,
            )
    left = [column for column in references if column not in prompts]
    return prompts, left[0] if left else None


def _is_filled(rows: Sequence[Row], column: str) -> bool:
    values = [row.values[column] for row in rows]
    return all(isinstance(value, str) and value.strip() for value in values)


def _holds_text(rows: Sequence[Row], column: str) -> bool:
    if column.lower() in {"id", "item"}:
        return False
    values = [row.values.get(column) for row in rows]
    return all(
        isinstance(value, str)
        or (isinstance(value, list) and all(isinstance(text, str) for text in value))
        for value in values
    )


def _room(rows: Sequence[Row], references: str | None) -> int:
    """Tokens that the longest reference needs, at two characters a token."""
    if references is None:
        return 256
    longest = max(len(str(row.values[references])) for row in rows)
    return max(16, min(1024, 16 * (longest // 32 + 1)))


def _quoted(text: str) -> str:
    flow = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10_000)
    return flow.strip()


def _path_from(target: Path, data: Path) -> str:
    try:
        return data.resolve().relative_to(target.resolve().parent).as_posix()
    except ValueError:
        return data.resolve().as_posix()
