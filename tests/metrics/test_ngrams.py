"""Words of any script, and sequences of them, by hand."""

import pytest

from harness.metrics.ngrams import lacks_spaces, length, ngrams, tokenized

# Text, words that white space divides, characters, and what n-grams are made of.
TEXTS = [
    ("The cat, sat.", 3, 13, ["The", "cat", ",", "sat", "."]),
    ("  a\n b\t", 2, 4, ["a", "b"]),
    ("don't", 1, 5, ["don", "'", "t"]),
    ("!!!", 1, 3, ["!", "!", "!"]),
    ("日本語です", 5, 5, ["日", "本", "語", "で", "す"]),
    ("你好 world", 3, 8, ["你", "好", "world"]),
    ("ที่นี่", 2, 6, ["ที่", "นี่"]),
    ("قطة على", 2, 7, ["قطة", "على"]),
    ("हिन्दी भाषा", 2, 11, ["हिन्दी", "भाषा"]),
    ("👍 ok", 2, 4, ["👍", "ok"]),
    ("", 0, 0, []),
    (" \n ", 0, 0, []),
]


@pytest.mark.parametrize(("text", "words", "characters", "_"), TEXTS)
def test_length(text, words, characters, _):
    assert length(text, "words") == words
    assert length(text, "characters") == characters


@pytest.mark.parametrize(("text", "_", "__", "expected"), TEXTS)
def test_what_ngrams_are_made_of(text, _, __, expected):
    assert list(tokenized(text, "words")) == expected
    assert "".join(tokenized(text, "characters")) == text.strip()


def test_every_sequence_of_neighbours():
    assert ngrams(["a", "b", "c"], 2) == [("a", "b"), ("b", "c")]
    assert ngrams("aba", 1) == [("a",), ("b",), ("a",)]
    assert ngrams(["a", "b"], 2) == [("a", "b")]
    assert ngrams(["a", "b"], 3) == []
    assert ngrams([], 1) == []
    assert ngrams(["a"], 10**12) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("今天天气很好。", True),
        ("แมวนั่งบนเสื่อ", True),
        ("今天 is today", False),
        ("오늘은 날씨가 좋다", False),
        ("кошка сидит", False),
        ("", False),
        ("…!", False),
    ],
)
def test_scripts_without_spaces(text, expected):
    assert lacks_spaces(text) == expected
