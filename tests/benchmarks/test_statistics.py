"""The benchmark of the statistics measures what it names."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "statistics.py"


@pytest.fixture(scope="module")
def script():
    # By its path: the name is that of a module of Python's own.
    before = list(sys.path)
    yield runpy.run_path(str(SCRIPT))
    sys.path[:] = before


def test_every_part_has_its_seconds():
    small = ("--metrics", "2", "--systems", "4", "--items", "20", "--trials", "20")
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *small, "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert list(found) == ["values", "agreement", "tests", "item_tau", "item_tau_loop"]
    assert all(seconds > 0 for seconds in found.values())
    assert "1 of 1 pairs of metrics" in done.stderr


def test_the_loop_over_scipy_tests_the_same(script):
    scores, human = script["judgments"](2, 5, 30)
    fast = script["item_tau_p"](scores, human, 60)
    assert fast == pytest.approx(script["looped_item_tau_p"](scores, human, 60))
