"""Series are told apart by readers who see colours otherwise, and without colour.

The common kinds of colour blindness as by Machado, Oliveira and Fernandes (2009, IEEE
TVCG 15, 1291-1298), at full severity: a matrix each, applied to linear RGB.
"""

import re
from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest

from harness.reporting.curves import INK
from harness.reporting.figures import PALETTE, Look

SEEN = {
    "usual": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
"""CIE XYZ of linear sRGB, D65."""
LEAST_APART = 15
"""CIE 1976 difference; colours 2.3 apart are only just told from one another."""
LEAST_CONTRAST = 3
"""Of lines and marks, WCAG 2.2, 1.4.11."""
STYLE = files("harness.reporting").joinpath("templates/style.css").read_text("utf-8")
THEMES = {
    name: dict(re.findall(r"--(\w+): (#\w{6})", part))
    for name, part in zip(
        ("light", "dark", "print"), STYLE.split(":root")[1:], strict=False
    )
}


def linear(colour):
    value = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(colour, seen):
    light = np.clip(np.array(seen) @ linear(colour), 0, 1)
    part = XYZ @ light / XYZ.sum(axis=1)
    f = np.where(part > (6 / 29) ** 3, np.cbrt(part), part * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one, other):
    low, high = sorted(float(XYZ[1] @ linear(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def test_the_measure_is_that_of_the_textbook():
    assert lab("#ffffff", np.eye(3)) == pytest.approx([100, 0, 0], abs=0.01)
    assert lab("#ff0000", np.eye(3)) == pytest.approx([53.24, 80.09, 67.20], abs=0.02)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    # What the blind to red or green cannot tell apart, and others can.
    red, green = "#b0503c", "#7a7a3c"
    apart = {k: np.linalg.norm(lab(red, m) - lab(green, m)) for k, m in SEEN.items()}
    assert apart["usual"] > 35
    assert apart["deuteranopia"] < 15


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("theme", THEMES)
def test_no_two_lines_look_alike(theme, seen):
    own = THEMES[theme]
    colours = [own["ink"], *(own[f"s{place}"] for place in range(len(PALETTE)))]
    for one, other in combinations(colours, 2):
        apart = np.linalg.norm(lab(one, SEEN[seen]) - lab(other, SEEN[seen]))
        assert apart >= LEAST_APART, (one, other)


@pytest.mark.parametrize("theme", THEMES)
def test_lines_stand_out_from_the_page(theme):
    own = THEMES[theme]
    for place in range(len(PALETTE)):
        assert contrast(own[f"s{place}"], own["ground"]) >= LEAST_CONTRAST


def test_figures_and_page_have_the_same_colours():
    own = THEMES["light"]
    assert tuple(own[f"s{place}"] for place in range(len(PALETTE))) == PALETTE
    assert own["ink"] == INK


def test_without_any_colour_lines_and_marks_still_differ():
    looks = [Look.of(place) for place in range(36)]
    assert len(set(looks)) == 36
    assert len({(look.dash, look.symbol) for look in looks[:6]}) == 6
    assert len({look.dash for look in looks[:6]}) == 6
    assert len({look.symbol for look in looks[:6]}) == 6
