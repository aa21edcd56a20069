"""How numbers and untrusted texts are written."""

import math

import pytest

from harness.reporting.formats import (
    counted,
    interval,
    listed,
    number,
    on_one_line,
    places,
    shortened,
    visible,
    with_interval,
)
from harness.types import Estimate


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], 3),
        ([0.2, -0.9], 3),
        ([4.5, 0.1], 2),
        ([61.2, None], 1),
        ([250.0], 1),
        ([9000.0], 0),
        ([math.inf, 2.0], 2),
    ],
)
def test_a_column_shows_about_three_digits(values, expected):
    assert places(values) == expected


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (1234.56, 1, "1,234.6"),
        (-0.5, 2, "−0.50"),
        (-0.001, 2, "0.00"),
        (2e9, 1, "2.00e+09"),
        (None, 2, "–"),
        (math.nan, 2, "–"),
        (math.inf, 0, "–"),
    ],
)
def test_numbers(value, decimals, expected):
    assert number(value, decimals) == expected


def test_differences_carry_their_sign_unless_they_round_to_zero():
    assert number(0.31, sign=True) == "+0.31"
    assert number(0.001, sign=True) == "0.00"


def test_an_interval_stands_in_brackets_or_not_at_all():
    assert with_interval(Estimate(0.5, -0.25, 0.75)) == "0.50 [−0.25, 0.75]"
    assert with_interval(Estimate(0.5)) == "0.50"
    assert interval(Estimate(None)) == ""


def test_lists_and_counts_read_as_prose():
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert [counted(1, "item"), counted(2000, "item")] == ["1 item", "2,000 items"]
    assert counted(2, "person", "people") == "2 people"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("abc\u202edef", "abc\\u202edef"),
        ("a\tb\nc\r\nd", "a\tb\nc\nd"),
        ("zero\u200bwidth\x00", "zero\\u200bwidth\\u0000"),
        ("naïve 中文 👩\u200d🚀 می\u200cخواهم", "naïve 中文 👩\u200d🚀 می\u200cخواهم"),
    ],
    ids=["plain", "escape", "override", "breaks", "hidden", "joiners"],
)
def test_hidden_characters_are_spelled_out(text, expected):
    assert visible(text) == expected


def test_one_line_has_no_breaks():
    assert on_one_line(" a\n\n b\tc\u2028d ") == "a b c\\u2028d"


def test_what_is_cut_is_counted():
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abc def", 4) == "abc … (3 more characters)"


def test_a_half_is_rounded_alike_whatever_order_it_was_added_up_in():
    assert 4.525 - 1e-15 < 4.525 < 4.525 + 1e-15
    assert number(4.525 - 1e-15) == number(4.525) == number(4.525 + 1e-15) == "4.53"
