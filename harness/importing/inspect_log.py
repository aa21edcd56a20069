"""Logs of Inspect (inspect_ai), as JSON."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from harness.data import Row
from harness.errors import InputError, shown
from harness.importing.rows import (
    Source,
    chat_text,
    content_text,
    ever_known,
    value_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from harness.types import Json

GRADES = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0, "yes": 1.0, "true": 1.0}
GRADES |= {"no": 0.0, "false": 0.0}
"""What Inspect's own `value_to_float` takes such words for."""


def inspect_source(file: Path, log: dict[str, Json], system: str | None) -> Source:
    """The outputs of an Inspect log; each epoch of a sample is a sample of its item.

    Scores are named after their scorer, those of several values `SCORER.VALUE`.
    Samples on which the model failed are left out and counted.

    Args:
        file: where the log was read from, for messages.
        log: its JSON.
        system: name of the system; by default the log's `eval.model`.

    Raises:
        InputError: the log has no sample with an output, or one is not as it must be.
    """
    run = log.get("eval")
    system = system or (run.get("model") if isinstance(run, dict) else None)
    if not system:
        raise InputError("it names no model in 'eval.model'; add --system", file=file)
    samples = log.get("samples")
    if not isinstance(samples, list) or not samples:
        raise InputError(
            "the log holds no samples; it may be a header alone, or have been written "
            "with --no-log-samples",
            file=file,
        )
    found = [_row(file, sample, system) for sample in samples]
    rows = [row for row in found if row is not None]
    if not rows:
        raise InputError(
            f"none of its {len(samples)} samples has an output; "
            f"its status is {shown(log.get('status'))}",
            file=file,
        )
    scores = ever_known([row.values["scores"] for row in rows])
    for row, values in zip(rows, scores, strict=True):
        row.values["scores"] = values
    return Source(rows, left_out=len(found) - len(rows))


def _row(file: Path, sample: Json, system: str) -> Row | None:
    """The sample as a row of the flat form; None where it has no output."""
    if not isinstance(sample, dict):
        raise InputError(f"a sample must be a mapping, not {shown(sample)}", file=file)
    key, epoch = sample.get("id"), sample.get("epoch", 1)
    row = Row({}, f"{file}, sample {shown(key)}, epoch {shown(epoch)}", 0)
    if not isinstance(key, str | int) or not isinstance(epoch, int) or epoch < 1:
        raise row.error("'id' must be a text or number, and 'epoch' a number from 1")
    output = _output(row, sample)
    if output is None:
        return None
    row.values.update(
        item=key,
        system=system,
        output=output,
        prompt=_prompt(row, sample),
        references=_targets(row, sample),
        sample=epoch - 1,
        scores=_scores(sample),
    )
    return row


def _output(row: Row, sample: dict[str, Json]) -> str | None:
    output = sample.get("output")
    choices = output.get("choices") if isinstance(output, dict) else None
    if sample.get("error") or not choices:
        return None
    first = choices[0] if isinstance(choices, list) else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(message, dict) or "content" not in message:
        raise row.error(
            f"'output.choices' must hold messages, but it is {shown(choices)}"
        )
    return content_text(message["content"])


def _prompt(row: Row, sample: dict[str, Json]) -> str:
    asked = sample.get("input")
    prompt = asked if isinstance(asked, str) else chat_text(asked)
    if prompt is None:
        raise row.error(
            f"'input' must be a text or a list of messages, but it is {shown(asked)}"
        )
    choices = sample.get("choices") or ()
    lines = [f"{chr(ord('A') + n)}) {choice}" for n, choice in enumerate(choices)]
    return "\n".join([prompt, "", *lines]) if lines else prompt


def _targets(row: Row, sample: dict[str, Json]) -> list[str]:
    target = sample.get("target") or []
    wanted = [target] if isinstance(target, str) else target
    if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
        raise row.error(f"'target' must be a text or a list, but it is {shown(target)}")
    return [one for one in wanted if one]


def _scores(sample: dict[str, Json]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for scorer, score in (sample.get("scores") or {}).items():
        value = score.get("value") if isinstance(score, dict) else score
        if isinstance(value, dict):
            found |= {f"{scorer}.{name}": _value(one) for name, one in value.items()}
        elif not isinstance(value, list):
            found[scorer] = _value(value)
    return found


def _value(value: Json) -> float | None:
    if isinstance(value, str):
        grade = GRADES.get(value, GRADES.get(value.lower()))
        with suppress(ValueError):
            value = float(value) if grade is None else grade
    return value_of(value)
