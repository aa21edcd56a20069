"""Outputs are scored while the model writes the next ones, and nothing is lost."""

import threading
from dataclasses import dataclass
from typing import ClassVar

import pytest
from fakes import ROWS, EchoModel, write_checkpoint, write_task

from harness import alongside, work
from harness.errors import MetricError, StudyError
from harness.metrics import MeanMetric
from harness.run import run
from harness.study import StudyFile
from harness.task import load_task

SCORED = threading.Event()
SECONDS = 20


@dataclass(frozen=True)
class Signal(MeanMetric):
    """Tells that it judges, and in which thread; fails on outputs with a 7."""

    name = "signal"
    threads: ClassVar = set()

    def score(self, item, text):
        self.threads.add(threading.current_thread().name)
        if "7" in text:
            raise ZeroDivisionError("seven")
        SCORED.set()
        return float(len(text))


@pytest.fixture
def study(tmp_path):
    SCORED.clear()
    Signal.threads.clear()
    return StudyFile(tmp_path / "s.db")


@pytest.fixture
def evaluate(tmp_path, study, echo, monkeypatch):
    """Run these rows with the metric Signal beside exact match."""
    built = work.build_metrics
    monkeypatch.setattr(
        work, "build_metrics", lambda *known: [Signal(), *built(*known)]
    )
    folder = write_checkpoint(tmp_path / "run" / "checkpoint-1")

    def with_rows(rows=ROWS[:6], **options):
        task = load_task(
            write_task(tmp_path / "task", rows, metrics=["exact_match", "bleu"])
        )
        return run(study, [task], [f"{folder.parent}/*"], **options)

    return with_rows


def scores(study):
    return study.mapping(
        "SELECT name, count(value) FROM scores JOIN metrics USING (signature) "
        "GROUP BY name"
    )


def test_a_batch_is_scored_before_the_next_one_is_there(
    study, echo, evaluate, monkeypatch
):
    waited, batches = [], EchoModel._batches

    def after_the_first(self, wanted):
        for number, batch in enumerate(batches(self, wanted)):
            if number == 1:
                waited.append(SCORED.wait(SECONDS))
            yield batch

    monkeypatch.setattr("fakes.EchoModel._batches", after_the_first)
    done = evaluate()
    assert waited == [True]
    assert Signal.threads == {"scoring"}
    assert done.scores == 18
    assert scores(study) == {"signal": 6, "exact_match": 6, "bleu": 6}


def test_a_metric_that_fails_stops_neither_model_nor_other_metrics(
    tmp_path, study, evaluate
):
    write_checkpoint(tmp_path / "run" / "checkpoint-2", "two")
    with pytest.raises(MetricError, match=r"'signal' failed on item 'q7'.*seven"):
        evaluate(ROWS)
    assert study.column("SELECT count(*) FROM outputs") == [20]
    found = scores(study)
    # How many came before the seven depends on what waited together.
    assert found.pop("signal") < 20
    assert found == {"exact_match": 20, "bleu": 20}


@pytest.fixture
def held(monkeypatch):
    """Outputs wait for this event before the first of them is judged."""
    going, real = threading.Event(), Signal.score

    def score(self, item, text):
        going.wait(SECONDS)
        return real(self, item, text)

    monkeypatch.setattr(Signal, "score", score)
    yield going
    going.set()


def test_what_is_left_once_the_model_is_done_is_told(
    study, evaluate, held, monkeypatch
):
    told, put = [], alongside.ScoringAlongside.__exit__

    def release(self, *known):
        threading.Timer(0.2, held.set).start()
        put(self, *known)

    monkeypatch.setattr(alongside.ScoringAlongside, "__exit__", release)
    evaluate(progress=lambda *known: told.append(known))
    assert {done for label, done, _ in told if label == "checkpoint-1: signal"}
    assert scores(study)["signal"] == 6


def test_ctrl_c_while_scores_are_waited_for_halts_the_scoring(
    study, evaluate, held, monkeypatch
):
    real = threading.Thread.join

    def interrupted(self, timeout=None):
        if self.name == "scoring":
            raise KeyboardInterrupt
        real(self, timeout)

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        evaluate()
    held.set()
    for thread in threading.enumerate():
        if thread.name == "scoring":
            real(thread, SECONDS)
    # What was under way is kept; the metrics after it were not begun.
    assert "bleu" not in scores(study)


def test_when_the_model_fails_what_was_scored_stays(study, echo, evaluate):
    echo.fails_after = 1
    with pytest.raises(RuntimeError, match="power is gone"):
        evaluate()
    assert "scoring" not in {thread.name for thread in threading.enumerate()}
    echo.fails_after = None
    done = evaluate()
    assert scores(study) == {"signal": 6, "exact_match": 6, "bleu": 6}
    assert done.generations[0].generated == 3


def test_an_item_that_another_process_took_out_is_left_alone(
    study, echo, evaluate, monkeypatch
):
    batches = EchoModel._batches

    def without_the_last(self, wanted):
        study.db.execute("UPDATE items SET active = 0 WHERE key = 'q5'")
        study.db.conn.commit()
        yield from batches(self, wanted)

    monkeypatch.setattr("fakes.EchoModel._batches", without_the_last)
    evaluate()
    assert scores(study) == {"signal": 5, "exact_match": 5, "bleu": 5}


def test_a_study_that_cannot_be_written_for_a_moment_only_costs_time(
    study, evaluate, monkeypatch
):
    def locked(*_):
        raise StudyError("another process held the study's lock")

    monkeypatch.setattr(alongside, "register_metrics", locked)
    assert evaluate().scores == 6 * 3
    assert scores(study) == {"signal": 6, "exact_match": 6, "bleu": 6}
