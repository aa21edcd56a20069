"""Accuracy: multiple choice by likelihood, as lm-evaluation-harness has it."""

from __future__ import annotations

import string
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.errors import Unscorable, shown
from harness.metrics.base import (
    LikelihoodMetric,
    bad_item,
    column_of,
    metrics,
    ratio,
    references_of,
)
from harness.types import Json, Passage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from harness.types import Item, Likelihood, Tally

TIED = 1e-6
"""Share of the best cost within which another is as good: float32 tells no closer."""


@metrics.register("accuracy")
@dataclass(frozen=True)
class Accuracy(LikelihoodMetric):
    """Share of items whose right choice is the most probable one given the prompt.

    Where several choices are equally probable, an item counts as a draw among them
    would on average: a half if the right one is one of two. Taking the first would
    reward a model that cannot tell choices apart for the order of the data.
    """

    name = "accuracy"
    choices: str = "choices"
    """Column with the list of texts to choose from."""
    answer: str = ""
    """Column with the right one: its number from 0, its letter from A, or its text.
    Empty: the choice that equals one of the references."""
    normalize: Literal["none", "characters", "bytes", "tokens"] = "none"
    """What a choice's log-likelihood is divided by, so that long ones have a chance;
    `acc` of lm-evaluation-harness is `none`, its `acc_norm` is `characters`. The lead
    does not count, but for tokens."""
    lead: str = ""
    """Text between prompt and choice, scored with it; as a rule a space where the
    prompt ends without one."""

    def for_items(self, items: Iterable[Item]) -> Accuracy:
        """Itself, once every item is known to have choices, one of them right.

        Raises:
            InputError: names the first item that has not.
        """
        for item in items:
            self.wanted(item)
        return self

    def passages(self, item: Item) -> Sequence[Passage]:
        """Each of its choices, led by the lead."""
        self._right(item)
        lead = f":after {self.lead!r}" if self.lead else ""
        return [
            Passage(item, f"choice:{number}:{self.choices}{lead}", self.lead + text)
            for number, text in enumerate(self._distinct(item))
        ]

    def tally(self, item: Item, found: Sequence[Likelihood]) -> Tally:
        """[1 if the right choice is the most probable, 1]; less than 1 for ties."""
        texts = self._distinct(item)
        costs = [self._cost(*pair) for pair in zip(texts, found, strict=True)]
        most = min(costs) + TIED * abs(min(costs))
        best = [text for text, cost in zip(texts, costs, strict=True) if cost <= most]
        right = self._right(item)
        return np.array([sum(text in right for text in best) / len(best), 1.0])

    def value(self, tally: NDArray[np.float64]) -> NDArray[np.float64]:
        """Right items over all items."""
        return ratio(tally[..., 0], tally[..., 1])

    def _cost(self, text: str, likelihood: Likelihood) -> float:
        if not isfinite(likelihood.nll):
            raise Unscorable(f"the model's log-likelihood is {-likelihood.nll}")
        lengths = {
            "none": 1,
            "characters": len(text),
            "bytes": len(text.encode("utf-8", "surrogatepass")),
            "tokens": likelihood.tokens,
        }
        return likelihood.nll / lengths[self.normalize]

    def _texts(self, item: Item) -> tuple[str, ...]:
        """The choices as the row has them.

        Raises:
            InputError: there are none to choose from.
        """
        listed = column_of(item, self.choices, self.name)
        if not isinstance(listed, list) or not all(map(_is_text, listed)):
            raise bad_item(
                item,
                self.name,
                f"must have a list of texts in column '{self.choices}', not "
                f"{shown(listed)}",
            )
        texts = tuple(map(str, listed))
        if len(set(texts)) < 2:  # noqa: PLR2004 - to choose is from two
            raise bad_item(
                item, self.name, f"needs two different choices, not {shown(listed)}"
            )
        return texts

    def _distinct(self, item: Item) -> tuple[str, ...]:
        """Choices without repeats, which could only tie with themselves."""
        return tuple(dict.fromkeys(self._texts(item)))

    def _right(self, item: Item) -> frozenset[str]:
        """The texts that are right, as a rule one.

        Raises:
            InputError: the answer is none of the choices, or may be two of them.
            Unscorable: the item has no answer.
        """
        texts = self._texts(item)
        if not self.answer:
            right = frozenset(references_of(item)) & frozenset(texts)
            if not right:
                raise bad_item(
                    item,
                    self.name,
                    f"has none of its references among its choices {shown(texts)}; "
                    "name the column of the right one, as in answer: label",
                )
            return right
        answer = column_of(item, self.answer, self.name)
        if answer is None:
            raise Unscorable("the item has no answer")
        right = _meant(answer, texts)
        if len(right) != 1:
            problem = "may be two of" if right else "is none of"
            raise bad_item(
                item,
                self.name,
                f"has the answer {shown(answer)}, which {problem} its choices "
                f"{shown(texts)}; it must be a number from 0, a letter from A, or one "
                "of them",
            )
        return right


def _meant(answer: Json, texts: Sequence[str]) -> frozenset[str]:
    """The choices that an answer can mean: by its text, its number or its letter."""
    if not _is_text(answer):
        return frozenset()
    written = str(answer)
    place = -1
    if written.isascii() and written.isdecimal():
        place = int(written)
    elif len(written) == 1 and written in string.ascii_uppercase:
        place = string.ascii_uppercase.index(written)
    same = {text for text in texts if text == written}
    return frozenset(same | set(texts[place : place + 1] if place >= 0 else ()))


def _is_text(value: Json) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number or (isinstance(value, str) and bool(value))
