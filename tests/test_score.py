"""Scoring judges what is not judged yet; what cannot be judged is no zero."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from fakes import ROWS, EchoModel, write_checkpoint, write_task

from harness import score as scoring
from harness.errors import MetricError, Unscorable
from harness.metrics import LikelihoodMetric, MeanMetric, TextMetric, Whole, build
from harness.report import report
from harness.run import run
from harness.study import StudyFile
from harness.study.checkpoints import store_checkpoint
from harness.study.items import stored_items
from harness.study.scores import current_scores
from harness.task import load_task
from harness.types import Passage


@dataclass(frozen=True)
class Length(MeanMetric):
    """Letters, for tests: fails as the text says."""

    name = "length"

    def score(self, item, text):
        if "refuse" in text:
            raise Unscorable("it refuses")
        if "break" in text:
            raise ZeroDivisionError("by nothing")
        return math.inf if "endless" in text else float(len(text))


@dataclass(frozen=True)
class Vocabulary(Whole):
    """Different words of all outputs, for tests."""

    name = "vocabulary"

    def value_of(self, judged):
        return float(len({word for _, text in judged for word in text.split()}))


@pytest.fixture
def study(tmp_path):
    return StudyFile(tmp_path / "s.db")


@pytest.fixture
def ran(tmp_path, study, echo):
    """Generate and score with these rows and task keys; returns the checkpoint."""
    folder = write_checkpoint(tmp_path / "run" / "checkpoint-1")

    def evaluate(rows=ROWS, **keys):
        task = load_task(write_task(tmp_path / "task", rows, **keys))
        return run(study, [task], [str(folder)]).checkpoints[0]

    return evaluate


def values(study, checkpoint, name):
    found = current_scores(study, "echo", checkpoint.id)
    [scores] = [s for signature, s in found.items() if signature.startswith(name)]
    keys = study.mapping("SELECT id, key FROM items")
    return {keys[score.item]: score.value for score in scores}


def score(study, checkpoint, *specs):
    items = stored_items(study, "echo")
    built = [
        build(spec, None)[0].for_items(items) if isinstance(spec, str) else spec
        for spec in specs
    ]
    return scoring.score(study, checkpoint, "echo", built)


def test_every_output_gets_a_value(study, ran):
    rows = [*ROWS[:2], {"id": "q2", "question": "no", "answer": "yes"}]
    checkpoint = ran(rows)
    assert values(study, checkpoint, "exact_match") == {"q0": 1, "q1": 1, "q2": 0}


def test_scoring_again_adds_nothing(study, ran):
    checkpoint = ran(metrics=["bleu", "perplexity", "exact_match"])
    before = study.rows("SELECT * FROM scores")
    assert len(before) == 30
    assert score(study, checkpoint, "bleu", "perplexity", "exact_match") == 0
    assert study.rows("SELECT * FROM scores") == before


def test_a_metric_added_later_scores_what_is_stored(study, ran, echo):
    checkpoint = ran()
    assert score(study, checkpoint, "chrf") == 10
    assert echo.loads == 1
    assert set(values(study, checkpoint, "chrf").values()) == {100.0}


CONSTANT = """
from dataclasses import dataclass
from harness.metrics import MeanMetric

@dataclass(frozen=True)
class Constant(MeanMetric):
    name = "constant"

    def score(self, item, text):
        return {value}
