"""Every checkpoint of a training is evaluated as it appears, once and wholly."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from itertools import count
from pathlib import Path
from threading import Barrier

import pytest
import training_slowly
from fakes import write_task
from raters_at_work import rate_all
from safe_weights import write_shards, write_state
from typer.testing import CliRunner

from harness.arrivals import Signs
from harness.campaign import open_campaign
from harness.cli import app
from harness.demo.model import BASE_FOLDER
from harness.errors import CheckpointError, NotFound, StudyBusy, UsageError
from harness.executors import LOCAL, Executor
from harness.integrations.tensorboard import TensorBoard
from harness.metrics.exact_match import ExactMatch
from harness.run import carry_out, run
from harness.study import StudyFile
from harness.study.checkpoints import stored_checkpoints
from harness.task import load_task
from harness.watch import Wish, plan, watch

ITEMS = 10
MEANING = {"name": "meaning", "question": "Is it the same?"}
RATING = {"criteria": [MEANING], "items": 3, "raters_per_output": 1}


class Training:
    """A folder that training writes to, and a study that watches it."""

    def __init__(self, folder):
        self.out = folder.resolve() / "out"
        metrics = ["perplexity", "exact_match", "length_ratio"]
        self.task = load_task(write_task(folder, metrics=metrics, rating=RATING))
        self.study = StudyFile(folder / "s.db")
        self.said = []

    def save(self, step, word, last=0, **more):
        folder = write_shards(self.out / f"checkpoint-{step}", word, **more)
        write_state(folder, step, last or 10**6)
        return folder

    def watching(self, **wishes):
        signs = wishes.pop("signs", Signs(settle=0.02))
        executor = wishes.pop("executor", LOCAL)
        folder = Path(wishes.pop("folder", self.out))
        wish = Wish(folder, signs=signs, poll=0.01, **wishes)
        planned = plan([self.task], wish)
        return watch(self.study, planned, remark=self.said.append, executor=executor)

    def watch(self, **wishes):
        """Names of what was evaluated, to its outputs that are new."""
        return [
            (done.checkpoints[0].name, done.generations[0].generated)
            for done in self.watching(**wishes)
        ]


@pytest.fixture
def training(tmp_path, echo, monkeypatch):
    looks, pause = count(), time.sleep

    def sleep(seconds):
        assert next(looks) < 500, "it goes on for ever"
        pause(seconds)

    monkeypatch.setattr("harness.watch.time.sleep", sleep)
    return Training(tmp_path)


def test_step_0_is_evaluated_first_and_then_by_steps_and_never_again(training):
    base = write_shards(training.out.parent / "base", "base")
    for step, word in ((100, "bold"), (20, "calm"), (9, "mild")):
        training.save(step, word, last=100)
    names = ["base", "checkpoint-9", "checkpoint-20", "checkpoint-100"]
    assert training.watch(base=str(base)) == [(name, ITEMS) for name in names]
    assert training.watch(base=str(base)) == [(name, 0) for name in names]
    stored = stored_checkpoints(training.study)
    assert [(one.series, one.step) for one in stored] == [
        ("out", step) for step in (0, 9, 20, 100)
    ]
    assert training.said == []


def test_the_base_is_what_the_first_checkpoint_names_or_it_is_asked_for(training):
    base = write_shards(training.out.parent / "base", "base")
    folder = training.save(5, "calm", last=5)
    assert training.watch() == [("checkpoint-5", ITEMS)]
    assert "--base PATH" in training.said[0]
    named = {"model_type": "echo", "_name_or_path": str(base)}
    (folder / "config.json").write_text(json.dumps(named))
    assert training.watch()[0][0] == "base"


def test_it_says_what_it_waits_for_where_nothing_is_there(training, monkeypatch):
    pause = time.sleep

    def saving(seconds):
        if not training.out.exists():
            training.save(0, "base", last=0)
        pause(seconds)

    monkeypatch.setattr("harness.watch.time.sleep", saving)
    assert training.watch(signs=Signs(settle=0.02, until="checkpoint-0")) == [
        ("checkpoint-0", ITEMS)
    ]
    assert training.said == [f"Waiting for checkpoint-* in {training.out}."]


def test_an_adapters_base_is_found(training):
    base = write_shards(training.out.parent / "base", "base")
    folder = training.save(5, "calm", last=5)
    named = {"base_model_name_or_path": str(base)}
    (folder / "adapter_config.json").write_text(json.dumps(named))
    shutil.copy(folder / "model.safetensors", folder / "adapter_model.safetensors")
    assert training.watch() == [("base", ITEMS), ("checkpoint-5", ITEMS)]


def test_checkpoints_nearer_than_every_are_passed_over_but_for_the_last(training):
    for step in (0, 10, 20, 25, 40, 45):
        training.save(step, f"word{step}", last=45)
    names = [name for name, _ in training.watch(every=20)]
    assert names == [f"checkpoint-{step}" for step in (0, 20, 40, 45)]


def test_one_written_anew_in_place_is_another_checkpoint(training):
    training.save(0, "base")
    training.save(1, "calm")
    found = []
    for done in training.watching(every=2):
        found.append(done.checkpoints[0].name)
        if len(found) == 1:
            training.save(2, "mild")
        if found == ["checkpoint-0", "checkpoint-2"]:
            training.save(2, "bold", last=2)
    assert found[:2] == ["checkpoint-0", "checkpoint-2"]
    assert found[2].startswith("checkpoint-2~")
    assert len(found) == 3


def test_one_that_is_deleted_or_broken_keeps_no_other_from_being_evaluated(
    training, echo, monkeypatch
):
    training.save(0, "base")
    doomed = training.save(10, "calm")
    broken = training.save(20, "mild")
    training.save(30, "bold", last=30)
    load = echo.load

    def loading(location):
        if location == str(doomed):
            shutil.rmtree(doomed)
        if location == str(broken):
            raise CheckpointError(f"{broken}: this cannot be loaded.")
        return load(location)

    monkeypatch.setattr(echo, "load", loading)
    watching = training.watching()
    assert [done.checkpoints[0].name for done in watching] == [
        *("checkpoint-0", "checkpoint-30")
    ]
    assert training.said == [
        f"{doomed} was deleted before it was evaluated.",
        f"{broken} was left out: {broken}: this cannot be loaded.",
    ]
    assert watching.failures == training.said[1:]


def test_a_metric_that_fails_on_step_0_ends_no_watch(training, monkeypatch):
    base = write_shards(training.out.parent / "base", "base")
    training.save(5, "calm", last=5)
    judge = ExactMatch.score

    def failing(self, item, text):
        if "base" in text:
            raise ZeroDivisionError("zero")
        return judge(self, item, text)

    monkeypatch.setattr(ExactMatch, "score", failing)
    watching = training.watching(base=str(base))
    assert [done.checkpoints[0].name for done in watching] == ["checkpoint-5"]
    assert [said.partition(":")[0] for said in watching.failures] == [
        f"{base}, where training began"
    ]


def test_a_study_that_others_hold_locked_is_tried_again(training, monkeypatch):
    base = write_shards(training.out.parent / "base", "base")
    training.save(5, "calm", last=5)
    asked = []

    def locked_twice(*given):
        asked.append(given)
        if len(asked) in {1, 3}:
            raise StudyBusy("s.db: another process held the study's lock.")
        return carry_out(*given)

    monkeypatch.setattr("harness.watch.carry_out", locked_twice)
    assert training.watch(base=str(base)) == [("base", ITEMS), ("checkpoint-5", ITEMS)]
    assert (
        training.said
        == ["s.db: another process held the study's lock. It is tried again now."] * 2
    )


# Side by side


class Divided(Executor):
    """Two lanes, whose models are loaded at one moment, or one of nothing to load."""

    has_lanes = True

    def __init__(self):
        self.asked = []
        self.together = Barrier(2, timeout=20)

    def load(self, backend, order):
        return backend.load(order.location)

    def lanes(self, checkpoints, loading):
        self.asked.append(checkpoints)
        return [Half(self), Half(self)] if checkpoints > 1 else [self]


class Half(Executor):
    """One of them."""

    def __init__(self, whole):
        self.whole = whole

    def load(self, backend, order):
        self.whole.together.wait()
        return backend.load(order.location)

    def close(self):
        self.whole.together.abort()


def test_those_that_wait_are_evaluated_side_by_side_in_the_order_of_steps(training):
    for step in (0, 10, 20, 30):
        training.save(step, f"word{step}", last=30)
    divided, names = Divided(), [f"checkpoint-{step}" for step in (0, 10, 20, 30)]
    assert training.watch(executor=divided) == [(name, ITEMS) for name in names]
    assert training.watch(executor=divided) == [(name, 0) for name in names]
    assert divided.asked == [4, 0]


def test_side_by_side_one_that_fails_keeps_no_other_from_being_evaluated(
    training, echo, monkeypatch
):
    for step in (0, 10, 20, 30):
        training.save(step, f"word{step}", last=30)
    load = echo.load

    def loading(location):
        if location.endswith("-10"):
            raise CheckpointError("this cannot be loaded.")
        return load(location)

    monkeypatch.setattr(echo, "load", loading)
    watching = training.watching(executor=Divided())
    assert [done.checkpoints[0].step for done in watching] == [0, 20, 30]
    assert [said.partition(" was")[0] for said in watching.failures] == [
        str(training.out / "checkpoint-10")
    ]


def test_side_by_side_no_more_is_evaluated_than_every_asks_for(training):
    for step in (0, 10, 20, 25, 40, 45):
        training.save(step, f"word{step}", last=45)
    divided = Divided()
    names = [name for name, _ in training.watch(every=20, executor=divided)]
    assert names == [f"checkpoint-{step}" for step in (0, 20, 40, 45)]
    assert divided.asked == [4]


def test_whoever_stops_listening_ends_what_is_under_way(training, echo, monkeypatch):
    for step in (0, 10, 20, 30):
        training.save(step, f"word{step}", last=30)
    monkeypatch.setattr(echo, "seconds", 0.05)
    runs = training.watching(executor=Divided()).runs()
    assert next(runs).checkpoints[0].step == 0
    runs.close()
    assert "lane" not in {thread.name for thread in threading.enumerate()}
    assert len(training.watch()) == 4


def left(training):
    return sorted(int(p.name.partition("-")[2]) for p in training.out.iterdir())


def test_only_the_best_and_the_last_remain_where_that_is_asked_for(training, tmp_path):
    words = {0: "a" * 9, 10: "a" * 5, 20: "aa", 30: "a" * 4, 40: "a" * 6}
    for step, word in words.items():
        training.save(step, word, last=40)
    half = write_shards(training.out / "checkpoint-35", "a", shards=2, last=1)
    elsewhere = write_shards(tmp_path / "elsewhere", "a" * 7)
    (training.out / "checkpoint-15").symlink_to(elsewhere)
    (training.out / "checkpoint-10" / "link").symlink_to(elsewhere)
    training.watch(keep_best="perplexity")
    assert left(training) == [0, 15, 20, 35, 40]
    assert half.is_dir()
    assert (elsewhere / "model.safetensors").is_file()
    assert [line.split(":")[0] for line in training.said if "deleted" in line] == [
        f"deleted {training.out}/checkpoint-{step}" for step in (10, 30)
    ]


def test_what_the_trainer_will_load_as_its_best_remains(training):
    for step, word in ((10, "aaa"), (20, "aa"), (30, "aaaa")):
        write_state(
            training.save(step, word), step, 30, best_model_checkpoint="x/checkpoint-10"
        )
    training.watch(keep_best="perplexity")
    assert left(training) == [10, 20, 30]


def test_by_a_criterion_only_what_people_have_rated_is_deleted(training):
    for step, word in ((10, "aaa"), (20, "aa"), (30, "aaaa")):
        training.save(step, word)
    run(training.study, [training.task], [f"{training.out}/checkpoint-*"])
    campaign = open_campaign(training.study, training.task)
    rate_all(
        training.study,
        campaign,
        {"ann": lambda shown: {"meaning": 2 + ("aaa" in shown.outputs[0])}},
    )
    training.save(40, "aaaaa")
    training.save(50, "aaaaaa", last=50)
    training.watch(keep_best="meaning")
    assert left(training) == [10, 40, 50]


def test_nothing_is_deleted_by_ratings_that_a_program_made_up(training):
    for step, word in ((10, "aaa"), (20, "aa"), (30, "aaaa")):
        training.save(step, word, last=30)
    run(training.study, [training.task], [f"{training.out}/checkpoint-*"])
    campaign = open_campaign(training.study, training.task)
    judges = {"ann": lambda shown: {"meaning": 2 + ("aaa" in shown.outputs[0])}}
    rate_all(training.study, campaign, judges, kind="simulated")
    training.watch(keep_best="meaning")
    assert left(training) == [10, 20, 30]


@pytest.mark.parametrize(
    ("wishes", "error", "words"),
    [
        ({"every": 0}, UsageError, "1 or more"),
        ({"keep_best": "perplexty"}, NotFound, "Did you mean 'perplexity'"),
        ({"keep_best": "length_ratio"}, UsageError, "neither more nor less"),
        ({"base": "nowhere"}, CheckpointError, "nowhere"),
        ({"folder": "task.yaml"}, UsageError, "is a file"),
        ({"base": "bases/*"}, UsageError, "stands for several"),
        ({"signs": Signs(settle=float("nan"))}, UsageError, "--settle nan"),
        ({"signs": Signs(settle=float("inf"))}, UsageError, "--settle inf"),
        ({"signs": Signs(settle=-1)}, UsageError, "0 or more"),
        ({"signs": Signs(until="")}, UsageError, "--until ''"),
        ({"signs": Signs(until="..")}, UsageError, "--until"),
        ({"signs": Signs(ready="a/b")}, UsageError, "--ready-marker 'a/b'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_watched(
    training, wishes, error, words, monkeypatch
):
    monkeypatch.chdir(training.out.parent)
    for name in "ab":
        write_shards(training.out.parent / "bases" / name, name)
    with pytest.raises(error, match=words):
        training.watch(**wishes)


# In processes of their own


def begin(folder, *options, module="fakes", **environment):
    return subprocess.Popen(
        [sys.executable, "-m", module, "watch", "task/task.yaml", "out", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(true, seconds=120):
    """Wait until something is true, by a study that may not be there yet."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_terminated_it_ends_cleanly_and_the_same_command_goes_on(tmp_path):
    write_task(tmp_path / "task", metrics=["exact_match"])
    for step in (0, 1):
        folder = write_shards(tmp_path / "out" / f"checkpoint-{step}", f"word{step}")
        write_state(folder, step, 1)
    options = ("--db", "s.db", "--settle", "0.1", "--json")
    first = begin(tmp_path, *options, ECHO_SECONDS="0.3")
    until(lambda: (tmp_path / "s.db").is_file() and outputs(tmp_path / "s.db") > 3)
    first.send_signal(signal.SIGTERM)
    _, said = first.communicate()
    assert (first.returncode, "Interrupted." in said) == (130, True)
    second = begin(tmp_path, *options, ECHO_SECONDS="0")
    printed, _ = second.communicate()
    assert second.returncode == 0
    lines = [json.loads(line) for line in printed.splitlines()]
    assert [line["step"] for line in lines] == [0, 1]
    assert lines[0]["reused"] > 3
    assert sum(line["generated"] + line["reused"] for line in lines) == 2 * ITEMS
    assert [*lines[0]["values"]] == ["harness/echo/exact_match"]
    assert outputs(tmp_path / "s.db") == 2 * ITEMS


