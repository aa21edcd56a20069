"""OpenAI's fine-tuning jobs: every checkpoint evaluated, logs kept, gaps told."""

import base64
import json
from pathlib import Path

import pytest
from backends.job_server import BASE, FINAL, ID, RESULTS, JobServer, event
from typer.testing import CliRunner

from harness.api import Study
from harness.backends import OpenAIBackend, backends
from harness.backends.retry import Patience
from harness.checkpoints import find_checkpoints
from harness.cli import app
from harness.errors import CheckpointError, ServerError
from harness.logs import read_training
from harness.study.training_logs import stored_logs

STEPS = range(1, 121)
KEY = "sk-very-secret-1234567890"
FAST = Patience(tries=1, first_wait=0.01, longest_wait=1.0, timeout=5.0)


@pytest.fixture(scope="module")
def running():
    with JobServer() as server:
        yield server


@pytest.fixture
def server(running, monkeypatch):
    running.reset()
    usual = backends["openai"]
    backends.register("openai")(OpenAIBackend(patience=FAST))
    monkeypatch.setenv("JOB_KEY", KEY)
    running.place = f"openai-job:{ID}@{running.url}#JOB_KEY"
    yield running
    backends.register("openai")(usual)


@pytest.fixture
def task(tmp_path):
    (tmp_path / "rows.jsonl").write_text(json.dumps({"text": "say", "answer": "SAY"}))
    (tmp_path / "task.yaml").write_text(
        'name: shout\ndata: rows.jsonl\nprompt: "{{ text }}"\n'
        "references: [answer]\nmetrics: [exact_match]\n"
    )
    return str(tmp_path / "task.yaml")


def run(server, task, *more):
    db = Path(task).parent / "s.db"
    arguments = ["run", task, "--checkpoint", server.place, "--db", str(db), *more]
    return CliRunner().invoke(app, arguments), db


def logged(db, series="robin"):
    logs = read_training(db.parent / "s.logs" / series)
    return {Path(log.source).name: log for log in logs}


def test_base_and_checkpoints_are_found_over_all_pages_by_step(server):
    found = find_checkpoints([server.place])
    at = f"@{server.url}#JOB_KEY"
    assert [(one.step, one.location.removesuffix(at)) for one in found] == [
        (0, BASE),
        (1, f"{FINAL}:ckpt-step-1"),
        (2, f"{FINAL}:ckpt-step-2"),
        (3, FINAL),
    ]
    assert {(one.backend, one.series) for one in found} == {("openai", "robin")}
    assert sum("after=" in url for url in server.asked) == 1
    [named] = {one.series for one in find_checkpoints([f"mine={server.place}"])}
    assert named == "mine"


def test_a_run_evaluates_all_and_keeps_what_diagnosis_reads(server, task):
    done, db = run(server, task, "--tensorboard", str(Path(task).parent / "tb"))
    assert done.exit_code == 0, done.output
    study = Study(db)
    [report] = study.report().tasks
    [kept] = stored_logs(study.file, "shout")
    study.close()
    assert [(c.series, c.step, c.outputs) for c in report.checkpoints] == [
        ("robin", step, 1) for step in range(4)
    ]
    trained = report.checkpoints[1].configuration
    expected = {"epochs": 3, "batch_size": 4, "learning_rate_multiplier": 1.8}
    assert expected.items() <= trained.items()
    assert kept.series == "robin"
    assert kept.curves["eval_loss"].steps.tolist() == [1, 3]
    logs = logged(db)
    results = logs["results.csv"].curves["train_loss"]
    assert (results.steps.tolist(), results.values.tolist()) == (
        [1, 2, 3],
        [2.5, 2.0, 1.5],
    )
    for name in ("events.jsonl", "checkpoints.jsonl"):
        assert logs[name].form == "openai"
        assert logs[name].curves["train_loss"].values.tolist() == [2.0, 1.0, 0.0]
    assert (Path(task).parent / "tb" / "robin" / "harness").is_dir()