"""


def test_a_report_shows_an_edited_metric_as_its_file_is_now(tmp_path, study, ran):
    (tmp_path / "task").mkdir()
    for value in (1.0, 2.0, 1.0):
        (tmp_path / "task" / "own.py").write_text(CONSTANT.format(value=value))
        ran(metrics=["own.py", "bleu"])
        [task] = report(study).tasks
        assert [metric.label for metric in task.metrics] == ["constant", "bleu"]
        [own, _] = task.checkpoints[0].metrics.values()
        assert own.value == value
    # The scores that an edit set aside are kept, and count again once it is undone.
    assert study.column("SELECT count(*) FROM scores") == [3 * len(ROWS)]


def test_what_cannot_be_judged_is_null_with_the_reason(study, ran):
    rows = [
        {"id": "a", "question": "refuse", "answer": ""},
        {"id": "b", "question": "endless", "answer": ""},
        {"id": "c", "question": "fine", "answer": ""},
    ]
    checkpoint = ran(rows, metrics=["bleu"])
    assert score(study, checkpoint, Length()) == 3
    found = study.rows(
        "SELECT items.key, value, tally IS NULL AS bare, reason, signature "
        "FROM scores JOIN items ON items.id = scores.item "
        "ORDER BY signature, items.key"
    )
    said = {(row["signature"].split("|")[0], row["key"]): row for row in found}
    assert {key: row["reason"] for key, row in said.items()} == {
        ("bleu", "a"): "the item has no reference",
        ("bleu", "b"): "the item has no reference",
        ("bleu", "c"): "the item has no reference",
        ("length", "a"): "it refuses",
        ("length", "b"): "the metric gives inf for it",
        ("length", "c"): None,
    }
    assert said["length", "a"]["value"] is None
    assert said["length", "b"]["bare"]
    assert said["length", "c"]["value"] == len("calm fine")
    assert score(study, checkpoint, Length()) == 0


def test_a_mended_reference_is_scored_anew_and_nothing_else(study, ran):
    checkpoint = ran()
    mended = [{**ROWS[0], "answer": "better"}, *ROWS[1:]]
    before = study.column("SELECT count(*) FROM scores")
    ran(mended)
    assert study.column("SELECT count(*) FROM scores") == [before[0] + 1]
    assert values(study, checkpoint, "exact_match") == {
        f"q{n}": int(n > 0) for n in range(10)
    }


def test_any_column_is_part_of_the_truth(study, ran):
    ran([{**ROWS[0], "tags": ["a"]}])
    ran([{**ROWS[0], "tags": ["b"]}])
    assert study.column("SELECT count(*) FROM scores") == [2]
    assert study.column("SELECT count(*) FROM current_scores") == [1]


@dataclass(frozen=True)
class Own(TextMetric):
    """A tally as users may well make one, for tests."""

    name = "own"
    kind: str = "list"
    numbers: ClassVar = {
        "whole": np.array([3, 2]),
        "single": np.array([3, 2], dtype=np.float32),
        "list": [3, 2],
        "words": ["many", 2],
        "short": [3.0],
        "none": None,
    }

    def tally(self, item, text):
        return self.numbers[self.kind]

    def value(self, tally):
        return tally[..., 0] / tally[..., 1]


@pytest.mark.parametrize("kind", ["whole", "single", "list"])
def test_a_tally_is_read_back_whatever_numbers_it_came_in(study, ran, kind):
    checkpoint = ran([ROWS[0]])
    assert score(study, checkpoint, Own(kind)) == 1
    scores = current_scores(study, "echo", checkpoint.id)
    [own] = next(found for name, found in scores.items() if name.startswith("own"))
    assert list(own.tally) == [3, 2]
    assert own.value == 1.5


@pytest.mark.parametrize("kind", ["words", "short", "none"])
def test_what_is_no_tally_fails_by_the_name_of_the_item(study, ran, kind):
    checkpoint = ran([ROWS[0]])
    with pytest.raises(MetricError, match="'own' failed on item 'q0' of task 'echo'"):
        score(study, checkpoint, Own(kind))


def test_a_metric_has_to_judge_every_output(study, ran):
    @dataclass(frozen=True)
    class Some(Length):
        def tallies(self, judged):
            return super().tallies(judged[:2])

    checkpoint = ran()
    with pytest.raises(MetricError, match="'length' gave 2 tallies for 10 outputs"):
        score(study, checkpoint, Some())


def test_likelihood_metrics_judge_items_once_for_all_samples(study, ran):
    checkpoint = ran(
        generation={"samples": 3, "temperature": 1}, metrics=["perplexity"]
    )
    [scores] = current_scores(study, "echo", checkpoint.id).values()
    assert len(scores) == 10
    assert {one.output for one in scores} == {None}
    # The word "calm" has 4 letters: 1 nat for each of the 3 tokens.
    assert scores[0].value == pytest.approx(math.e)
    assert scores[0].tally[0] == 3.0


def test_likelihood_metrics_say_why_they_are_silent(study, ran):
    ran([{**ROWS[0], "answer": None}], metrics=["perplexity"])
    assert study.rows("SELECT value, output, reason FROM scores") == [
        {"value": None, "output": None, "reason": "the item has no reference"}
    ]


@dataclass(frozen=True)
class Fussy(LikelihoodMetric):
    """Nats of two texts, for tests: fails as the prompt says."""

    name = "fussy"

    def passages(self, item):
        if "break early" in item.prompt:
            raise ZeroDivisionError("by nothing")
        return [Passage(item, f"text:{n}", n * "x ") for n in (1, 2)]

    def tally(self, item, found):
        if "break" in item.prompt:
            raise KeyError("late")
        if "refuse" in item.prompt:
            raise Unscorable("it refuses")
        return np.array([one.nll for one in found])

    def value(self, tally):
        return tally[..., 0] + 10 * tally[..., 1]


def judged(study, ran, question, metric, monkeypatch):
    """What a metric of the tests' own says of one question."""
    rows = [{"id": "q", "question": question, "answer": "a"}]
    monkeypatch.setattr("harness.work.build", lambda *_: [metric])
    ran(rows, metrics=["fussy"])
    [row] = study.rows("SELECT value, reason FROM scores")
    return row["value"], row["reason"]


