"""What a row asks and answers, whichever of the usual shapes it has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from harness.diagnosis.data.keys import folded, hashed
from harness.init import PROMPTS, REFERENCES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.diagnosis.data.rows import Raw
    from harness.types import Json

Shape = Literal[
    "prompt/completion", "chat", "Alpaca", "ShareGPT", "preference", "text", "unknown"
]
Columns = tuple[str, str]
"""Names of the columns with prompt and answer, where a user says so."""

TURNS = ("messages", "conversations", "conversation")
TEXT_COLUMNS = ("text", "content", "document")
NO_COLUMNS = "no columns that look like prompt and answer, messages or text"
ASSISTANT = frozenset({"assistant", "gpt", "model", "bot", "chatgpt", "bard"})


@dataclass(frozen=True, slots=True)
class Sample:
    """One training example."""

    line: int
    """Line in the file, or number of the row."""
    shape: Shape
    prompt: str
    """What the model reads; of a conversation all turns before the last answer. Empty
    for plain text."""
    answer: str
    """What it is to write; of a conversation the last answer."""
    values: Mapping[str, Json]
    """The row as it is."""
    problem: str = ""
    """Why it is none, or what is wrong with its bytes."""
    plain_prompt: str = ""
    """The prompt folded: what counts as the same prompt."""
    plain_answer: str = ""
    """The answer folded."""
    key: int = 0
    """64 bits that stand for both."""

    @property
    def asked(self) -> str:
        """The folded prompt, or the folded text itself where there is no prompt."""
        return self.plain_prompt or self.plain_answer

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self.prompt}\n{self.answer}" if self.prompt else self.answer


def sample(raw: Raw, columns: Columns | None = None) -> Sample:
    """Make a row an example; what cannot be one has the shape `unknown`."""
    values = raw.values
    if values is None:
        return Sample(raw.line, "unknown", "", "", {}, raw.problem)
    shape, asks, answers = _found(tuple(values), columns)
    if shape == "unknown":
        return Sample(raw.line, shape, "", "", values, raw.problem or NO_COLUMNS)
    if shape in {"chat", "ShareGPT"}:
        prompt, answer = split_turns(turns(values[asks]))
    else:
        prompt = text_of(values[asks]) if asks else ""
        answer = text_of(values[answers])
        if shape == "Alpaca" and (extra := text_of(values.get("input"))):
            prompt = f"{prompt}\n{extra}"
    plain = folded(prompt), folded(answer)
    key = hashed("\0".join(plain))
    return Sample(raw.line, shape, prompt, answer, values, raw.problem, *plain, key)


@lru_cache(maxsize=256)
def _found(names: tuple[str, ...], columns: Columns | None) -> tuple[Shape, str, str]:
    """The shape of rows with these columns, and which hold prompt and answer."""
    lower = {name.lower(): name for name in reversed(names)}
    if columns is not None:
        there = set(columns) <= set(names)
        return ("prompt/completion", *columns) if there else ("unknown", "", "")
    turns_in = next((lower[name] for name in TURNS if name in lower), "")
    if turns_in:
        return ("chat" if turns_in.lower() == "messages" else "ShareGPT"), turns_in, ""
    if {"instruction", "output"} <= lower.keys():
        return "Alpaca", lower["instruction"], lower["output"]
    asks = next((lower[name] for name in PROMPTS if name in lower), "")
    if {"chosen", "rejected"} <= lower.keys():
        return "preference", asks, lower["chosen"]
    answers = next((lower[name] for name in REFERENCES if name in lower), "")
    if asks and answers:
        return "prompt/completion", asks, answers
    text = next((lower[name] for name in TEXT_COLUMNS if name in lower), "")
    return ("text", "", text) if text else ("unknown", "", "")


def turns(value: Json) -> list[tuple[str, str]]:
    """Role and text of each turn, in either spelling; what is no turn is left out."""
    if not isinstance(value, list):
        return []
    return [
        (
            str(turn.get("role", turn.get("from", ""))),
            text_of(turn.get("content", turn.get("value"))),
        )
        for turn in value
        if isinstance(turn, dict)
    ]


def split_turns(told: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """All before the last answer, and that answer."""
    for place in range(len(told) - 1, -1, -1):
        if told[place][0] in ASSISTANT:
            before = "\n".join(text for _, text in told[:place])
            return before, told[place][1]
    return "\n".join(text for _, text in told), ""


def text_of(value: Json) -> str:
    """A cell as text: of a list of turns or parts their texts, of others the first."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list):
        if value and all(isinstance(part, dict) for part in value):
            texts = (part.get("text", part.get("content", "")) for part in value)
            return "\n".join(text for text in texts if isinstance(text, str))
        return text_of(value[0]) if value else ""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def prompt_column(
    values: Mapping[str, Json], columns: Columns | None = None
) -> str | None:
    """The column that holds a row's prompt; None where there is none."""
    _, asks, _ = _found(tuple(values), columns)
    return asks or None
