"""How probable a model finds references or documents: perplexity, bits per byte."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, log
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.errors import InputError, Unscorable, shown
from harness.metrics.base import (
    LikelihoodMetric,
    bad_item,
    column_of,
    metrics,
    ratio,
    references_of,
    signed,
)
from harness.metrics.settings import check_least
from harness.types import Passage, Windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from harness.types import Item, Json, Likelihood, Tally

NLL, TOKENS, WORDS, BYTES = range(4)
"""What stands where in the tallies of this file; the first in nats."""


@dataclass(frozen=True)
class OfTexts(LikelihoodMetric):
    """What perplexity and bits per byte share: which texts they are of.

    Either references, each given its item's prompt, or whole documents, each by
    itself and read in windows: never joined to another, with one start token before
    its first window alone, and with each token scored once.
    """

    of: Literal["reference", "document"] = "reference"
    """What is scored."""
    ref: Literal["first", "all"] = "first"
    """Which of an item's references; all: their sum."""
    column: str | None = None
    """Column with the document; null: the item's prompt is the document."""
    window: int | None = None
    """Tokens read at once; null: as many as the model has positions."""
    stride: int | None = None
    """Tokens by which windows advance and score; null: by their size, as
    lm-evaluation-harness does, so that little context is read twice."""

    def __post_init__(self) -> None:
        """Refuse settings that do not go together.

        Raises:
            InputError: names metric and setting.
        """
        super().__post_init__()
        windows = {"window": self.window, "stride": self.stride}
        given = {key: value for key, value in windows.items() if value is not None}
        check_least(self, **dict.fromkeys(given, 1))
        if self.of == "reference" and (given or self.column is not None):
            setting = next(iter(given), "column")
            raise self._wrong(f"setting '{setting}' goes with of: document only")
        if self.of == "document" and self.ref != "first":
            raise self._wrong("setting 'ref' goes with of: reference only")
        if self.window and self.stride and self.stride > self.window:
            raise self._wrong(
                f"setting 'stride' must be at most the window's {self.window}, "
                f"but it is {self.stride}"
            )

    @property
    def signature(self) -> str:
        """Says which texts were scored, and how documents were read."""
        own = {"of", "ref", "column", "window", "stride"}
        rest = [f"{k}:{v}" for k, v in self.settings.items() if k not in own]
        return "|".join([self.name, *self._policy(), *rest, self.version])

    def for_items(self, items: Iterable[Item]) -> OfTexts:
        """Itself, once every item is known to have its document.

        Raises:
            InputError: names the first item that has none.
        """
        if self.of == "document":
            for item in items:
                self.wanted(item)
        return self

    def passages(self, item: Item) -> Sequence[Passage]:
        """The references, or the document."""
        if self.of == "reference":
            wanted = references_of(item)[: 1 if self.ref == "first" else None]
            return [
                Passage(item, f"reference:{number}", text)
                for number, text in enumerate(wanted)
            ]
        text = self._document(item)
        if text is None:
            raise Unscorable("the document is empty")
        windows = Windows(self.window, self.stride or self.window)
        read = f"{windows.size or 'positions'}:{windows.stride or 'window'}"
        place = "" if self.column is None else f":{self.column}"
        return [Passage(item, f"document:{read}{place}", text, windows)]

    def tally(self, item: Item, found: Sequence[Likelihood]) -> Tally:  # noqa: ARG002
        """[nats, tokens, words, bytes]."""
        sums: Tally = np.zeros(4)
        for one in found:
            sums += (one.nll, one.tokens, one.words, one.bytes)
        if not isfinite(sums[NLL]):
            raise Unscorable(f"the model's log-likelihood is {-sums[NLL]}")
        if not sums[TOKENS] or not sums[self._unit]:
            raise Unscorable("the text holds nothing that can be scored")
        return sums

    @property
    def _unit(self) -> int:
        """Place of what the nats are divided by."""
        return BYTES

    def _policy(self) -> list[str]:
        if self.of == "reference":
            return [f"ref:{self.ref}"]
        place = [] if self.column is None else [f"column:{signed(self.column)}"]
        return [
            "of:document",
            *place,
            "joined:no",
            "start:once",
            f"window:{self.window or 'positions'}",
            f"stride:{self.stride or self.window or 'window'}",
        ]

    def _document(self, item: Item) -> Json:
        if self.column is None:
            if item.messages:
                raise self._wrong(
                    f"task '{item.task}' gives messages, which are no document; name "
                    "the column that holds it, as in column: text"
                )
            return item.prompt
        text = column_of(item, self.column, self.name)
        if text is None or isinstance(text, str):
            return text
        raise bad_item(
            item,
            self.name,
            f"must have a text in column '{self.column}', not {shown(text)}",
        )

    def _wrong(self, problem: str) -> InputError:
        return InputError(f"metric '{self.name}': {problem}")


@metrics.register("perplexity")
@dataclass(frozen=True)
class Perplexity(OfTexts):
    """Perplexity, 1 or more; lower is better.

    Summed over items before it is divided and exponentiated: a mean of the items'
    own perplexities would be ruled by the few that surprise the model most. Per
    token it compares checkpoints of one tokenizer only; per word, or as
    `bits_per_byte`, also others.
    """

    name = "perplexity"
    higher_is_better = False
    per: Literal["token", "word"] = "token"
    """What the negative log-likelihood is divided by."""

    def value(self, tally: NDArray[np.float64]) -> NDArray[np.float64]:
        """exp(nats / tokens), or words; infinite where that exceeds a float."""
        with np.errstate(over="ignore"):
            return np.exp(ratio(tally[..., NLL], tally[..., self._unit]))

    @property
    def _unit(self) -> int:
        return TOKENS if self.per == "token" else WORDS


@metrics.register("bits_per_byte")
@dataclass(frozen=True)
class BitsPerByte(OfTexts):
    """Bits for each UTF-8 byte of the text; lower is better.

    The one likelihood that compares models of different tokenizers.
    """

    name = "bits_per_byte"
    higher_is_better = False
    unit = "bits"

    def value(self, tally: NDArray[np.float64]) -> NDArray[np.float64]:
        """Nats / ln 2 / bytes."""
        return ratio(tally[..., NLL] / log(2), tally[..., BYTES])
