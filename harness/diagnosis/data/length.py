"""How long examples are in tokens, and what a limit cuts off."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.diagnosis.data.family import Family
from harness.diagnosis.data.rules import Rule, percent
from harness.diagnosis.model import Findings, NotChecked
from harness.errors import CheckpointError, MissingPackage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.diagnosis.data.family import Seen
    from harness.diagnosis.data.shapes import Sample
    from harness.diagnosis.model import Check

    Lengths = np.ndarray[Any, np.dtype[np.int64]]

DEFAULTS = {"TRL 1.16.0": 1024, "LLaMA-Factory 0.9.5": 2048}
"""Limits in tokens that trainers set where nobody does; both cut the end off."""

CUT = Rule(
    "truncation",
    "OpenAI cookbook; TRL 1.16.0 and LLaMA-Factory 0.9.5 cut the end, axolotl 0.19.0 "
    "drops the row; shares ours",
    {"notice": 0.0, "warning": 0.01, "failure": 0.05},
    weights={
        "fine": {"truncation": -2.5},
        "notice": {"truncation": -1.5},
        "warning": {"truncation": 1.0},
        "failure": {"truncation": 3.5},
    },
)
LOST = Rule(
    "answer_tokens_lost",
    "ours",
    {"notice": 0.0, "warning": 0.01, "failure": 0.05},
    weights={"failure": {"truncation": 1.0, "missing_end_marker": 0.7}},
)
DEFAULT_CUT = Rule(
    "above_default_limits",
    "max_length of TRL 1.16.0 is 1024 tokens, cutoff_len of LLaMA-Factory 0.9.5 2048",
    {"notice": 0.0},
)
LONGEST = Rule("example_length", "for comparison with the limit", share=False)
CHARACTERS = 4
"""Of English text in a token, where no tokenizer is given."""
TURN = 4
"""Tokens that a chat template adds to each turn, as OpenAI's cookbook counts."""
SHOWN = 3
LARGEST = 500_000_000
"""Bytes of a tokenizer.json, which is read whole; large ones have 30 million."""


@dataclass(frozen=True, slots=True)
class Counter:
    """What counts tokens."""

    name: str
    """As the findings say how it was counted."""
    count: Callable[[Sequence[str]], list[int]]
    """Texts to their numbers of tokens, without special ones."""


ROUGHLY = Counter(
    f"{CHARACTERS} characters a token, since no tokenizer was given",
    lambda texts: [-(-len(text) // CHARACTERS) for text in texts],
)


def counter(tokenizer: str | Path | None) -> Counter:
    """What counts tokens: of a folder or `tokenizer.json`; None: roughly.

    Raises:
        CheckpointError: there is no tokenizer that can be loaded.
        MissingPackage: the packages for it are not installed.
    """
    if tokenizer is None:
        return ROUGHLY
    path = Path(tokenizer).expanduser()
    file = path / "tokenizer.json" if path.is_dir() else path
    if file.is_file() and file.suffix == ".json":
        return Counter(f"the tokenizer in {path}", _fast(file))
    if path.is_dir():
        return Counter(f"the tokenizer in {path}", _slow(path))
    raise CheckpointError(
        f"{path}: there is no tokenizer; name a folder with tokenizer.json, or the file"
    )


def _fast(file: Path) -> Callable[[Sequence[str]], list[int]]:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise MissingPackage("Counting tokens", "diagnosis") from None
    try:
        if file.stat().st_size > LARGEST:
            raise ValueError(f"it is larger than {LARGEST // 10**6} MB")  # noqa: TRY301
        loaded = Tokenizer.from_str(file.read_text(encoding="utf-8"))
    except Exception as error:
        # The package raises plain Exception for whatever is wrong in the file.
        if type(error) is Exception or isinstance(error, ValueError | OSError):
            told = " ".join(str(error).split())[:200]
            raise CheckpointError(f"{file}: not a tokenizer: {told}") from None
        raise

    def count(texts: Sequence[str]) -> list[int]:
        found = loaded.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(one) for one in found]

    return count


def _slow(folder: Path) -> Callable[[Sequence[str]], list[int]]:
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise MissingPackage("Counting tokens", "local") from None
    try:
        loaded = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        told = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{folder}: no tokenizer in it: {told}") from None
    return lambda texts: [
        len(ids) for ids in loaded(list(texts), add_special_tokens=False)["input_ids"]
    ]


class Length(Family):
    """Lengths, and the rows, answer tokens and end tokens that a limit costs."""

    def __init__(self, counter: Counter, limit: int | None) -> None:
        self._counter = counter
        self._limit = limit

    def findings(self, seen: Seen) -> Findings:
        """From the random sample: the error of a share is below half a percent."""
        rows = seen.drawn
        prompts = np.array(self._counter.count([whole(one.prompt) for one in rows]))
        answers = np.array(self._counter.count([whole(one.answer) for one in rows]))
        # An end token after each answer, and what the template puts around turns.
        prompts = prompts + np.array([_template(one) for one in rows])
        total = prompts + answers + 1
        low, middle, high = np.quantile(total, [0.05, 0.5, 0.95])
        says = (
            f"examples have {low:.0f} to {high:.0f} tokens (5 to 95 %), {middle:.0f} "
            f"in the middle, {total.max():,} at most, by {self._counter.name}"
        )
        longest = [rows[place] for place in np.argsort(-total, kind="stable")[:SHOWN]]
        checks = [LONGEST.check(float(total.max()), says), _default_check(total)]
        if self._limit is None:
            told = "the limit in tokens is not known; give it by --limit"
            return Findings(tuple(checks), (NotChecked(CUT.name, told),))
        over = total > self._limit
        lost = np.clip(total - self._limit, 0, answers + 1)
        cut = (
            f"{percent(float(over.mean()))} of examples are longer than "
            f"{self._limit:,} tokens, by {self._counter.name}"
        )
        learned = (
            f"{percent(float(lost.sum() / (answers + 1).sum()))} of answer tokens and "
            f"{percent(float((lost > 0).mean()))} of end tokens lie beyond the limit"
        )
        examples = [seen.example(one) for one in longest]
        return Findings(
            (
                *checks,
                CUT.check(float(over.mean()), cut, examples),
                LOST.check(float(lost.sum() / (answers + 1).sum()), learned, examples),
            )
        )


def _default_check(total: Lengths) -> Check:
    shares = {name: float((total > limit).mean()) for name, limit in DEFAULTS.items()}
    told = " and ".join(
        f"{percent(share)} than the {DEFAULTS[name]:,} of {name}"
        for name, share in shares.items()
    )
    return DEFAULT_CUT.check(max(shares.values()), f"longer are {told}")


def _template(one: Sample) -> int:
    if one.shape not in {"chat", "ShareGPT"}:
        return 0
    lists = [value for value in one.values.values() if isinstance(value, list)]
    return TURN * max(map(len, lists), default=0)


def whole(text: str) -> str:
    """The text without halves of surrogate pairs, which no tokenizer takes."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text
