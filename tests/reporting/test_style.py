"""The colours of the report's page can be told from what they stand on."""

import re
from importlib.resources import files

import pytest

STYLE = (files("harness.reporting") / "templates" / "style.css").read_text("utf-8")
LOOKS = dict(
    zip(
        ("light", "dark", "paper"),
        re.findall(r":root(?::not\(.paper\))? \{(.*?)\}", STYLE, re.DOTALL),
        strict=True,
    )
)
TEXTS = ("ink", "muted", "accent", "warn")
MARKS = ("edge", *(f"s{number}" for number in range(6)))


def colours(look):
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", LOOKS[look]))


def luminance(colour):
    """Relative luminance of WCAG 2.1, 0 to 1."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_black_and_white_is_21():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", TEXTS)
def test_texts_can_be_read(look, name):
    found = colours(look)
    assert contrast(found[name], found["ground"]) >= 4.5
    assert contrast(found[name], found["raised"]) >= 4.5
    assert contrast(found["warn"], found["warn-ground"]) >= 4.5


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", MARKS)
def test_lines_and_edges_can_be_seen(look, name):
    found = colours(look)
    assert contrast(found[name], found["ground"]) >= 3
