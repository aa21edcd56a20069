"""Reports on studies that hold little: each format says what is missing."""

import json

import pytest

from harness.importing import import_outputs, import_ratings
from harness.report import report
from harness.reporting import FORMATS, render
from harness.reporting.trust import undefined
from harness.reporting.wording import no_ceiling

KEYS = "abcdef"


@pytest.fixture
def told(maker, tmp_path):
    """Report on outputs of systems for keys, and ratings by (key, system, rater)."""

    def made(systems, keys, ratings=(), *, score=lambda n: n / 10, lower=()):
        outputs, given = tmp_path / "outputs.jsonl", tmp_path / "ratings.jsonl"
        rows = [
            {"item": key, "system": system, "output": f"{key} {system}"}
            | {"prompt": key, "references": [key]}
            | {"scores": {"ter": score(n + 3 * s)}}
            for s, system in enumerate(systems)
            for n, key in enumerate(keys)
        ]
        outputs.write_text("".join(json.dumps(row) + "\n" for row in rows))
        import_outputs(maker.study, outputs, "t", lower_is_better=lower)
        names = ("item", "system", "rater", "value")
        rows = [
            {**dict(zip(names, row, strict=True)), "criterion": "good"}
            for row in ratings
        ]
        given.write_text("".join(json.dumps(row) + "\n" for row in rows))
        if rows:
            import_ratings(maker.study, given, "t")
        found = report(maker.study, draws=20)
        for form in FORMATS:
            page = render(found, form)
            assert page.strip(), form
            assert "nan" not in page.lower().split(), form
        return found.tasks[0]

    return made


def test_one_item_is_told_and_a_lead_on_it_is_not_called_level(told):
    task = told("AB", "a", [("a", "A", "ann", 5), ("a", "B", "ann", 2)])
    assert any(note.startswith("1 item: intervals") for note in task.notes)
    assert "as so few cannot tell" in task.verdict
    assert "level" not in task.sentences[1]


def test_one_rated_output_is_told(told):
    task = told("AB", KEYS, [("a", "A", "ann", 5)])
    assert "1 rated output: agreement needs several." in task.notes
    assert "One rater alone: how far raters agree cannot be known." in task.notes


def test_equal_ratings_are_level_and_not_a_lead_of_nothing(told):
    rows = [(k, s, r, 3) for k in KEYS for s in "AB" for r in ("ann", "ben")]
    task = told("AB", KEYS, rows)
    assert "level with B" in task.verdict
    assert "not clearly ahead" not in task.verdict
    assert "so far level" in task.sentences[1]


def test_one_checkpoint_is_told(told):
    rows = [(k, "A", r, n % 5) for n, k in enumerate(KEYS) for r in ("ann", "ben")]
    task = told("A", KEYS, rows)
    assert task.sentences[0].endswith(
        "; one checkpoint alone leaves nothing to compare."
    )
    assert any("agreement across checkpoints needs two" in one for one in task.notes)


def test_no_ratings_are_told(told):
    task = told("AB", KEYS)
    assert "only metrics speak" in task.verdict
    assert any("nothing to hold the metrics against" in one for one in task.notes)


def test_a_metric_without_any_value_is_a_dash_and_no_zero(told):
    rows = [(k, s, "ann", n % 5) for n, k in enumerate(KEYS) for s in "AB"]
    task = told("AB", KEYS, rows, score=lambda _: None)
    for checkpoint in task.checkpoints:
        assert [one.value for one in checkpoint.metrics.values()] in ([], [None])


def test_why_there_are_dashes_is_said_once_for_each_reason(told):
    rows = [(k, s, r, n % 5) for n, k in enumerate(KEYS) for s in "AB" for r in "ab"]
    task = told("AB", KEYS, rows, score=lambda _: 0.5)
    [constant] = [one for one in undefined(task, "good") if "are the same" in one]
    assert constant == (
        "No value for ter all outputs, ter within items and ter within checkpoints: "
        "all scores or all ratings are the same."
    )
    # That no rater can be left out stands beside the others.
    assert not any("beside a rater" in one for one in undefined(task, "good"))
    assert no_ceiling(task, "good").startswith("No human ceiling: ")


@pytest.mark.parametrize(("lower", "sign"), [((), -1), (("ter",), 1)])
def test_lower_is_better_turns_agreement_round(told, lower, sign):
    rows = [
        (k, s, "ann", 9 - n - 3 * at)
        for at, s in enumerate("AB")
        for n, k in enumerate(KEYS)
    ]
    task = told("AB", KEYS, rows, lower=lower)
    [found] = task.agreement
    assert found.segment["none"].pearson.value == pytest.approx(sign)
    assert found.segment["item"].kendall.value == pytest.approx(sign)
    best = next(lead.best for lead in task.leads if lead.kind == "metric")
    assert best == ("A" if lower else "B")
