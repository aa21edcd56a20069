"""The benchmark of combined estimates measures what users call."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.stats.combine import mean

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "combine.py"
KINDS = runpy.run_path(str(SCRIPT))["KINDS"]


@pytest.fixture(scope="module")
def script():
    before = list(sys.path)
    yield runpy.run_path(str(SCRIPT))
    sys.path[:] = before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [10, 25])
def test_all_draws_at_once_are_what_mean_says_of_each(script, kind, n):
    rng = np.random.default_rng(1)
    data = script["drawn"](kind, n, 8, rng)
    second = rng.normal(size=data.x.shape)
    ends = script["intervals"](data, second)
    for draw in range(8):
        human, scores, design = data.one(draw)
        asked = {"design": design, "scale": data.scale}
        both = np.column_stack([scores, second[draw]])
        expected = {
            "tandem": mean(human, scores, **asked),
            "two metrics": mean(human, both, **asked),
        }
        for name, found in expected.items():
            at_once = [side[draw] for side in ends[name]]
            assert at_once == pytest.approx([found.low, found.high])


@pytest.mark.parametrize(
    ("classical", "covers", "width", "kept"),
    [
        *((0.95, 0.94, 1.0, True), (0.95, 0.93, 1.0, False)),
        *((0.95, 0.98, 1.0, False), (0.95, 0.95, 1.06, False)),
        *((0.9, 0.895, 1.0, True), (0.9, 0.88, 1.0, False)),
    ],
)
def test_the_promise_is_checked(script, classical, covers, width, kept):
    row = {"classical": [classical, 1.0], "tandem": [covers, width]}
    assert script["kept"](row) is kept


def test_every_method_has_coverage_and_width_and_looks_their_alarms():
    small = ("--draws", "40", "--rated", "15", "--only", "normal", "unequal")
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *small, "--campaigns", "40", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert [row["kind"] for row in found["intervals"]] == ["normal", "unequal"]
    assert all(
        0.7 < row[name][0] <= 1 and 0.5 < row[name][1] < 1.2
        for row in found["intervals"]
        for name in ("classical", "tandem", "two metrics")
    )
    assert set(found["false alarms"]) == {
        *("fixed n", "anytime", "anytime, ratings alone")
    }
