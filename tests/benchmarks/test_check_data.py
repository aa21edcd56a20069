"""The examples that the benchmark of data checks makes."""

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_the_examples_are_seeded_and_have_the_faults(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import check_data

    from harness.diagnosis.data import check_data as check

    first, second, held = (tmp_path / f"{name}.jsonl" for name in "abc")
    monkeypatch.setattr(check_data, "BLOCK", 500)
    check_data.make(1500, first, held)
    check_data.make(1500, second, held)
    assert first.read_bytes() == second.read_bytes()
    assert len(first.read_text().splitlines()) == 1500
    found = {one.name: one.value for one in check(first, held).checks}
    assert found["exact_duplicates"] == pytest.approx(0.01, abs=0.008)
    assert found["differ_only_in_numbers"] == pytest.approx(0.05, abs=0.02)
    assert found["leaked_prompts"] == pytest.approx(15 / 500, abs=0.02)
