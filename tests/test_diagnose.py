"""harness diagnose: finds what there is of a run, and says what is missing."""

import json
import pickle

import made_logs
import numpy as np
import pytest
from report_study import Maker
from reported_studies import a_run

import harness
from harness.cli import main
from harness.diagnose import diagnose
from harness.errors import InputError, MissingData
from harness.study import StudyFile
from harness.study.checkpoints import store_checkpoint
from harness.study.training_logs import store_log


def write_state(folder, log):
    """The log as a Trainer writes it, NaN and all."""
    names = {"train_loss": "loss"}
    history = [
        {"step": step, names.get(name, name): value}
        for name, curve in log.curves.items()
        for step, value in zip(curve.steps.tolist(), curve.values.tolist(), strict=True)
    ]
    state = folder / "trainer_state.json"
    state.write_text(json.dumps({"log_history": history}))
    return state


def write_rows(file, rows):
    lines = [json.dumps({"prompt": p, "completion": c}) for p, c in rows]
    file.write_text("\n".join(lines), encoding="utf-8")


def narrow_rows(count):
    return [
        (f"Set the light of room {n} to {n % 100}", f"light {n} {n % 100}")
        for n in range(count)
    ]


def varied_rows(count, seed=0):
    rng = np.random.default_rng(seed)
    syllables = ["ka", "lo", "mi", "ra", "tu", "ves", "nor", "pel", "sig", "dun"]

    def word():
        return "".join(rng.choice(syllables, rng.integers(2, 5)))

    rows = [[word() for _ in range(rng.integers(4, 9))] for _ in range(count)]
    return [(" ".join(row), " ".join(row[::-1])) for row in rows]


@pytest.fixture
def run(tmp_path):
    """The folder of a run that learned narrow data by heart."""
    folder = tmp_path / "run"
    folder.mkdir()
    write_state(folder, made_logs.learned_by_heart())
    write_rows(folder / "train.jsonl", narrow_rows(1500))
    write_rows(folder / "held_out.jsonl", varied_rows(200))
    (folder / "train_config.yaml").write_text(
        "learning_rate: 0.003\nmax_steps: 240\nper_device_train_batch_size: 32\n"
    )
    return folder


