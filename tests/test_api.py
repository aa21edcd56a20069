"""The study in Python: each command as a method, on the same file."""

import pytest
from fakes import ROWS, write_checkpoint, write_rows, write_task
from rated_study import a_rated_study

import harness
from harness.errors import HarnessError, NotFound, StudyError, UsageError

OUTPUTS = [
    {"item": i, "system": s, "output": f"{s} {i}", "scores": {"m": len(s + i)}}
    for s in ("old", "newer")
    for i in ("a", "b", "c")
]
RATINGS = [
    {"item": i, "system": s, "rater": "ann", "criterion": "fit", "value": v}
    for s, v in (("old", 2), ("newer", 5))
    for i in ("a", "b", "c")
]


@pytest.fixture
def study(tmp_path):
    study = harness.Study(tmp_path / "results" / "s.db")
    yield study
    study.close()


@pytest.fixture
def folders(tmp_path, echo):
    for step, word in ((30, "calm"), (100, "bold")):
        write_checkpoint(tmp_path / "run" / f"checkpoint-{step}", word)
    return [f"{tmp_path}/run/checkpoint-*"]


@pytest.fixture
def task(tmp_path):
    return str(write_task(tmp_path / "mine", ROWS))


def test_the_package_offers_the_study_and_nothing_else():
    assert harness.__all__ == ["Study"]
    with pytest.raises(AttributeError, match="no attribute 'Studdy'"):
        _ = harness.Studdy


def test_run_then_report(study, folders, task):
    done = study.run(task, folders)
    assert [c.name for c in done.checkpoints] == ["checkpoint-30", "checkpoint-100"]
    assert done.scores == 20
    [report] = study.report().tasks
    assert report.task == "echo"
    means = [
        estimate.value
        for checkpoint in report.checkpoints
        for estimate in checkpoint.metrics.values()
    ]
    assert means == [1.0, 0.0]


def test_one_checkpoint_needs_no_list(study, folders, task):
    done = study.run(task, folders[0])
    assert [c.name for c in done.checkpoints] == ["checkpoint-30", "checkpoint-100"]


def test_two_checkpoints_are_compared(study, folders, task):
    study.run(task, folders)
    [found] = study.compare("checkpoint-30", "checkpoint-100", task="echo")
    [row] = found.rows
    assert (row.name, row.difference.value, row.better) == ("exact_match", -1, "first")


def test_progress_is_told(study, folders, task):
    labels = []
    study.run(task, folders, progress=lambda label, *_: labels.append(label))
    assert labels[:3] == ["read checkpoints"] * 3
    assert "checkpoint-30: load" in labels
    assert "checkpoint-30: generate" in labels


def test_score_adds_a_metric(study, folders, task, tmp_path, echo):
    study.run(task, folders)
    write_task(tmp_path / "mine", ROWS, metrics=["exact_match", "chrf"])
    assert study.score(task).scores == 20
    assert study.score(task).scores == 0
    assert echo.loads == 2


def test_missing_data_is_remarked_when_scoring(study, folders, task, tmp_path):
    study.run(task, folders)
    (tmp_path / "mine" / "data.jsonl").unlink()
    told = []
    study.score(task, remark=told.append)
    assert "data.jsonl: no such file" in told[0]


def test_tables_are_exported(study, folders, task, tmp_path):
    study.run(task, folders)
    paths = study.export(tmp_path / "out", kind="jsonl", names=["checkpoints"])
    assert [path.name for path in paths] == ["checkpoints.jsonl"]
    assert len(paths[0].read_text().splitlines()) == 2


def test_ratings_are_exported_for_another_tool(tmp_path):
    a_rated_study(tmp_path / "s.db").close()
    study = harness.Study(tmp_path / "s.db")
    written = study.export_ratings(tmp_path / "out", "argilla")
    assert tmp_path / "out" / "modernize" / "records.json" in written
    study.close()


def test_tasks_are_listed(study, folders, task):
    assert study.tasks() == []
    study.run(task, folders)
    assert study.tasks() == ["echo"]


def test_what_rating_needs_is_said_before_the_page_is_served(study, folders, task):
    study.run(task, folders)
    with pytest.raises(UsageError, match="no section 'rating:' in the task file of"):
        study.rate(task, ["ann"], port=0)


def test_import_then_frames(study, tmp_path):
    done = study.import_outputs(write_rows(tmp_path / "o.jsonl", OUTPUTS), "t")
    assert (done.items, done.checkpoints) == (3, 2)
    done = study.import_ratings(str(write_rows(tmp_path / "r.jsonl", RATINGS)), "t")
    assert done.raters == 1
    frame = study.frame("judgements")
    assert len(frame) == 6
    assert frame.groupby("checkpoint")["rating"].mean().to_dict() == {
        "old": 2.0,
        "newer": 5.0,
    }
    assert frame["score"].dtype == "float64"


def test_checkpoints_are_listed_for_all_tasks_or_one(study, folders, task, tmp_path):
    study.run(task, folders)
    study.import_outputs(write_rows(tmp_path / "o.jsonl", OUTPUTS), "t")
    assert [c.name for c in study.checkpoints("echo")] == [
        "checkpoint-30",
        "checkpoint-100",
    ]
    assert len(study.checkpoints()) == 4
    assert study.checkpoints("nothing") == []


def test_two_studies_on_one_file_see_the_same(study, folders, task, tmp_path):
    study.run(task, folders)
    other = harness.Study(str(tmp_path / "results" / "s.db"))
    assert other.frame("scores").equals(study.frame("scores"))
    other.close()


def test_a_closed_study_opens_again_when_it_is_used(study):
    study.close()
    assert study.checkpoints() == []


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda s: s.report(["nothing"]), NotFound, "task with outputs"),
        (lambda s: s.run("modernise", ["x"]), NotFound, "Did you mean 'modernize'"),
        (lambda s: s.run("modernize", []), HarnessError, "at least one checkpoint"),
        (lambda s: s.score("modernize"), NotFound, "task with outputs"),
        (lambda s: s.compare("a", "b"), NotFound, "No checkpoint named 'a'"),
        (lambda s: s.export("out", names=["score"]), NotFound, "Did you mean 'score"),
        (lambda s: s.frame("judgments"), NotFound, "Did you mean 'judgements'"),
        (lambda s: s.import_outputs("none.csv", "t"), HarnessError, "no such file"),
        (lambda s: s.import_ratings("none.csv", "t"), NotFound, "task with outputs"),
        (lambda s: harness.Study(__file__), StudyError, "no SQLite database"),
    ],
)
def test_a_failure_is_a_harness_error(study, call, error, message):
    with pytest.raises(error, match=message):
        call(study)


def test_training_data_are_held_against_what_the_study_asks(study, task, folders):
    study.run(task, folders)
    asked = study.frame("items")["prompt"].tolist()
    rows = [{"prompt": prompt, "completion": "x"} for prompt in asked]
    [file, other] = [study.file.path.parent / name for name in ("t.jsonl", "o.jsonl")]
    write_rows(file, rows)
    write_rows(other, [{"prompt": "something else", "completion": "y"}])

    def leaked(**given):
        checks = study.check_data(file, **given).findings.checks
        return {one.name: one.value for one in checks}["leaked_prompts"]

    assert leaked() == 1
    assert leaked(held_out=other) == 0
