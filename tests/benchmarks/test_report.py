"""The benchmark of large reports measures what it names, and they stay in bounds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "report.py"


def measured(*options):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *options, "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.slow
def test_every_format_has_its_seconds_and_memory(tmp_path):
    small = ("--checkpoints", "4", "--items", "20", "--metrics", "2", "--raters", "4")
    study = tmp_path / "small.db"
    found = measured(*small, "--ratings", "2", "--keep", str(study))
    assert list(found) == ["text", "md", "json", "html"]
    for one in found.values():
        assert one["seconds"] > 0
        assert 0.05 < one["peak_gb"] < 2
    assert study.exists()


@pytest.mark.slow
def test_a_twentieth_of_the_promised_size_stays_within_its_time_and_memory():
    found = measured("--checkpoints", "50", "--items", "1000", "--formats", "json")
    # Processor seconds, as others may work on the same machine.
    assert found["json"]["cpu_seconds"] < 120
    assert found["json"]["peak_gb"] < 1.5
