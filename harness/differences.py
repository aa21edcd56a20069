"""Where two texts differ, word by word, in bounded time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import regex
from rapidfuzz.distance import Indel

from harness.errors import InputError
from harness.metrics.rouge import UNSPACED

if TYPE_CHECKING:
    from collections.abc import Sequence

Range = tuple[int, int]
"""From a character to the one after the last, in Unicode code points."""

# Two lists of words are compared in a time that grows with the product of their
# lengths: 0.2 s and 50 MB for this one.
MOST_COMPARISONS = 400_000_000
# Letters with their marks where words are not spaced; no sign that is drawn as one is
# divided.
_WORD = rf"[\w&&[{UNSPACED}]]\p{{M}}*|[[\w\p{{M}}]--[{UNSPACED}]]+"
WORDS = regex.compile(rf"(?V1){_WORD}|\s+|\X")
NO_SPACES = regex.compile(rf"(?V1){_WORD}|(?!\s)\X")
LINES = regex.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Differences:
    """What one text has that the other lacks."""

    first: tuple[Range, ...]
    """Ranges of the first text, in order and apart from each other."""
    second: tuple[Range, ...]
    """Ranges of the second text, likewise."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of two texts laid over each other."""

    kind: Literal["same", "removed", "added"]
    """In which text it is: in both, in the first alone, in the second alone."""
    text: str
    """Never empty."""


@dataclass(frozen=True, slots=True)
class _Changes:
    """What separates two lists of words, between a same beginning and a same end."""

    first: list[str]
    second: list[str]
    start: int
    """Characters of the same beginning."""
    end: int
    """Characters of the same end."""
    blocks: list[tuple[Range, Range]]
    """Places in both lists where they differ; one of the two may be empty."""


def differences(first: str, second: str) -> Differences:
    """The fewest words that are not in both texts, in the same order.

    Words are compared, and whole lines where there are too many words. The method is
    the longest common subsequence (Hyyrö 2004, as RapidFuzz computes it).

    Raises:
        InputError: there are too many lines, too.
    """
    found = _changes(first, second)
    return Differences(
        _ranges(found.first, [one for one, _ in found.blocks], found.start),
        _ranges(found.second, [two for _, two in found.blocks], found.start),
    )


def pieces(first: str, second: str) -> tuple[Piece, ...]:
    """The second text with what the first has besides, as `differences` finds it.

    Without what was added the pieces make up the first text, without what was removed
    the second. Changes that only white space parts are one change.

    Raises:
        InputError: as `differences`.
    """
    found = _changes(first, second)
    made = [Piece("same", second[: found.start])]
    at = 0
    for (begin, end), (begin_b, end_b) in _apart(found):
        made += [
            Piece("same", "".join(found.first[at:begin])),
            Piece("removed", "".join(found.first[begin:end])),
            Piece("added", "".join(found.second[begin_b:end_b])),
        ]
        at = end
    rest = second[len(second) - found.end :]
    made.append(Piece("same", "".join(found.first[at:]) + rest))
    return tuple(piece for piece in made if piece.text)


def changed_share(first: str, second: str) -> float:
    """Share of the words and signs of both texts that only one has, 0 to 1.

    Texts too long to be compared count as wholly changed.
    """
    a, b = NO_SPACES.findall(first), NO_SPACES.findall(second)
    if len(a) * len(b) > MOST_COMPARISONS:
        return float(first != second)
    return float(Indel.normalized_distance(a, b))


def _changes(first: str, second: str) -> _Changes:
    start, end = _same_ends(first, second)
    middles = first[start : len(first) - end], second[start : len(second) - end]
    for pattern in (WORDS, LINES):
        a, b = (pattern.findall(middle) for middle in middles)
        # That one line differs from one other says nothing.
        if pattern is LINES and len(a) == len(b) == 1:
            break
        if len(a) * len(b) <= MOST_COMPARISONS:
            return _Changes(a, b, start, end, _blocks(a, b))
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


def _blocks(a: list[str], b: list[str]) -> list[tuple[Range, Range]]:
    numbers = {word: number for number, word in enumerate({*a, *b})}
    return [
        ((op.src_start, op.src_end), (op.dest_start, op.dest_end))
        for op in Indel.opcodes([numbers[w] for w in a], [numbers[w] for w in b])
        if op.tag != "equal"
    ]


def _apart(found: _Changes) -> list[tuple[Range, Range]]:
    """The blocks, those joined that only white space parts."""
    joined: list[tuple[Range, Range]] = []
    for one, two in found.blocks:
        if joined and not "".join(found.first[joined[-1][0][1] : one[0]]).strip():
            (begin, _), (begin_b, _) = joined.pop()
            joined.append(((begin, one[1]), (begin_b, two[1])))
        else:
            joined.append((one, two))
    return joined


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
