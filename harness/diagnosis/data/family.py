"""What a family of data checks does: it sees every example once, then says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.diagnosis.model import Example, Findings
from harness.errors import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np

    from harness.diagnosis.data.rows import Sniffed
    from harness.diagnosis.data.shapes import Sample

    Hashes = np.ndarray[Any, np.dtype[np.uint64]]

LONGEST_EXAMPLE = 160
"""Characters of a row that is shown."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What all examples came to, once each has been seen."""

    sniffed: Sniffed
    """The training file."""
    rows: int
    """Examples that could be read."""
    drawn: Sequence[Sample]
    """Of these a random sample without equal rows, in file order."""
    known: Mapping[int, Sample]
    """By line: the examples that families wanted to see again."""
    held_out: Sequence[Sample] = ()
    """Held-out examples; empty where none were given."""

    def example(self, one: Sample, note: str = "") -> Example:
        """A row as evidence."""
        return shown_row(self.sniffed, one, note)

    def examples(self, lines: Iterable[int]) -> list[Example]:
        """Rows as evidence, by their lines."""
        return [self.example(self.known[n]) for n in lines if n in self.known]


class Family(ABC):
    """Checks that share what they look at."""

    def see(  # noqa: B027 - a random sample is enough for some families
        self, batch: Sequence[Sample]
    ) -> None:
        """Take in some thousand examples, in file order."""

    def wanted(self) -> Iterable[int]:
        """Lines of examples that are needed again, once all have been seen."""
        return ()

    @abstractmethod
    def findings(self, seen: Seen) -> Findings:
        """What was found."""


def shown_row(sniffed: Sniffed, one: Sample, note: str = "") -> Example:
    """An example, shortened, with its place and what is to be seen in it."""
    if one.prompt or one.answer:
        parts = (one.prompt, one.answer) if one.prompt else (one.answer,)
        text = " → ".join(_short(part, LONGEST_EXAMPLE // len(parts)) for part in parts)
    else:
        text = shown(dict(one.values)) if one.values else ""
    told = f"{note}: {text}" if note and text else note or text
    return Example(sniffed.where(one.line), told)


def _short(text: str, most: int) -> str:
    line = " ".join(text.split())
    line = "".join(sign if sign.isprintable() else "\ufffd" for sign in line)
    return line if len(line) <= most else line[: most - 1] + "…"