def called(monkeypatch, capsys, *arguments):
    """Exit code and both outputs of the command line."""
    monkeypatch.setattr("sys.argv", ["harness", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    said = capsys.readouterr()
    return stop.value.code, said.out, said.err


def areas(diagnosis):
    return {check.area for check in diagnosis.checks}


def test_a_runs_folder_is_enough(run):
    found = diagnose(run)
    assert areas(found) == {"data", "configuration", "curves"}
    first = found.causes[0]
    assert first.cause == "narrow_data"
    assert {check.area for check in first.evidence} >= {"data", "curves"}
    assert 1 <= len(first.evidence[0].examples) <= 3
    assert "overfitting" in [one.cause for one in found.causes[1:]]


def test_nothing_is_needed_and_all_that_is_missing_is_listed():
    found = diagnose()
    assert (found.causes, found.checks) == ((), ())
    reasons = {one.name: one.reason for one in found.not_checked}
    assert reasons.keys() == {
        *("data", "configuration", "curves", "outputs", "people", "stopping"),
        "loss_of_whole_answers",
    }
    options = ("--data", "--config", "--log", "--db")
    told = " ".join(reasons.values())
    assert all(option in told for option in options)


def test_a_study_alone_tells_of_outputs_and_people(tmp_path):
    study = harness.Study(tmp_path / "s.db")
    a_run(Maker(study.file))
    found = study.diagnose()
    study.close()
    assert areas(found) == {"outputs", "people"}
    assert [one.cause for one in found.causes] == ["metric_misleads"]


def test_the_curves_that_a_study_keeps_are_read_where_no_log_is_named(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    a_run(Maker(study))
    [series] = study.column("SELECT DISTINCT series FROM checkpoints")
    store_log(study, series, "/runs/out", made_logs.learned_by_heart())
    kept = diagnose(study=study)
    assert "curves" in areas(kept)
    assert kept.log.source == "/runs/out (kept in the study)"
    assert "overfitting" in [one.cause for one in kept.causes]
    named = diagnose(study=study, log=made_logs.healthy())
    assert named.log.source == "made.csv"
    study.close()


def test_curves_of_another_series_are_not_those_of_the_outputs(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    maker = Maker(study)
    a_run(maker)
    store_checkpoint(
        study, series="other", name="c", step=1, backend="echo", fingerprint="f"
    )
    store_log(study, "other", "/runs/other", made_logs.learned_by_heart())
    found = diagnose(study=study)
    assert "curves" not in areas(found)
    assert "--log" in {one.name: one.reason for one in found.not_checked}["curves"]
    study.close()


def test_tasks_of_a_study_are_told_apart(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    for task in ("one", "two"):
        maker = Maker(study, task)
        maker.items(*((str(n), f"say {n}", (f"it is {n}",)) for n in range(6)))
        maker.checkpoint("a", {str(n): f"it is {n}" for n in range(6)})
    both = {one.name for one in diagnose(study=study).checks}
    assert {"empty_outputs:one", "empty_outputs:two"} <= both
    one = {one.name for one in diagnose(study=study, held_out="two").checks}
    assert "empty_outputs" in one
    study.close()


def asked_politely(study, held):
    """A task whose template adds words to what its rows hold."""
    maker = Maker(study, "turn_round")
    maker.items(
        *(
            (
                str(n),
                f"Please turn this round: {p}\n=>",
                (c,),
                {"prompt": p, "completion": c},
            )
            for n, (p, c) in enumerate(held)
        )
    )
    maker.checkpoint("a", {str(n): c for n, (_, c) in enumerate(held)})
    return maker.task


def test_a_template_that_training_rows_lack_is_no_difference(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    asked_politely(study, varied_rows(200, seed=1))
    write_rows(tmp_path / "train.jsonl", varied_rows(600))
    found = diagnose(data=tmp_path / "train.jsonl", study=study)
    drift = {one.name: one for one in found.checks}["representativeness"]
    assert (drift.status, drift.value < 0.7) == ("fine", True)
    study.close()


def test_a_held_out_task_may_be_one_that_only_the_study_knows(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    held = varied_rows(200, seed=1)
    task = asked_politely(study, held)
    write_rows(tmp_path / "train.jsonl", [*varied_rows(600), *held])
    found = diagnose(data=tmp_path / "train.jsonl", study=study, held_out=task)
    leaked = {one.name: one for one in found.checks}["leaked_prompts"]
    assert leaked.value == 1
    study.close()


def test_the_only_study_in_a_runs_folder_is_found(run):
    for name in ("one.db", "two.db"):
        study = StudyFile(run / name)
        a_run(Maker(study))
        study.close()
        (run / "other.db").write_bytes(b"SQLite format 3\0" + bytes(200))
        found = diagnose(run)
        assert ("outputs" in areas(found)) == (name == "one.db")
    assert "outputs" in {one.name for one in found.not_checked}


def test_a_damaged_study_that_was_only_found_is_listed(run):
    study = StudyFile(run / "s.db")
    a_run(Maker(study))
    study.close()
    content = (run / "s.db").read_bytes()
    (run / "s.db").write_bytes(content[:100] + b"\xff" * 5000)
    reasons = {one.name: one.reason for one in diagnose(run).not_checked}
    assert "s.db" in reasons["outputs"]


def test_what_is_named_must_be_there(tmp_path):
    for given in ({"run_dir": tmp_path / "no"}, {"log": tmp_path / "no.json"}):
        with pytest.raises(InputError, match="there is no such"):
            diagnose(**given)
    with pytest.raises(MissingData):
        diagnose(data=tmp_path / "no.jsonl")


def test_data_that_were_only_found_may_be_broken(run):
    (run / "train.jsonl").write_bytes(b"\x80\x04pickled")
    reasons = {one.name: one.reason for one in diagnose(run).not_checked}
    assert "pickle" in reasons["data"]


def test_the_command_prints_text_and_writes_files(run, monkeypatch, capsys):
    code, out, _ = called(monkeypatch, capsys, "diagnose", run)
    assert code == 0
    assert out.startswith("Likeliest cause: ")
    code, out, _ = called(monkeypatch, capsys, "diagnose", run, "--json")
    assert json.loads(out)["causes"][0]["cause"] == "narrow_data"
    page = run / "page.html"
    called(monkeypatch, capsys, "diagnose", run, "--format", "html", "--out", page)
    assert "narrow_data" in page.read_text("utf-8")


def test_a_report_holds_the_diagnosis_of_its_run(run, tmp_path, monkeypatch, capsys):
    study = StudyFile(tmp_path / "s.db")
    a_run(Maker(study))
    study.close()
    report = ("report", "--db", study.path, "--run-dir", run)
    _, out, _ = called(monkeypatch, capsys, *report, "--json")
    assert json.loads(out)["diagnosis"]["causes"][0]["cause"] == "narrow_data"
    _, out, _ = called(monkeypatch, capsys, *report, "--format", "html")
    assert 'id="diagnosis-0"' in out
    code, _, err = called(monkeypatch, capsys, *report, "--format", "csv")
    assert (code, "cannot hold" in err) == (2, True)


def test_a_report_holds_the_diagnosis_of_its_study_and_task(
    tmp_path, monkeypatch, capsys
):
    study = StudyFile(tmp_path / "s.db")
    a_run(Maker(study))
    [series] = study.column("SELECT DISTINCT series FROM checkpoints")
    store_log(study, series, "/runs/out", made_logs.learned_by_heart())
    asked_politely(study, varied_rows(30))
    study.close()
    report = ("report", "--db", study.path, "--json")
    _, out, _ = called(monkeypatch, capsys, *report)
    assert "diagnosis" not in json.loads(out)
    _, out, _ = called(monkeypatch, capsys, *report, "rewrite", "--diagnosis")
    found = json.loads(out)["diagnosis"]
    assert "overfitting" in [one["cause"] for one in found["causes"]]
    assert "empty_outputs" in {one["name"] for one in found["checks"]}


class Bomb:
    """What would run code if it were unpickled."""

    def __reduce__(self):
        return (open, ("/tmp/ran-by-a-pickle", "w"))  # noqa: S108 - never written


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n"
    for n in range(9)
)
HOSTILE = {
    "empty": ("--log", "log.json", b""),
    "cut": ("--log", "trainer_state.json", b'{"log_history": [{"loss": 1'),
    "deep": ("--log", "log.json", b"[" * 200_000),
    "pickle": ("--data", "train.jsonl", pickle.dumps(Bomb())),
    "binary": ("--data", "train.csv", bytes(range(256)) * 20),
    "bomb": ("--config", "config.yaml", BOMB.encode()),
    "no settings": ("--config", "config.yaml", b"{]"),
    "zeros": ("--log", "events.csv", b"\0" * 100_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_give_one_line(name, tmp_path, monkeypatch, capsys):
    option, file, content = HOSTILE[name]
    place = tmp_path / file
    place.write_bytes(content)
    code, out, err = called(monkeypatch, capsys, "diagnose", option, place)
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert str(place) in err
