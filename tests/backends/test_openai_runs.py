"""Whole runs against a server: what is stored, reported and told."""

from __future__ import annotations

import json

import pytest
from backends.openai_server import FakeServer, refusal
from typer.testing import CliRunner

from harness.api import Study
from harness.backends import OpenAIBackend, backends
from harness.backends.prices import Prices
from harness.backends.retry import Patience
from harness.cli import app
from harness.errors import ServerError

FAST = Patience(tries=2, first_wait=0.01, longest_wait=1.0, timeout=5.0)
ROWS = [{"id": f"q{n}", "text": f"say {n}", "answer": f" {n}"} for n in range(6)]
TASK = """
name: shout
data: rows.jsonl
prompt: "{{ text }}"
references: [answer]
metrics: [exact_match, perplexity, bits_per_byte]
"""


@pytest.fixture(scope="module")
def running():
    with FakeServer() as server:
        yield server


@pytest.fixture
def server(running):
    running.reset()
    usual = backends["openai"]
    backends.register("openai")(OpenAIBackend(patience=FAST, prices=Prices(1e6, 0)))
    yield running
    backends.register("openai")(usual)


@pytest.fixture
def task(tmp_path):
    rows = "".join(json.dumps(row) + "\n" for row in ROWS)
    (tmp_path / "rows.jsonl").write_text(rows)
    (tmp_path / "task.yaml").write_text(TASK)
    return str(tmp_path / "task.yaml")


@pytest.fixture
def study(tmp_path):
    opened = Study(tmp_path / "study.db")
    yield opened
    opened.close()


def reasons(study, metric):
    rows = study.file.rows(
        "SELECT value, reason FROM current_scores WHERE signature LIKE ?",
        [f"{metric}|%"],
    )
    return [(row["value"] is not None, row["reason"]) for row in rows]


def test_a_run_stores_outputs_likelihoods_and_scores(server, study, task):
    done = study.run(task, [f"openai:{server.place}"])
    [checkpoint] = done.checkpoints
    assert (checkpoint.backend, checkpoint.location) == ("openai", server.place)
    texts = study.file.column("SELECT text FROM outputs ORDER BY rowid")
    assert sorted(texts) == [f"SAY {n}" for n in range(6)]
    assert reasons(study, "perplexity") == [(True, None)] * 6
    assert study.report().tasks[0].checkpoints[0].name == "tuned"


def test_a_second_run_asks_only_what_the_server_can_do(server, study, task):
    study.run(task, [f"openai:{server.place}"])
    server.requests.clear()
    done = study.run(task, [f"openai:{server.place}"])
    assert done.generations[0].generated == 0
    assert done.usage.requests == 0
    assert len(server.requests) == 1


def test_another_state_of_the_server_is_another_checkpoint(server, study, task):
    server.fingerprint = "fp_1"
    study.run(task, [f"openai:{server.place}"])
    server.fingerprint = "fp_2"
    done = study.run(task, [f"openai:{server.place}"])
    assert done.generations[0].generated == 6
    first, second = study.checkpoints()
    assert first.name == "tuned"
    assert second.name == f"tuned~{second.fingerprint[:6]}"


def test_without_likelihoods_the_run_goes_on_and_says_why(server, study, task):
    server.figures = None
    done = study.run(task, [f"openai:{server.place}"])
    [remark] = done.usage.remarks
    assert "not available there" in remark
    assert reasons(study, "exact_match") == [(True, None)] * 6
    for metric in ("perplexity", "bits_per_byte"):
        found = reasons(study, metric)
        assert len(found) == 6
        assert all(not has and "not available there" in why for has, why in found)


def test_likelihoods_are_filled_in_once_the_server_gives_them(server, study, task):
    server.figures = None
    study.run(task, [f"openai:{server.place}"])
    server.reset()
    study.run(task, [f"openai:{server.place}"])
    assert reasons(study, "perplexity") == [(True, None)] * 6


def test_answers_beside_a_failure_are_stored_and_the_rest_is_resumed(
    server, study, task
):
    server.refuse["completions"] = lambda body: (
        refusal(400, "not that") if body["prompt"] == "say 3" else None
    )
    with pytest.raises(ServerError, match=r"1 of 6 requests failed.*item 'q3'"):
        study.run(task, [f"openai:{server.place}"])
    assert study.file.column("SELECT count(*) FROM outputs") == [5]
    server.refuse.clear()
    done = study.run(task, [f"openai:{server.place}"])
    assert done.generations[0].generated == 1
    assert study.file.column("SELECT count(*) FROM outputs") == [6]


def test_the_key_is_stored_nowhere(server, study, task, monkeypatch):
    monkeypatch.setenv("MY_KEY", "sesame-open")
    study.run(task, [f"openai:{server.place}#MY_KEY"])
    assert server.requests[-1][2]["authorization"] == "Bearer sesame-open"
    study.close()
    stored = b"".join(
        file.read_bytes() for file in study.file.path.parent.glob("study.db*")
    )
    assert b"MY_KEY" in stored
    assert b"sesame" not in stored


def test_the_command_tells_tokens_cost_and_what_to_mind(server, task, tmp_path):
    server.fingerprint = "fp_1"
    server.script.append(server.completion({"text": "no echo"}))
    server.fingerprint = "fp_2"
    db = tmp_path / "study.db"
    arguments = ["run", task, "--db", str(db), "-c", f"mine=openai:{server.place}"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    # Each prompt has 5 signs, which the server counts as tokens.
    assert "6 requests to servers: 30 tokens read, 42 written, cost 30.0000" in (
        done.stderr
    )
    assert "state changed meanwhile (fp_1, fp_2)" in done.stderr
    listed = CliRunner().invoke(app, ["list", "checkpoints", "--db", str(db), "--json"])
    [row] = json.loads(listed.stdout)
    assert row["series"] == "mine"
    assert row["where"] == server.place
    assert row["fingerprint"].endswith("(unverified)")
