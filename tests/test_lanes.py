"""Side by side or one after another, the same comes of it, and nothing is lost."""

import signal
import threading
import time
from dataclasses import dataclass
from threading import Barrier, Event, current_thread, main_thread
from typing import ClassVar

import pytest
from executors.studies import (
    ITEMS,
    SAMPLES,
    TABLES,
    assert_alike,
    rows,
    write_suite,
    write_told,
)

from harness import work
from harness.errors import CheckpointError, MetricError
from harness.executors import LOCAL, Executor
from harness.lanes import as_made, in_lanes
from harness.metrics import MeanMetric
from harness.run import run
from harness.study import StudyFile
from harness.task import load_task

SECONDS = 20


class Lane(Executor):
    """Runs models in this process, and remembers in which order which."""

    def __init__(self):
        self.loaded = []
        self.closed = Event()

    def load(self, backend, order):
        self.loaded.append(order.location)
        return backend.load(order.location)

    def close(self):
        self.closed.set()


class Divided(Executor):
    """So many lanes at most."""

    has_lanes = True

    def __init__(self, number):
        self.number = number
        self.asked = []
        self.made = []

    def load(self, backend, order):
        raise AssertionError("only its lanes load")

    def lanes(self, checkpoints, loading):
        self.asked.append(checkpoints)
        self.made = [Lane() for _ in range(min(self.number, checkpoints))]
        return self.made or [self]


def lanes(number):
    return [Lane() for _ in range(number)]


def test_one_lane_is_this_thread_and_stays_open():
    [lane] = them = lanes(1)
    threads = in_lanes(them, "abc", lambda *_: current_thread())
    assert set(threads) == {current_thread()}
    assert not lane.closed.is_set()


def test_what_is_made_comes_in_the_given_order():
    def slower_first(one, *_):
        time.sleep(0.05 * (5 - one))
        return one * 10

    assert in_lanes(lanes(3), range(5), slower_first) == [0, 10, 20, 30, 40]


def test_so_many_are_under_way_at_once_as_there_are_lanes():
    together = Barrier(3, timeout=SECONDS)
    in_lanes(lanes(3), range(6), lambda *_: together.wait())


def test_lanes_are_closed_and_threads_leave_once_nothing_is_left():
    them, left = lanes(2), []
    in_lanes(them, "abc", lambda *_: None, leave=lambda: left.append(current_thread()))
    assert all(lane.closed.is_set() for lane in them)
    assert len(set(left)) == 2
    assert main_thread() not in left


def test_a_lane_is_closed_while_others_are_at_work():
    them = lanes(2)

    def until_the_other_is_closed(one, lane, _):
        [other] = [each for each in them if each is not lane]
        return one == "long" and other.closed.wait(SECONDS)

    assert True in in_lanes(them, ["long", "short"], until_the_other_is_closed)


def test_the_first_error_is_raised_and_nothing_more_is_begun():
    begun, failed = [], Event()

    def fail(one, lane, _):
        begun.append(one)
        if one == 0:
            failed.set()
            raise CheckpointError("zero")
        failed.wait(SECONDS)
        assert lane.closed.wait(SECONDS)
        raise CheckpointError("because the lane was closed")

    with pytest.raises(CheckpointError, match="zero"):
        in_lanes(lanes(2), range(9), fail)
    assert sorted(begun) == [0, 1]


def test_what_is_under_way_ends_where_it_tells_its_progress():
    ended = []

    def go(one, _, progress):
        if one == 0:
            raise CheckpointError("zero")
        try:
            while True:
                progress("one", 1, 2)
                time.sleep(0.01)
        finally:
            ended.append(one)

    with pytest.raises(CheckpointError, match="zero"):
        in_lanes(lanes(2), range(2), go)
    assert ended == [1]
    assert "lane" not in {thread.name for thread in threading.enumerate()}


def test_ctrl_c_closes_all_lanes_and_is_raised():
    them = lanes(2)

    def go(one, lane, _):
        if one == 0:
            signal.raise_signal(signal.SIGINT)
        assert lane.closed.wait(SECONDS)

    with pytest.raises(KeyboardInterrupt):
        in_lanes(them, range(4), go)
    assert all(lane.closed.is_set() for lane in them)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_that_nobody_expects_is_not_taken_for_success():
    def fail(*_):
        raise EOFError

    with pytest.raises(RuntimeError, match="above"):
        in_lanes(lanes(2), range(2), fail)


# Runs


@dataclass(frozen=True)
class Alone(MeanMetric):
    """Notes when it is called while it is at work."""

    name = "alone"
    at_work: ClassVar = set()
    together: ClassVar = []

    def score(self, item, text):
        self.at_work.add(current_thread())
        time.sleep(0.0005)
        if len(self.at_work) > 1:
            self.together.append(text)
        self.at_work.discard(current_thread())
        return float(len(text))


@pytest.fixture
def suite(tmp_path):
    return load_task(write_suite(tmp_path / "task"))


