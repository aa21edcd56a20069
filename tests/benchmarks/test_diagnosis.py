"""The benchmark of diagnoses: what counts as right, and what a fault does to data."""

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


def run(name, seed=0, final=1.0):
    return {
        "run": f"{name}-{seed}",
        "task": "t",
        "fault": name,
        "seed": seed,
        "final": final,
    }


def test_runs_are_judged_against_the_healthy_one_of_their_seed():
    from parts.naming import judged, table

    runs = [run("healthy"), run("no_warmup"), run("leaked"), run("healthy", 1, 0.5)]
    runs += [run("no_warmup", 1)]
    names = {one["run"]: [] for one in runs} | {"leaked-0": ["overfitting"]}
    found = judged("tool", runs, names)
    assert [one.right for one in found] == [True, True, False, True, False]
    assert table(found).splitlines()[2:] == [
        "| healthy | 2 of 2 |",
        "| no_warmup | 1 of 2 (1 nothing) |",
        "| leaked | 0 of 1 (1 overfitting) |",
        "| names the right cause first | 3 of 5 |",
    ]


@pytest.mark.parametrize(
    ("said", "accepted", "named"),
    [
        ([], ["non_finite"], []),
        ([("grad_spikes", "warning"), ("non_finite", "critical")], [], ["non_finite"]),
        ([("overfitting", "info")], ["label_noise"], []),
        ([("overfitting", "info")], ["overfitting"], ["overfitting"]),
        ([("slowdown", "warning"), ("overfitting", "warning")], [], ["overfitting"]),
        ([("slowdown", "warning")], [], ["runmedic: slowdown"]),
    ],
)
def test_messages_of_others_are_read_in_their_favour(said, accepted, named):
    from parts.rivals import first_named

    assert first_named("runmedic", said, accepted) == named


def test_what_others_say_stands_for_causes_that_can_be_named():
    from parts.rivals import MEANT

    causes = [
        cause for table in MEANT.values() for meant in table.values() for cause in meant
    ]
    assert set(causes) <= set(CAUSES)


def test_faults_do_to_the_data_what_they_say():
    from parts.spoilt import spoilt_rows

    healthy = spoilt_rows("voice_commands", fault("healthy"), 0)
    right = {row["source"]: row["target"] for row in healthy}
    shuffled = spoilt_rows("voice_commands", fault("half_shuffled"), 0)
    wrong = [right[row["source"]] != row["target"] for row in shuffled]
    assert sum(wrong) / len(wrong) == pytest.approx(0.5, abs=0.03)
    few = spoilt_rows("voice_commands", fault("100_examples"), 0)
    assert len({row["source"] for row in few}) == 100
    leaked = spoilt_rows("voice_commands", fault("leaked"), 0)
    assert len(leaked) == len(healthy) + 300


def test_narrow_data_differ_in_names_and_numbers_alone():
    from parts.narrow import VERSES, narrow_pairs

    rows = narrow_pairs("modernize", 12, 240, seed=0)
    assert len({row["source"] for row in rows}) == 240
    beginnings = {source.partition("{")[0] for source, _ in VERSES}
    assert all(any(row["source"].startswith(b) for b in beginnings) for row in rows)
    assert narrow_pairs("modernize", 12, 240, seed=0) == rows
