"""Whole runs with a judge: stored as it answers, reported without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import fakes
import pytest
from backends.openai_server import FakeServer, refusal
from fakes import write_checkpoint, write_task
from typer.testing import CliRunner

from harness.backends import OpenAIBackend, backends
from harness.backends.prices import Prices
from harness.backends.retry import Patience
from harness.cli import app
from harness.study import StudyFile

FAST = Patience(tries=2, first_wait=0.01, longest_wait=1.0, timeout=5.0)


@pytest.fixture(scope="module")
def running():
    with FakeServer() as server:
        yield server


@pytest.fixture
def server(running):
    """A judge who gives 4, and 2 where the question is that of an odd number."""
    running.reset()
    usual = backends["openai"]
    backends.register("openai")(OpenAIBackend(patience=FAST, prices=Prices(1e6, 0)))
    running.refuse["chat"] = lambda body: grade(running, question(body))
    yield running
    backends.register("openai")(usual)


def question(body):
    return body["messages"][-1]["content"]


def grade(server, asked):
    odd = any(f"calm question {n}\n" in asked for n in range(1, 10, 2))
    choice = {"message": {"content": f"Because.\nScore: {2 if odd else 4}"}}
    return server.completion(choice, read=10, written=5)


@pytest.fixture
def folder(tmp_path, server):
    """Where one checkpoint and a task with the judge are."""
    write_checkpoint(tmp_path / "run" / "checkpoint-1")
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "rubric.md").write_text("Is it calm?")
    judge = {"model": server.place, "rubric": "rubric.md"}
    write_task(tmp_path / "task", metrics=["exact_match", {"judge": judge}])
    return tmp_path


@pytest.fixture
def study(folder):
    return StudyFile(folder / "study.db")


def harness(folder, *arguments):
    done = CliRunner().invoke(app, [*arguments, "--db", str(folder / "study.db")])
    assert done.exit_code == 0, done.output
    return done


def run(folder):
    checkpoint = str(folder / "run" / "checkpoint-1")
    return harness(folder, "run", str(folder / "task"), "-c", checkpoint, "--json")


def judged(study):
    return study.column(
        "SELECT value FROM scores WHERE signature LIKE 'judge|%' ORDER BY value"
    )


def test_a_run_stores_reports_and_tells_what_the_judge_cost(
    folder, study, server, echo
):
    done = run(folder)
    assert judged(study) == [2] * 5 + [4] * 5
    assert "10 requests to judges: 100 tokens read, 50 written, cost 100.0000" in (
        done.stderr
    )
    [checkpoint] = json.loads(done.stdout)["tasks"][0]["checkpoints"]
    [estimate] = [
        one for name, one in checkpoint["metrics"].items() if name.startswith("judge|")
    ]
    assert (estimate["value"], estimate["n"]) == (3, 10)
    assert estimate["low"] < 3 < estimate["high"]


def test_a_second_run_and_a_report_ask_the_judge_nothing(folder, study, server, echo):
    run(folder)
    server.requests.clear()
    run(folder)
    harness(folder, "score", str(folder / "task"))
    harness(folder, "report", "echo")
    assert server.requests == []


def test_another_rubric_is_asked_anew_by_score_alone(folder, study, server, echo):
    run(folder)
    (folder / "task" / "rubric.md").write_text("Is it short?")
    done = harness(folder, "score", str(folder / "task"))
    assert "10 requests to judges" in done.stderr
    assert len(judged(study)) == 20
    assert echo.loads == 1


def test_after_a_failure_the_same_command_asks_for_the_rest(
    folder, study, server, echo
):
    server.refuse["chat"] = lambda body: (
        refusal(503, "broken")
        if "calm question 7\n" in question(body)
        else grade(server, question(body))
    )
    arguments = [
        "run",
        str(folder / "task"),
        "-c",
        str(folder / "run" / "checkpoint-1"),
    ]
    done = CliRunner().invoke(app, [*arguments, "--db", str(folder / "study.db")])
    assert done.exit_code != 0
    assert "1 of 1 requests failed" in str(done.exception)
    assert "run the same command again" in str(done.exception)
    assert len(judged(study)) == 9
    server.refuse["chat"] = lambda body: grade(server, question(body))
    server.requests.clear()
    run(folder)
    assert len(server.bodies("chat")) == 1
    assert judged(study) == [2] * 5 + [4] * 5


def test_answers_survive_a_kill(folder, study, server, echo):
    rows = [{"id": f"q{n}", "question": f"question {n}"} for n in range(40)]
    judge = {"model": server.place, "rubric": "rubric.md"}
    write_task(folder / "task", rows, references=[], metrics=[{"judge": judge}])
    server.seconds = 0.15
    arguments = ["run", "task", "-c", "run/checkpoint-1", "--db", "study.db"]
    process = subprocess.Popen(
        [sys.executable, fakes.__file__, *arguments],
        cwd=folder,
        env={**os.environ, "ECHO_SECONDS": "0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 60
    while len(judged(study)) < 10:
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    stored, asked = len(judged(study)), len(server.bodies("chat"))
    assert stored < 40
    # Only what was under way is lost: eight requests, and what was just coming in.
    assert asked - stored <= 16
    server.seconds = 0
    server.requests.clear()
    run(folder)
    assert len(server.bodies("chat")) == 40 - stored
    assert len(judged(study)) == 40
