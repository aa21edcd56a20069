"""W&B, MLflow and trackio take each value once, by their own clients, locally."""

import json
import os
import sqlite3
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO

import pytest
from integrations.mlflow_server import MLflowServer
from server_thread import in_thread

from harness.errors import UsageError
from harness.integrations.tracking import trackers_named, write_to_trackers
from harness.logs import read_training


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the clients write; trackio reads its variable when it is imported."""
    place = tmp_path_factory.mktemp("trackers")
    (place / "wandb").mkdir()
    patch = pytest.MonkeyPatch()
    patch.setenv("WANDB_MODE", "offline")
    patch.setenv("WANDB_DIR", str(place / "wandb"))
    patch.setenv("TRACKIO_DIR", str(place / "trackio"))
    patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    yield place
    patch.undo()


def pairs(curve):
    """Row to value."""
    return dict(zip(curve.steps.tolist(), curve.values.tolist(), strict=True))


def read_wandb(folder, project):
    import wandb

    # The client's own process writes on after a run is finished, until it is ended.
    wandb.teardown()
    found = Counter()
    for file in sorted(folder.glob("wandb/wandb/offline-run-*/*.wandb")):
        [log] = read_training(file)
        at = pairs(log.curves["harness/step"])
        for name, curve in log.curves.items():
            if name.startswith("harness/rewrite/") and "/samples/" not in name:
                found.update(
                    (at[r], name, round(v, 6)) for r, v in pairs(curve).items()
                )
    return found


def read_trackio(folder, project):
    found = Counter()
    with sqlite3.connect(folder / "trackio" / f"{project}.db") as file:
        rows = file.execute("SELECT step, metrics FROM metrics").fetchall()
    file.close()
    for step, metrics in rows:
        for name, value in json.loads(metrics).items():
            if isinstance(value, float | int):
                found[step, name, round(value, 6)] += 1
    return found


def read_mlflow(folder, project):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"file:{folder}/mlflow")
    experiment = client.get_experiment_by_name(project)
    [run] = client.search_runs([experiment.experiment_id])
    found = Counter()
    for key in run.data.metrics:
        for one in client.get_metric_history(run.info.run_id, key):
            name = key
            for end in ("low", "high"):
                name = name.replace(f"_{end}", f"/{end}")
            found[one.step, name, round(one.value, 6)] += 1
    return found


@pytest.mark.parametrize(
    ("spec", "read"),
    [
        ("wandb:{project}", read_wandb),
        ("trackio:{project}", read_trackio),
        ("mlflow:{project}@file:{folder}/mlflow", read_mlflow),
    ],
    ids=["wandb", "trackio", "mlflow"],
)
def test_each_value_is_read_back_once(folder, made, later, report_values, spec, read):
    trackers = trackers_named([spec.format(project="mine", folder=folder)])

    def write():
        return write_to_trackers(made.study, ["rewrite"], trackers)[0]

    def expected():
        return Counter(
            (step, name + end, round(value, 6))
            for (step, name), one in report_values().items()
            for end, value in {
                "": one.value,
                "/low": one.low,
                "/high": one.high,
            }.items()
            if value is not None
        )

    write()
    assert read(folder, "mine") == expected()
    assert write().startswith("0 values")
    later()
    write()
    assert read(folder, "mine") == expected()


def test_a_mean_that_changed_is_told_again_and_nothing_else(folder, made):
    trackers = trackers_named([f"mlflow:changed@file:{folder}/mlflow"])
    write_to_trackers(made.study, ["rewrite"], trackers)
    before = read_mlflow(folder, "changed")
    made.rate("carl", "meaning", {("run-240", "0"): 1, ("run-240", "1"): 1})
    write_to_trackers(made.study, ["rewrite"], trackers)
    added = read_mlflow(folder, "changed") - before
    name = "harness/rewrite/human/meaning"
    assert {(step, found) for step, found, _ in added} == {
        (240, name + end) for end in ("", "/low", "/high")
    }


def test_a_run_that_was_deleted_is_written_anew(folder, made):
    from mlflow import MlflowClient

    trackers = trackers_named([f"mlflow:anew@file:{folder}/mlflow"])
    write_to_trackers(made.study, ["rewrite"], trackers)
    before = read_mlflow(folder, "anew")
    client = MlflowClient(tracking_uri=f"file:{folder}/mlflow")
    [run] = client.search_runs([client.get_experiment_by_name("anew").experiment_id])
    client.delete_run(run.info.run_id)
    write_to_trackers(made.study, ["rewrite"], trackers)
    assert read_mlflow(folder, "anew") == before


def test_what_mlflow_refuses_is_one_line(folder, made, monkeypatch):
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    trackers = trackers_named([f"mlflow:mine@file:{folder}/refused"])
    with pytest.raises(UsageError, match="MLFLOW_ALLOW_FILE_STORE") as refused:
        write_to_trackers(made.study, ["rewrite"], trackers)
    assert "\n" not in str(refused.value)
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_a_server_of_mlflow_has_each_value_once_and_stdout_none(
    tmp_path, made, later, report_values
):
    server, said = MLflowServer(tmp_path / "files"), StringIO()
    with in_thread(lambda: server.app) as port, redirect_stdout(said):
        trackers = trackers_named([f"mlflow:mine@http://127.0.0.1:{port}"])
        write_to_trackers(made.study, ["rewrite"], trackers)
        assert write_to_trackers(made.study, ["rewrite"], trackers)[0].startswith("0 ")
        later()
        write_to_trackers(made.study, ["rewrite"], trackers)
    expected = {
        (name.replace("/low", "_low"), value, step)
        for (step, name), one in report_values().items()
        for name, value in {name: one.value, f"{name}/low": one.low}.items()
        if value is not None
    }
    told = [one for one in server.metrics if not one[0].endswith("_high")]
    assert sorted(told) == sorted(expected)
    [run] = server.runs.values()
    assert run["info"]["status"] == "FINISHED"
    assert len([*tmp_path.rglob("step-*.md")]) == 5
    assert said.getvalue() == ""


def test_a_server_that_does_not_answer_is_one_line_and_soon(made, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with in_thread(lambda: MLflowServer(made.study.path.parent).app) as port:
        pass
    trackers = trackers_named([f"mlflow:mine@http://127.0.0.1:{port}"])
    with pytest.raises(UsageError, match="the same command writes them later") as no:
        write_to_trackers(made.study, ["rewrite"], trackers)
    assert "\n" not in str(no.value)
