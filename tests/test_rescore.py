"""Rescoring judges what the study holds, by the data of today, without a model."""

import pytest
from fakes import ROWS, write_checkpoint, write_rows, write_task

from harness.errors import InputError, MetricError, NotFound
from harness.importing import import_outputs
from harness.rescore import score_stored
from harness.run import run
from harness.study import StudyFile
from harness.study.items import stored_items
from harness.study.scores import current_scores
from harness.task import load_task

BREAKS = """
from dataclasses import dataclass

from harness.metrics import MeanMetric

@dataclass(frozen=True)
class Breaks(MeanMetric):
    name = "breaks"

    def score(self, item, text):
        if text.startswith("bold"):
            raise ZeroDivisionError("by nothing")
        return 1.0
"""


@pytest.fixture
def study(tmp_path):
    return StudyFile(tmp_path / "s.db")


@pytest.fixture
def ran(tmp_path, study, echo):
    """Generate and score the usual rows; returns the checkpoint."""
    folder = write_checkpoint(tmp_path / "run" / "checkpoint-1")

    def evaluate():
        task = load_task(write_task(tmp_path / "task"))
        return run(study, [task], [str(folder)]).checkpoints[0]

    return evaluate


def values(study, checkpoint, name):
    found = current_scores(study, "echo", checkpoint.id)
    [scores] = [s for signature, s in found.items() if signature.startswith(name)]
    keys = study.mapping("SELECT id, key FROM items")
    return {keys[score.item]: score.value for score in scores}


def test_stored_outputs_are_scored_without_a_model(study, ran, tmp_path, echo):
    checkpoint = ran()
    task = load_task(write_task(tmp_path / "task", metrics=["exact_match", "ter"]))
    assert score_stored(study, [task]).scores == 10
    assert score_stored(study, [task]).scores == 0
    assert echo.loads == 1
    assert set(values(study, checkpoint, "ter").values()) == {0.0}


def test_mended_references_are_scored_without_a_model(study, ran, tmp_path, echo):
    checkpoint = ran()
    rows = [{**ROWS[0], "answer": "mended"}, *ROWS[1:]]
    task = load_task(write_task(tmp_path / "task", rows))
    assert score_stored(study, [task]).scores == 1
    assert values(study, checkpoint, "exact_match") == {
        "q0": 0.0,
        **{f"q{n}": 1.0 for n in range(1, 10)},
    }
    assert stored_items(study, "echo")[0].references == ("mended",)
    assert score_stored(study, [task]).scores == 0
    assert echo.loads == 1


def test_an_item_that_left_the_data_is_no_longer_scored(study, ran, tmp_path):
    checkpoint = ran()
    task = load_task(write_task(tmp_path / "task", ROWS[1:], metrics=["ter"]))
    assert score_stored(study, [task]).scores == 9
    assert "q0" not in values(study, checkpoint, "ter")
    assert study.column("SELECT count(*) FROM outputs") == [10]


def test_without_its_data_a_task_is_scored_by_what_the_study_holds(
    study, ran, tmp_path
):
    ran()
    task = load_task(write_task(tmp_path / "task", metrics=["ter"]))
    (tmp_path / "task" / "data.jsonl").unlink()
    told = []
    assert score_stored(study, [task], remark=told.append).scores == 10
    [remark] = told
    assert remark.startswith("Task 'echo' is scored by the references in the study: ")
    assert "data.jsonl: no such file" in remark


def test_other_prompts_need_a_run(study, ran, tmp_path):
    ran()
    task = load_task(write_task(tmp_path / "task", prompt="Q: {{ question }}"))
    with pytest.raises(
        InputError, match=r"task\.yaml:\d+: all of its prompts have cha"
    ):
        score_stored(study, [task])
    assert study.column("SELECT count(*) FROM current_outputs") == [10]


def test_items_known_by_import_alone_stay_as_they_are(study, tmp_path):
    rows = [{"item": "q0", "system": "s", "output": "x", "references": ["x"]}]
    import_outputs(study, write_rows(tmp_path / "outputs.jsonl", rows), "echo")
    before = list(study.db["items"].rows)
    task = load_task(write_task(tmp_path / "task"))
    told = []
    assert score_stored(study, [task], remark=told.append).scores == 1
    assert list(study.db["items"].rows) == before
    assert study.column("SELECT value FROM current_scores") == [1.0]
    assert told == []


def test_a_task_without_outputs_is_not_found(study, ran, tmp_path):
    ran()
    task = load_task(write_task(tmp_path / "other", name="ecko"))
    with pytest.raises(NotFound, match="Did you mean 'echo'"):
        score_stored(study, [task])


def test_a_metric_that_fails_on_a_checkpoint_keeps_no_other_from_scoring(
    study, tmp_path, echo
):
    for step, word in ((1, "bold"), (2, "calm")):
        write_checkpoint(tmp_path / "run" / f"checkpoint-{step}", word)
    task = load_task(write_task(tmp_path / "task"))
    run(study, [task], [f"{tmp_path}/run/*"])
    (tmp_path / "task" / "breaks.py").write_text(BREAKS)
    metrics = ["breaks.py", "ter"]
    task = load_task(write_task(tmp_path / "task", metrics=metrics))
    with pytest.raises(MetricError, match="ZeroDivisionError: by nothing"):
        score_stored(study, [task])
    assert study.rows(
        "SELECT name, count(value) AS n FROM scores JOIN metrics USING (signature) "
        "WHERE name != 'exact_match' GROUP BY name"
    ) == [{"name": "breaks", "n": 10}, {"name": "ter", "n": 20}]
