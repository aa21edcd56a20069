"""The benchmark of diagnoses: what counts as right."""

from pathlib import Path

import pytest

from harness.diagnosis import CAUSES

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)


def fault(name):
    from parts.faults import FAULTS

    return next(fault for fault in FAULTS if fault.name == name)


@pytest.mark.parametrize(
    ("name", "named", "final", "right"),
    [
        ("healthy", "nothing", 1.0, True),
        ("healthy", "under_trained", 1.0, False),
        ("100_examples", "overfitting", 3.0, True),
        ("100_examples", "nothing", 1.0, False),
        ("rate_x10", "overfitting", 2.0, False),
        ("no_warmup", "no_warmup", 1.0, True),
        ("no_warmup", "nothing", 1.04, True),
        ("no_warmup", "nothing", 1.06, False),
        ("no_warmup", "nothing", None, False),
        ("float16", "non_finite", None, True),
    ],
)
def test_what_may_be_named_first(name, named, final, right):
    from parts.faults import is_right

    assert is_right(fault(name), named, final=final, healthy=1.0) is right


def test_accepted_causes_are_causes_that_can_be_named():
    from parts.faults import FAULTS

    assert {cause for one in FAULTS for cause in one.accepted} <= set(CAUSES)
