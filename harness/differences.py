"""Where two texts differ, word by word, in bounded time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidfuzz.distance import Indel

from harness.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

Range = tuple[int, int]
"""From a character to the one after the last, in Unicode code points."""

# Two lists of words are compared in a time that grows with the product of their
# lengths: 0.2 s and 50 MB for this one.
MOST_COMPARISONS = 400_000_000
WORDS = re.compile(r"\w+|\s+|[^\w\s]")
LINES = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Differences:
    """What one text has that the other lacks."""

    first: tuple[Range, ...]
    """Ranges of the first text, in order and apart from each other."""
    second: tuple[Range, ...]
    """Ranges of the second text, likewise."""


def differences(first: str, second: str) -> Differences:
    """The fewest words that are not in both texts, in the same order.

    Words are compared, and whole lines where there are too many words. The method is
    the longest common subsequence (Hyyrö 2004, as RapidFuzz computes it).

    Raises:
        InputError: there are too many lines, too.
    """
    start, end = _same_ends(first, second)
    middles = first[start : len(first) - end], second[start : len(second) - end]
    for pattern in (WORDS, LINES):
        a, b = (pattern.findall(middle) for middle in middles)
        # That one line differs from one other says nothing.
        if pattern is LINES and len(a) == len(b) == 1:
            break
        if len(a) * len(b) <= MOST_COMPARISONS:
            return _compared(a, b, start)
    raise InputError("These texts are too long to be compared word by word.")


def _same_ends(first: str, second: str) -> tuple[int, int]:
    """Lengths of the same beginning and the same end, whole words or nothing."""
    a, b = WORDS.findall(first), WORDS.findall(second)
    start = _same(a, b)
    end = _same(a[start:][::-1], b[start:][::-1])
    return sum(map(len, a[:start])), sum(map(len, a[len(a) - end :]))


def _same(a: Sequence[str], b: Sequence[str]) -> int:
    pairs = enumerate(zip(a, b, strict=False))
    return next((at for at, (x, y) in pairs if x != y), min(len(a), len(b)))


def _compared(a: list[str], b: list[str], start: int) -> Differences:
    numbers = {word: number for number, word in enumerate({*a, *b})}
    changes = [
        (op.src_start, op.src_end, op.dest_start, op.dest_end)
        for op in Indel.opcodes([numbers[w] for w in a], [numbers[w] for w in b])
        if op.tag != "equal"
    ]
    return Differences(
        _ranges(a, [change[:2] for change in changes], start),
        _ranges(b, [change[2:] for change in changes], start),
    )


def _ranges(words: list[str], changed: list[Range], start: int) -> tuple[Range, ...]:
    """Ranges of words as ranges of characters; a space between two joins them."""
    places = [start]
    for word in words:
        places.append(places[-1] + len(word))
    joined: list[Range] = []
    for begin, end in changed:
        if begin == end:
            continue
        if joined and not "".join(words[joined[-1][1] : begin]).strip():
            begin = joined.pop()[0]  # noqa: PLW2901
        joined.append((begin, end))
    return tuple((places[begin], places[end]) for begin, end in joined)
