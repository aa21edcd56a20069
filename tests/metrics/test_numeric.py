"""The last number of a text, by hand, and whether it is close enough."""

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InputError, Unscorable
from harness.metrics import Numeric, build
from harness.types import Item


def numeric(text, *references, **settings):
    item = Item("1", "task", "1", "", references)
    return Numeric(**settings).score(item, text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The answer is 42.", "42"),
        ("3 + 4 = 7", "7"),
        ("#### 1,234", "1234"),
        ("1,234,567.5 in all", "1234567.5"),
        ("12,34,567", "1234567"),
        ("1,2,3", "3"),
        ("(2.5,100)", "100"),
        ("1234,567", "567"),
        ("1 234 567", "567"),
        ("1\u00a0234\u202f567", "1234567"),
        ("1'234'567", "1234567"),
        ("1_000", "1000"),
        ("$5.00", "5"),
        ("-$5", "-5"),
        ("$-5", "-5"),
        ("€ 20", "20"),
        ("50%", "50"),
        (".5", "0.5"),
        ("-3", "-3"),
        ("x = −3", "-3"),
        ("答案是-3。", "-3"),
        ("5-3", "3"),
        ("f(2)-3", "3"),
        ("COVID-19", "19"),
        ("pages 3-5", "5"),
        ("2020-05-01", "1"),
        ("12.05.2020", "2020"),
        ("12:30", "30"),
        ("1/2", "2"),
        ("1.5e3", "1500"),
        ("1.5E-3", "0.0015"),
        ("1.5 × 10^3", "1500"),
        ("1.5x10**3", "1500"),
        (r"1.5 \times 10^{-3}", "0.0015"),
        ("1.5·10⁻³", "0.0015"),
        ("3 × 10 = 30", "30"),
        ("3 × 10", "10"),
        ("5 m²", "5"),
        ("007", "7"),
        ("H2O", "2"),
        ("٣٫٥", "3.5"),
        ("是３", "3"),
        ("१२", "12"),
    ],
)
def test_the_last_number(text, number):
    assert Numeric().last_number(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "  ", "none", "-", ".", "½", "²", "NaN", "inf"])
def test_no_number(text):
    assert Numeric().last_number(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.234,5", "1234.5"), ("3,14", "3.14"), ("-0,5", "-0.5"), ("1.000.000", "1e6")],
)
def test_with_decimal_commas(text, number):
    assert Numeric(decimal="comma").last_number(text) == Decimal(number)


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=3))
def test_every_number_is_read_as_python_writes_it(number):
    for text in (f"{number}", f"so {number}.", f"{number:,}"):
        assert Numeric().last_number(text) == Decimal(number)


def test_numbers_are_equal_however_they_are_written():
    assert numeric("It is 1,000.0 dollars.", "5 * 200 = 1e3") == 1
    assert numeric("0.30", "0.3") == 1
    assert numeric("-0", "0") == 1
    assert numeric("41", "42") == 0


def test_any_reference_will_do():
    assert numeric("2", "1", "none", "2") == 1


def test_an_output_without_number_is_wrong():
    assert numeric("", "1") == 0
    assert numeric("I do not know.", "1") == 0


def test_large_numbers_are_compared_exactly():
    assert float(2**53) == float(2**53 + 1)
    assert numeric(str(2**53), str(2**53 + 1)) == 0
    assert numeric("9" * 40, "9" * 39 + "8") == 0
    assert numeric("9" * 40, "9" * 40) == 1


@pytest.mark.parametrize(
    ("text", "settings", "right"),
    [
        ("10.1", {}, 0),
        ("10.1", {"absolute": 0.1}, 1),
        ("9.9", {"absolute": 0.1}, 1),
        ("10.11", {"absolute": 0.1}, 0),
        ("10.1", {"relative": 0.01}, 1),
        ("10.11", {"relative": 0.01}, 0),
        ("10.11", {"relative": 0.01, "absolute": 0.2}, 1),
    ],
)
def test_tolerance_includes_its_end(text, settings, right):
    assert numeric(text, "10", **settings) == right
    assert numeric(f"-{text}", "-10", **settings) == right


def test_a_share_of_zero_is_zero():
    assert numeric("0.001", "0", relative=0.5) == 0
    assert numeric("0.00", "0", relative=0.5) == 1


def test_a_reference_without_number_is_unscorable():
    with pytest.raises(Unscorable, match="no reference holds a number"):
        numeric("1", "one", "")
    with pytest.raises(Unscorable, match="the item has no reference"):
        numeric("1")


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
@pytest.mark.parametrize("setting", ["absolute", "relative"])
def test_senseless_tolerances_are_refused(setting, value):
    with pytest.raises(InputError, match=f"'{setting}' must be a number from 0"):
        Numeric(**{setting: value})


@pytest.mark.parametrize(
    "text",
    [
        "11," * 50_000,
        "111," * 50_000,
        "1" * 200_000,
        "1." * 100_000,
        "-" * 200_000,
        "1 × 10" * 50_000,
        "1\u00a0" * 100_000,
        "1e999999999",
        "-1e-999999999",
        "1e99999999999999999999",
    ],
    ids=lambda text: text[:8],
)
def test_hostile_texts_take_no_time(text):
    started = time.perf_counter()
    assert numeric(text, "2", relative=0.1) == 0
    assert numeric("2", "3", text, relative=0.1) == 0
    assert time.perf_counter() - started < 2


def test_signature_holds_every_setting(tmp_path):
    [metric] = build("numeric:absolute=0.5,relative=0.1,decimal=comma", tmp_path)
    expected = "numeric|absolute:0.5|relative:0.1|decimal:comma|v1"
    assert metric.signature == expected