def test_a_likelihood_metric_gets_its_texts_in_its_order(study, ran, monkeypatch):
    assert judged(study, ran, "fine", Fussy(), monkeypatch) == (1 + 10 * 2, None)


def test_a_likelihood_metric_may_refuse_an_item(study, ran, monkeypatch):
    found = judged(study, ran, "refuse", Fussy(), monkeypatch)
    assert found == (None, "it refuses")


@pytest.mark.parametrize("question", ["break", "break early"])
def test_a_likelihood_metric_that_fails_names_the_item(
    study, ran, question, monkeypatch
):
    with pytest.raises(MetricError, match="Metric 'fussy' failed on item 'q' of task"):
        judged(study, ran, question, Fussy(), monkeypatch)


def test_a_text_that_the_model_cannot_score_leaves_the_item_out(
    study, ran, monkeypatch
):
    real = EchoModel._judge

    def half(model, passage):
        reason = "too long" if passage.target == "choice:1:choices" else None
        return replace(real(model, passage), reason=reason)

    monkeypatch.setattr(EchoModel, "_judge", half)
    ran([{**ROWS[0], "choices": [ROWS[0]["answer"], "b"]}], metrics=["accuracy"])
    assert study.rows("SELECT value, reason FROM scores") == [
        {"value": None, "reason": "too long"}
    ]


def test_accuracy_is_stored_item_by_item(study, ran):
    # A word costs one nat, so that the shortest choice is the most probable.
    rows = [
        {"id": "a", "question": "q", "answer": "x", "choices": ["x", "y z"]},
        {"id": "b", "question": "q", "answer": "y z", "choices": ["x", "y z"]},
        {"id": "c", "question": "q", "answer": "x", "choices": ["x", "y"]},
        {"id": "d", "question": "q", "answer": "", "choices": ["x", "y"]},
    ]
    checkpoint = ran(rows, metrics=["accuracy"])
    found = values(study, checkpoint, "accuracy")
    assert found == {"a": 1.0, "b": 0.0, "c": 0.5, "d": None}


def test_a_likelihood_metric_without_all_its_likelihoods_stores_nothing(study, ran):
    rows = [{**ROWS[0], "answer": ["one", "two"]}]
    checkpoint = ran(rows, metrics=["perplexity"])
    assert score(study, checkpoint, "perplexity:ref=all") == 0


def test_a_likelihood_metric_without_likelihoods_stores_nothing(study, ran):
    checkpoint = ran()
    assert score(study, checkpoint, "perplexity") == 0


def test_a_metric_that_fails_names_the_item_and_keeps_what_was_scored(
    study, ran, monkeypatch
):
    monkeypatch.setattr(TextMetric, "block", 2)
    rows = [{**row, "question": f"question {n}"} for n, row in enumerate(ROWS)]
    rows[5]["question"] = "break"
    checkpoint = ran(rows, metrics=[])
    with pytest.raises(MetricError) as caught:
        score(study, checkpoint, Length())
    assert str(caught.value) == (
        "Metric 'length' failed on item 'q5' of task 'echo': "
        "ZeroDivisionError: by nothing"
    )
    assert study.column("SELECT count(*) FROM scores") == [4]


def test_a_metric_of_the_whole_has_no_scores_but_is_remembered(study, ran):
    checkpoint = ran()
    assert score(study, checkpoint, Vocabulary()) == 0
    assert study.column("SELECT whole FROM evaluations") == ['["vocabulary|v1"]']
    ran()
    assert study.column("SELECT whole FROM evaluations") == ['["vocabulary|v1"]']


def test_a_tally_is_kept_to_the_last_bit(study, ran):
    checkpoint = ran(metrics=["bleu"])
    [metric] = build("bleu", None)
    [scores] = current_scores(study, "echo", checkpoint.id).values()
    for one in scores:
        assert metric.output_value(one.tally) == one.value
    assert {one.tally.dtype for one in scores} == {np.dtype(np.float64)}


def test_progress_is_told_of_every_block(study, ran, monkeypatch):
    monkeypatch.setattr(TextMetric, "block", 4)
    checkpoint, told = ran(metrics=[]), []
    [metric] = build("chrf", None)
    scoring.score(
        study, checkpoint, "echo", [metric], progress=lambda *step: told.append(step)
    )
    assert told == [("checkpoint-1: chrf", n, 10) for n in (4, 8, 10)]


def test_outputs_without_an_evaluation_are_not_scored(study, ran):
    ran()
    other = store_checkpoint(
        study, series="s", name="b", step=None, backend="x", fingerprint="f"
    )
    assert score(study, other, "exact_match") == 0