def evaluate(path, suite, named, executor=LOCAL, **options):
    study = StudyFile(path)
    try:
        return run(study, [suite], named, executor=executor, **options)
    finally:
        study.close()


def told(tmp_path, number, **others):
    return [
        write_told(tmp_path / "run" / f"checkpoint-{n}", word=f"w{n}", **others)
        for n in range(1, number + 1)
    ]


@pytest.mark.parametrize("number", [1, 2, 3, 9])
def test_rows_and_results_are_those_of_one_lane(tmp_path, suite, number):
    named = told(tmp_path, 4)
    divided = Divided(number)
    one = evaluate(tmp_path / "one.db", suite, named)
    some = evaluate(tmp_path / "some.db", suite, named, divided)
    assert_alike(tmp_path / "one.db", tmp_path / "some.db")
    assert len(rows(tmp_path / "some.db", "outputs")) == 4 * ITEMS * SAMPLES
    assert some == one
    assert sum(len(lane.loaded) for lane in divided.made) == 4


def test_only_what_must_be_loaded_takes_a_lane(tmp_path, suite):
    named = told(tmp_path, 3)
    evaluate(tmp_path / "s.db", suite, named[:1])
    divided = Divided(9)
    done = evaluate(tmp_path / "s.db", suite, named, divided)
    assert [len(lane.loaded) for lane in divided.made] in ([1, 1], [2, 0], [0, 2])
    assert [one.reused for one in done.generations] == [ITEMS * SAMPLES, 0, 0]
    evaluate(tmp_path / "s.db", suite, named, divided)
    assert divided.asked == [2, 0]


def test_checkpoints_of_equal_contents_do_not_disturb_each_other(tmp_path, suite):
    named = [
        *told(tmp_path, 2),
        write_told(tmp_path / "run" / "checkpoint-3", word="w1"),
        write_told(tmp_path / "other" / "checkpoint-1", word="w1"),
    ]
    evaluate(tmp_path / "one.db", suite, named)
    evaluate(tmp_path / "some.db", suite, named, Divided(4))
    assert_alike(tmp_path / "one.db", tmp_path / "some.db")


def test_a_metric_judges_for_one_checkpoint_at_a_time(tmp_path, suite, monkeypatch):
    built = work.build_metrics
    monkeypatch.setattr(work, "build_metrics", lambda *known: [Alone(), *built(*known)])
    Alone.together.clear()
    evaluate(tmp_path / "s.db", suite, told(tmp_path, 3), Divided(3))
    assert Alone.together == []


def test_a_metric_that_fails_stops_no_checkpoint(tmp_path, suite, monkeypatch):
    built = work.build_metrics

    def refuse(self, item, text):
        raise ZeroDivisionError("zero")

    monkeypatch.setattr(Alone, "score", refuse)
    monkeypatch.setattr(work, "build_metrics", lambda *known: [Alone(), *built(*known)])
    with pytest.raises(MetricError, match="'alone' failed"):
        evaluate(tmp_path / "s.db", suite, told(tmp_path, 3), Divided(2))
    assert len(rows(tmp_path / "s.db", "outputs")) == 3 * ITEMS * SAMPLES
    chrf = [one for one in rows(tmp_path / "s.db", "scores") if "chrf" in one[3]]
    assert len(chrf) == 3 * ITEMS * SAMPLES


def test_after_an_error_the_same_command_goes_on(tmp_path, suite):
    named = told(tmp_path, 3, seconds=0.01)
    named.append(write_told(tmp_path / "run" / "checkpoint-0", fails_at="q20"))
    with pytest.raises(RuntimeError, match="CUDA error"):
        evaluate(tmp_path / "s.db", suite, named, Divided(2))
    kept = len(rows(tmp_path / "s.db", "outputs"))
    (tmp_path / "run" / "checkpoint-0" / "told.json").write_text("{}")
    done = evaluate(tmp_path / "s.db", suite, named[:3], Divided(2))
    assert 0 < kept < 3 * ITEMS * SAMPLES
    assert sum(one.reused for one in done.generations) > 0
    evaluate(tmp_path / "one.db", suite, named[:3])
    for table in TABLES:
        held = set(rows(tmp_path / "s.db", table))
        assert set(rows(tmp_path / "one.db", table)) <= held


def test_each_is_given_as_soon_as_it_and_all_before_it_are_made():
    given, last = Event(), []

    def made(one, *_):
        if one == 2:
            last.append(given.wait(SECONDS))
        return one

    for one in as_made(lanes(2), range(3), made):
        if one == 1:
            given.set()
    assert last == [True]


def test_closing_ends_what_is_under_way():
    them, ended = lanes(2), []

    def go(one, lane, progress):
        if one == 0:
            return one
        try:
            while True:
                progress("one", 1, 2)
                time.sleep(0.01)
        finally:
            ended.append(one)

    made = as_made(them, range(2), go)
    assert next(made) == 0
    made.close()
    assert ended == [1]
    assert all(lane.closed.is_set() for lane in them)
