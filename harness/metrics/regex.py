"""Regex: whether an output matches a pattern, or what is found there is right."""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from harness.errors import InputError, Unscorable
from harness.metrics.base import MeanMetric, metrics, references_of

if TYPE_CHECKING:
    from harness.types import Item

SECONDS = 1.0
"""Longest that one search may take: a pattern can take ages on an unlucky text."""

LEGIBLE = string.punctuation.replace("%", "").replace("|", "")


@metrics.register("regex")
@dataclass(frozen=True)
class Regex(MeanMetric):
    """1 if a pattern is found in the output, else 0; or if what a group finds is right.

    Patterns are those of the package regex, which knows all that Python's `re` knows.
    The first match counts. A search that takes longer than a second is given up and
    leaves the output unscored.
    """

    name = "regex"
    pattern: str = ""
    """What to search for; every task has to say it."""
    group: int | str | None = None
    """Number or name of a group that must equal a reference, white space around both
    left out; None: finding the pattern is enough, and no reference is needed."""

    def __post_init__(self) -> None:
        """Refuse what is no pattern.

        Raises:
            InputError: names the pattern and what is wrong with it.
        """
        super().__post_init__()
        if not self.pattern:
            raise InputError(
                "metric 'regex' needs the setting 'pattern', as in "
                "{regex: {pattern: 'Answer: \\d+'}}"
            )
        groups = {*range(self._compiled.groups + 1), *self._compiled.groupindex}
        if self.group is not None and self.group not in groups:
            raise InputError(
                f"metric 'regex': pattern '{self.pattern}' has no group {self.group!r}"
            )

    @property
    def signature(self) -> str:
        """`regex|pattern:...|group:...|v1`; spaces and bars as in a URL."""
        pattern = quote(self.pattern, safe=LEGIBLE)
        return f"{self.name}|pattern:{pattern}|group:{self.group!r}|{self.version}"

    def score(self, item: Item, text: str) -> float:
        """0 or 1.

        Raises:
            Unscorable: the search takes too long, or there is nothing to compare with.
        """
        references = () if self.group is None else references_of(item)
        match = search(self._compiled, text)
        if match is None or self.group is None:
            return float(match is not None)
        found = match[self.group]
        wanted = {reference.strip() for reference in references}
        return float(found is not None and found.strip() in wanted)

    @cached_property
    def _compiled(self) -> Any:
        import regex

        try:
            return regex.compile(self.pattern)
        except (regex.error, OverflowError, RecursionError) as error:
            raise InputError(
                f"metric 'regex': '{self.pattern}' is no regular expression: {error}"
            ) from error


def search(compiled: Any, text: str) -> Any:
    """The first match of a pattern, or None.

    Raises:
        Unscorable: it takes too long.
    """
    try:
        return compiled.search(text, timeout=SECONDS)
    except TimeoutError as error:
        raise Unscorable(
            f"the pattern '{compiled.pattern:.60}' takes more than {SECONDS:g} s on it"
        ) from error
