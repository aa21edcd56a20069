"""Differences: by hand, against difflib, and for texts made to be slow."""

import difflib
import itertools
import random
import time
from contextlib import suppress

import pytest

from harness.differences import changed_share, differences, pieces
from harness.errors import InputError


def marked(first, second):
    """The words that are marked in each text."""
    found = differences(first, second)
    return (
        [first[start:end] for start, end in found.first],
        [second[start:end] for start, end in found.second],
    )


@pytest.mark.parametrize(
    ("first", "second", "only"),
    [
        ("the cat sat", "the dog sat", (["cat"], ["dog"])),
        ("the cat sat", "the cat", ([" sat"], [])),
        ("same", "same", ([], [])),
        ("", "all new", ([], ["all new"])),
        ("it is red.", "it is red!", (["."], ["!"])),
        ("one two three", "1 2 three", (["one two"], ["1 2"])),
        ("a b", "a  b", ([" "], ["  "])),
        ("aa a", "aa aa a", ([], ["aa "])),
        ("👍 𝒳 no", "👍 𝒳 yes", (["no"], ["yes"])),
    ],
    ids=[
        *("word", "end", "nothing", "all", "sign", "joined", "spaces", "repeated"),
        "beyond the first plane",
    ],
)
def test_differences_by_hand(first, second, only):
    assert marked(first, second) == only


def test_what_is_left_unmarked_is_in_both_and_as_much_as_difflib_finds():
    seeded = random.Random(5)  # noqa: S311
    for _ in range(200):
        # Signs are words of their own, and without spaces nothing is joined.
        first, second = (
            "".join(seeded.choices("!-.?", k=seeded.randrange(30))) for _ in range(2)
        )
        found = differences(first, second)
        rest = unmarked(first, found.first)
        assert rest == unmarked(second, found.second)
        blocks = difflib.SequenceMatcher(None, first, second, autojunk=False)
        same = sum(block.size for block in blocks.get_matching_blocks())
        assert len(rest) >= same


def test_pieces_make_up_both_texts_and_neighbours_differ():
    seeded = random.Random(6)  # noqa: S311
    words = ["a", "b", " ", "!", "\n", "cd", "日", "ท", "ี่", "\u0301", "\u200d", "👨"]
    for _ in range(500):
        first, second = (
            "".join(seeded.choices(words, k=seeded.randrange(25))) for _ in range(2)
        )
        found = pieces(first, second)
        without = {
            kind: "".join(piece.text for piece in found if piece.kind != kind)
            for kind in ("removed", "added")
        }
        assert without == {"added": first, "removed": second}
        assert all(piece.text for piece in found)
        assert all(a.kind != b.kind for a, b in itertools.pairwise(found))


@pytest.mark.parametrize(
    ("first", "second", "only"),
    [
        ("私は昨日行きました", "私は今日行きます", (["昨", "した"], ["今", "す"])),
        ("ผมชื่อ", "ฉันชื่อ", (["ผม"], ["ฉัน"])),
        ("नमस्ते दुनिया", "नमस्ते संसार", (["दुनिया"], ["संसार"])),
        ("a 👨‍👩‍👧 b", "a 👨‍👩‍👦 b", (["👨‍👩‍👧"], ["👨‍👩‍👦"])),
    ],
    ids=["Japanese", "Thai", "Hindi", "families"],
)
def test_words_of_other_scripts_are_told_apart_and_no_sign_is_divided(
    first, second, only
):
    assert marked(first, second) == only


def test_changes_that_only_a_space_parts_are_one():
    kinds = [(piece.kind, piece.text) for piece in pieces("one two three", "1 2 three")]
    assert kinds == [("removed", "one two"), ("added", "1 2"), ("same", " three")]


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [
        ("a b", "a  b", 0.0),
        ("", "", 0.0),
        ("a b", "c d", 1.0),
        ("a b c", "a b", 0.2),
        ("ab " * 20_000, "ba " * 20_000, 1.0),
    ],
)
def test_the_share_of_words_that_changed_by_hand(first, second, share):
    assert changed_share(first, second) == pytest.approx(share)


def unmarked(text, ranges):
    places = {at for start, end in ranges for at in range(start, end)}
    return "".join(sign for at, sign in enumerate(text) if at not in places)


def test_too_many_words_are_compared_line_by_line():
    lines = [f"line {number} with a few words" for number in range(15_000)]
    other = [*lines[:5], "another", *lines[6:14_000:2], "the end"]
    first, second = marked("\n".join(lines), "\n".join(other))
    assert first[0] == "line 5 with a few words\n"
    assert second[0] == "another\n"
    assert second[-1] == "the end"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("word " * 200_000, "drow " * 200_000),
        ("a b\n" * 250_000, "a c\n" * 250_000),
        ("x" * 1_000_000, "y" * 1_000_000),
        ("word " * 200_000, "word " * 100_000 + "new " + "word " * 100_000),
        ("ab " * 10_000, "ba " * 10_000),
    ],
    ids=["one line", "many lines", "one word", "one more", "nothing shared"],
)
def test_a_megabyte_is_compared_or_refused_in_a_moment(first, second):
    begun = time.process_time()
    with suppress(InputError):
        found = differences(first, second)
        assert found.first or found.second
    # The slowest takes 0.5 s on an idle core.
    assert time.process_time() - begun < 4


def test_a_text_of_one_line_may_be_too_long_to_be_compared():
    with pytest.raises(InputError, match="too long"):
        differences("ab " * 20_000, "ba " * 20_000)