def outputs(db, step=None):
    """Outputs in a study, of all steps or of one."""
    study = StudyFile(db, must_exist=True)
    try:
        return study.column(
            "SELECT count(*) FROM outputs JOIN checkpoints "
            "ON checkpoints.id = outputs.checkpoint WHERE step = ifnull(?, step)",
            [step],
        )[0]
    finally:
        study.close()


@pytest.mark.slow
def test_a_real_training_that_writes_slowly_is_watched_through_a_kill(tmp_path):
    """Shard by shard, once in place, the watcher killed while it evaluates."""
    rows = [
        {"id": f"r{n}", "question": q} for n, q in enumerate(training_slowly.PROMPTS)
    ]
    for row, answer in zip(rows, training_slowly.ANSWERS, strict=True):
        row["answer"] = answer
    metrics = ["chrf", "perplexity"]
    drawing = {"max_new_tokens": 24, "stop": ["\n"]}
    prompt = "{{ question }}\n=>"
    path = write_task(
        tmp_path / "task", rows, metrics=metrics, prompt=prompt, generation=drawing
    )
    db, items = tmp_path / "s.db", len(rows)
    options = ("--db", "s.db", "--settle", "1", "--batch-size", "1")
    options = (*options, "--base", str(BASE_FOLDER))
    train = subprocess.Popen(
        [sys.executable, "-m", "training_slowly", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    first = begin(tmp_path, *options, module="harness")
    until(lambda: db.is_file() and outputs(db, 4) > 0)
    first.kill()
    first.communicate()
    second = begin(tmp_path, *options, module="harness")
    until(lambda: outputs(db, 4) >= items)
    (tmp_path / "overwrite").touch()
    _, said = second.communicate()
    assert (second.returncode, train.wait()) == (0, 0), said
    assert_each_once_and_wholly(StudyFile(db), tmp_path, load_task(path))


def assert_each_once_and_wholly(study, folder, task):
    """The study holds what one run on all contents that ever were gives."""
    contents = sorted((folder / "copies").iterdir())
    assert len(contents) == 5
    alone = StudyFile(folder / "alone.db")
    run(alone, [task], [str(BASE_FOLDER), *map(str, contents)])
    print_of = {one.id: one.fingerprint for one in stored_checkpoints(study)}
    expected = {one.id: one.fingerprint for one in stored_checkpoints(alone)}
    assert sorted(print_of.values()) == sorted(expected.values())
    assert len(print_of) == 6

    def held(of, prints, query):
        rows = sorted((prints[id_], *rest) for id_, *rest in of.tuples(query))
        return [row[:-1] for row in rows], [row[-1] for row in rows]

    for query in (
        "SELECT checkpoint, item, sample, text FROM outputs",
        "SELECT checkpoint, item, target, nll FROM likelihoods",
        "SELECT checkpoint, item, signature, value FROM scores",
    ):
        found, values = held(study, print_of, query)
        same, of_same = held(alone, expected, query)
        assert found == same
        # The last digits of a sum depend on what stands beside it in a batch.
        exact = "text" in query
        assert values == (of_same if exact else pytest.approx(of_same, abs=1e-3))
        assert len(found) >= 6 * len(training_slowly.PROMPTS)
    steps = [one.step for one in stored_checkpoints(study)]
    assert sorted(steps) == [0, 2, 4, 4, 6, 8]


def test_the_command_tells_trackers_of_each_checkpoint(training):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for step, word in ((9, "mild"), (20, "calm")):
        training.save(step, word, last=20)
    events = training.out.parent / "events"
    where = ["--db", str(training.study.path), "--tensorboard", str(events)]
    watched = ["watch", str(training.task.path), str(training.out), "--settle", "0.02"]
    assert CliRunner().invoke(app, [*watched, *where]).exit_code == 0
    [folder] = {file.parent for file in events.rglob("*tfevents*")}
    read = EventAccumulator(str(folder))
    read.Reload()
    scalars = read.Scalars(f"harness/{training.task.name}/exact_match")
    assert [one.step for one in scalars] == [9, 20]


def test_a_tracker_out_of_reach_does_not_end_the_watch(training, monkeypatch):
    for step, word in ((9, "mild"), (20, "calm")):
        training.save(step, word, last=20)
    write, calls = TensorBoard.write, []

    def refusing(self, study, history):
        calls.append({point.step for point in history.points})
        if len(calls) in refused:
            raise self.refused(OSError("no answer"))
        return write(self, study, history)

    monkeypatch.setattr(TensorBoard, "write", refusing)
    watched = ["watch", str(training.task.path), str(training.out), "--settle", "0.02"]
    where = ["--db", str(training.study.path), "--tensorboard", str(training.out / "e")]
    refused = {1, 2}
    done = CliRunner().invoke(app, [*watched, *where])
    assert (done.exit_code, calls) == (0, [{9}, {9, 20}, {9, 20}])
    assert "no answer" in done.stderr
    calls, refused = [], {1, 2, 3}
    done = CliRunner().invoke(app, [*watched, *where])
    assert (type(done.exception), len(calls)) == (UsageError, 3)
