"""Items whose right answers are known: gold among the others, examples before them."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from harness.data import Row, read_rows
from harness.errors import shown
from harness.schemes import schemes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.taskfile import RatingPlan
    from harness.types import Json

TOLERANCE = 10
"""Points of 100 by which an answer on a slider may be off one expected number."""

CHOICES = ("first", "second", "tie", "both_bad")
KEYS = ("prompt", "output", "outputs", "references", "expected", "feedback")


@dataclass(frozen=True, slots=True)
class Known:
    """One row of a file of gold items or examples, checked."""

    prompt: str
    """What the model was given."""
    references: tuple[str, ...]
    """Right answers; may be empty."""
    outputs: tuple[str, ...]
    """What is shown, in the order of the row."""
    expected: dict[str, tuple[Any, ...]]
    """Criterion to lowest and highest right number (likert, slider, spans), to the
    right choices (pairwise), or to a rank for each output (ranking)."""
    feedback: str = ""
    """Why, in the author's words; shown after an example."""

    @classmethod
    def from_json(cls, stored: dict[str, Json]) -> Known:
        """What `content` was made from."""
        return cls(
            stored["prompt"],
            tuple(stored["references"]),
            tuple(stored["outputs"]),
            {name: tuple(values) for name, values in stored["expected"].items()},
            stored["feedback"],
        )

    @property
    def content(self) -> str:
        """The row as units store it."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)


def read_known(source: str, base: Path, plan: RatingPlan) -> tuple[Known, ...]:
    """The rows of a file of gold items or examples.

    Args:
        source: the file, as the task names it; see `harness.data.read_rows`.
        base: folder of the task file.
        plan: what is asked.

    Raises:
        InputError: no such file, or a row is not as it must be; says which and why.
    """
    found: dict[tuple[str, tuple[str, ...]], Known] = {}
    for row in read_rows(source, base):
        known = _known(row, plan)
        if (known.prompt, known.outputs) in found:
            raise row.error("this prompt with the same output stands here twice")
        found[known.prompt, known.outputs] = known
    return tuple(found.values())


def as_shown(
    scheme: str, expected: Sequence[Json], places: Sequence[int]
) -> tuple[Json, ...]:
    """An expected answer in terms of the page, on which the outputs change places."""
    if scheme == "ranking":
        return tuple(expected[place] for place in places)
    if scheme == "pairwise" and tuple(places) == (1, 0):
        other = {"first": "second", "second": "first"}
        return tuple(other.get(choice, choice) for choice in expected)
    return tuple(expected)


def is_right(scheme: str, expected: Sequence[Json], given: Json) -> bool:
    """Whether an answer is one of those expected, both in terms of the page."""
    if scheme == "ranking":
        return _order(given) == _order(expected)
    if scheme == "pairwise":
        return given in expected
    low, high = expected
    return bool(low <= given <= high)


def _order(ranks: Sequence[int]) -> list[int]:
    """Ranks without gaps: 1, 3, 3 says no more than 1, 2, 2."""
    distinct = sorted(set(ranks))
    return [distinct.index(rank) for rank in ranks]


def _known(row: Row, plan: RatingPlan) -> Known:
    for key in row.values:
        if key not in KEYS:
            near = get_close_matches(key, KEYS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(KEYS)}"
            raise row.error(f"unknown key '{key}'; {hint}")
    outputs = _outputs(row, plan)
    return Known(
        prompt=_text(row, "prompt"),
        references=_texts(row, "references"),
        outputs=outputs,
        expected=_expected(row, plan, len(outputs)),
        feedback=_text(row, "feedback", ""),
    )


def _text(row: Row, key: str, missing: str | None = None) -> str:
    value = row.values.get(key, missing)
    if not isinstance(value, str):
        what = "is missing" if key not in row.values else f"is {shown(value)}"
        raise row.error(f"'{key}' must hold a text, but it {what}")
    return value


def _texts(row: Row, key: str) -> tuple[str, ...]:
    value = row.values.get(key, [])
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise row.error(f"'{key}' must hold a list of texts, but it is {shown(value)}")
    return tuple(texts)


def _outputs(row: Row, plan: RatingPlan) -> tuple[str, ...]:
    if ("output" in row.values) == ("outputs" in row.values):
        raise row.error("it needs either 'output', a text, or 'outputs', a list")
    single = "output" in row.values
    outputs = (_text(row, "output"),) if single else _texts(row, "outputs")
    most = schemes[plan.scheme].together
    least = min(most, 2)
    if not least <= len(outputs) <= most:
        wanted = f"{least} to {most}" if plan.scheme == "ranking" else most
        raise row.error(
            f"scheme '{plan.scheme}' shows {wanted} output{'s' * (most > 1)} at a "
            f"time, but there {'is' if len(outputs) == 1 else 'are'} {len(outputs)}"
        )
    if len(set(outputs)) < len(outputs):
        raise row.error("two of its outputs are the same")
    return outputs


def _expected(row: Row, plan: RatingPlan, outputs: int) -> dict[str, tuple[Any, ...]]:
    given = row.values.get("expected")
    names = [criterion.name for criterion in plan.criteria]
    if not isinstance(given, dict) or not given:
        raise row.error(
            "'expected' must map criteria to right answers; "
            f"the criteria are: {', '.join(names)}"
        )
    for name in given:
        if name not in names:
            raise row.error(
                f"'expected' names '{name}', which is no criterion; "
                f"the criteria are: {', '.join(names)}"
            )
    return {name: _answer(row, plan, given[name], outputs, name) for name in given}


def _answer(
    row: Row, plan: RatingPlan, value: Json, outputs: int, name: str
) -> tuple[Json, ...]:
    if plan.scheme == "pairwise":
        choices = value if isinstance(value, list) else [value]
        if not choices or any(choice not in CHOICES for choice in choices):
            raise row.error(
                f"'{name}' must be one of {', '.join(CHOICES)}, or a list of them, "
                f"not {shown(value)}"
            )
        return tuple(choices)
    if plan.scheme == "ranking":
        if not _is_ranks(value, outputs):
            raise row.error(
                f"'{name}' must be a list of {outputs} ranks from 1 to {outputs}, "
                f"one for each output, not {shown(value)}"
            )
        return tuple(value)
    low, high = (1, plan.points) if plan.scheme == "likert" else (0, 100)
    return _bounds(row, name, value, (low, high))


def _is_ranks(value: Json, outputs: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) == outputs
        and all(type(rank) is int and 1 <= rank <= outputs for rank in value)
    )


def _bounds(
    row: Row, name: str, value: Json, scale: tuple[int, int]
) -> tuple[float, float]:
    """Lowest and highest right number; on a slider, one number has a tolerance."""
    lowest, highest = scale
    ends = value if isinstance(value, list) else [value, value]
    numbers = all(
        isinstance(end, int | float)
        and not isinstance(end, bool)
        and math.isfinite(end)
        for end in ends
    )
    if (
        len(ends) != 2  # noqa: PLR2004 - a range
        or not numbers
        or not lowest <= ends[0] <= ends[1] <= highest
    ):
        raise row.error(
            f"'{name}' must be a number from {lowest} to {highest}, or a range of "
            f"them as [low, high], not {shown(value)}"
        )
    if lowest == 0 and not isinstance(value, list):
        return max(lowest, value - TOLERANCE), min(highest, value + TOLERANCE)
    return ends[0], ends[1]