def test_diagnosis_reads_the_folder_that_a_run_leaves(server, task):
    held_out = [2.0 - 0.01 * min(step, 60) + 0.02 * max(0, step - 60) for step in STEPS]
    rows = [
        f"{step},{2.5 / (1 + step / 40)},{loss}"
        for step, loss in zip(STEPS, held_out, strict=True)
    ]
    results = "\n".join(["step,train_loss,valid_loss", *rows])
    server.files["file-1"] = results.encode()
    server.events = [event(step) for step in reversed(STEPS)]
    _, db = run(server, task)
    where = ["--log", str(db.parent / "s.logs" / "robin"), "--json"]
    found = json.loads(CliRunner().invoke(app, ["diagnose", *where]).stdout)
    [check] = [one for one in found["checks"] if one["name"] == "overfitting"]
    cause = found["causes"][0]
    assert (check["status"], cause["cause"]) == ("failure", "overfitting")
    assert "lowest at step 60 (1.4)" in cause["evidence"][0]["says"]


def test_the_key_is_sent_and_written_nowhere(server, task):
    server.events[0]["message"] = f"with {KEY}"
    done, db = run(server, task)
    sent = {headers["authorization"] for *_, headers in server.requests}
    assert sent == {f"Bearer {KEY}"}
    written = b"".join(p.read_bytes() for p in db.parent.rglob("*") if p.is_file())
    assert b"fine_tuning.job.event" in written
    assert KEY.encode() not in written
    assert KEY not in done.output
    server.place = server.place.replace(ID, "ftjob-2")
    refused, _ = run(server, task)
    said = str(refused.exception)
    assert "Check the job's id" in said
    assert "***" in said
    assert KEY not in said


def test_results_in_base64_are_the_same_curves(server, task):
    server.files["file-1"] = base64.b64encode(RESULTS)
    _, db = run(server, task)
    curve = logged(db)["results.csv"].curves["eval_loss"]
    assert curve.values.tolist() == [2.6, 2.2]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"job": {"result_files": []}}, "has no results file (yet)"),
        ({"files": {}}, "Results file-1 of job ftjob-1 are gone"),
        ({"gone": {f"{FINAL}:ckpt-step-1"}}, "the step 1 is left out"),
        ({"gone": {BASE}}, "the base model is left out"),
        ({"job": {"status": "running", "fine_tuned_model": None}}, "is not done"),
        ({"job": {"status": "cancelled"}}, "was cancelled"),
    ],
    ids=["no results", "lost results", "expired", "no base", "running", "cancelled"],
)
def test_what_is_missing_is_said_and_the_rest_evaluated(server, task, change, said):
    server.job |= change.get("job", {})
    server.files = change.get("files", server.files)
    server.gone = change.get("gone", set())
    done, db = run(server, task)
    assert done.exit_code == 0, done.output
    assert said in done.stderr
    series = "robin" if server.job["fine_tuned_model"] else ID
    assert "events.jsonl" in logged(db, series)


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (
            {"status": "failed", "error": {"code": "bad_file", "message": "Line 3."}},
            "has failed: Line 3.",
        ),
        ({"status": "queued"}, r"is not done \(queued\)"),
        ({"status": "succeeded"}, "no checkpoint any more"),
    ],
    ids=["failed", "queued", "nothing left"],
)
def test_a_job_without_a_model_is_an_error_that_says_how_it_stands(server, job, said):
    server.job |= {"fine_tuned_model": None, **job}
    server.checkpoints = []
    with pytest.raises(CheckpointError, match=said):
        find_checkpoints([server.place])


def test_all_expired_is_an_error_and_leaves_no_study(server, task):
    server.gone = {one["fine_tuned_model_checkpoint"] for one in server.checkpoints}
    done, db = run(server, task)
    assert isinstance(done.exception, CheckpointError)
    assert "no longer has" in str(done.exception)
    assert not db.exists()


def test_a_final_model_that_no_checkpoint_names_is_the_last_step(server):
    server.checkpoints = server.checkpoints[1:]
    assert [(one.step, one.name) for one in find_checkpoints([server.place])][-1] == (
        3,
        "step-3",
    )


def test_a_server_without_jobs_is_one_line(server):
    with pytest.raises(ServerError, match="gives no answer about job"):
        find_checkpoints([f"openai-job:{ID}@http://127.0.0.1:9/v1"])
