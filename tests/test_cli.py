"""The command line: results on stdout, one line for each failure, exit codes."""

import json
import os
import signal
import subprocess
import sys
import time

import fakes
import pytest
from fakes import ROWS, write_checkpoint, write_rows, write_task

from harness.backends import AUTOMATIC, Loading
from harness.cli import main
from harness.study import StudyFile
from harness.terminal import RESULTS

OUTPUTS = [
    {"item": i, "system": s, "output": f"{s} {i}", "references": f"new {i}"}
    for s in ("old", "new")
    for i in ("a", "b", "c")
]
RATINGS = [
    {"item": i, "system": s, "rater": r, "criterion": "fit", "value": v}
    for s, v in (("old", 2), ("new", 5))
    for i in ("a", "b", "c")
    for r in ("ann", "ben")
]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder to work in, with two checkpoints, a task and files to import."""
    monkeypatch.chdir(tmp_path)
    for step, word in ((30, "calm"), (100, "bold")):
        write_checkpoint(tmp_path / "run" / f"checkpoint-{step}", word)
    write_task(tmp_path / "mine", ROWS, metrics=["exact_match", "chrf"])
    write_rows(tmp_path / "outputs.jsonl", OUTPUTS)
    write_rows(tmp_path / "ratings.jsonl", RATINGS)
    (tmp_path / "broken.yaml").write_text("name: t\ndata: d\nprompt: p\nmetric: []\n")
    (tmp_path / "broken.jsonl").write_text('{"item": "a"}\n')
    (tmp_path / "text.db").write_text("no database" * 500)
    return tmp_path


@pytest.fixture
def harness(place, monkeypatch, capsys, echo):
    """Call the command line; returns exit code, stdout and stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        return (caught.value.code or 0, *capsys.readouterr())

    return call


@pytest.fixture
def good(harness):
    """Call the command line and expect success; returns stdout and stderr."""

    def call(*arguments):
        code, out, err = harness(*arguments)
        assert code == 0, err
        return out, err

    return call


# Results


def test_run_prints_the_report_on_stdout_and_what_it_did_on_stderr(good):
    out, err = good("run", "mine", "-c", "run/checkpoint-*")
    assert "checkpoint-30" in out
    assert "exact_match" in out
    assert err == (
        "20 outputs generated, 0 were there already; "
        "40 scores added to results/mine.db\n"
    )
    out, err = good("run", "mine", "-c", "run/checkpoint-*")
    assert "checkpoint-30" in out
    assert err.startswith("0 outputs generated, 20 were there already; 0 scores added")


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "mine", "-c", "run/checkpoint-*", "--json"],
        ["score", "mine", "--json"],
        ["report", "--json"],
        ["report", "mine", "--format", "json"],
        ["report", "echo", "--json"],
    ],
)
def test_json_reports_parse_and_stand_alone_on_stdout(good, arguments):
    good("run", "mine", "-c", "run/checkpoint-*")
    out, _ = good(*arguments)
    [task] = json.loads(out)["tasks"]
    assert task["task"] == "echo"


def test_score_adds_what_is_missing_without_a_model(good, place, echo):
    good("run", "mine", "-c", "run/checkpoint-*")
    write_task(place / "mine", ROWS, metrics=["exact_match", "ter"])
    out, err = good("score", "mine")
    assert err == "20 scores added to results/mine.db\n"
    assert "ter" in out
    assert echo.loads == 2


def test_run_passes_on_what_is_asked_of_loading(good, echo):
    good(
        *("run", "mine", "-c", "run/checkpoint-*", "--dtype", "bfloat16"),
        *("--device", "cuda:1", "--batch-size", 2),
        *("--trust-remote-code", "--allow-pickle"),
    )
    assert echo.loading == Loading(
        "bfloat16", "cuda:1", 2, trust_remote_code=True, allow_pickle=True
    )
    good("run", "mine", "-c", "run/checkpoint-*")
    assert echo.loading == AUTOMATIC


def test_what_cannot_be_had_leaves_no_study_behind(harness, place):
    hosted = "openai:m@http://127.0.0.1:9/v1"
    code, _, err = harness("run", "mine", "-c", hosted, "--device", "cpu")
    assert code == 2
    assert err.startswith("error: --device: that is for checkpoint folders")
    (place / "run" / "checkpoint-100" / "config.json").unlink()
    code, _, err = harness("run", "mine", "-c", "run/checkpoint-*")
    assert (code, "there is no config.json" in err) == (2, True)
    assert not (place / RESULTS).exists()


@pytest.mark.parametrize("form", ["text", "html", "md", "json", "csv"])
def test_a_report_can_be_written_to_a_file(good, place, form):
    good("run", "mine", "-c", "run/checkpoint-*")
    target = place / "new" / "report.out"
    out, err = good("report", "--format", form, "--out", target)
    assert (out, err) == ("", f"wrote {target}\n")
    assert "checkpoint-30" in target.read_text(encoding="utf-8")


def test_an_import_says_what_it_does_not_read_and_what_no_longer_counts(good, tmp_path):
    row = {"item": "a", "system": "old", "output": "x", "references": "y"}
    write_rows(tmp_path / "scored.jsonl", [{**row, "scores": {"bleu": 1}}])
    good("import", "outputs", "scored.jsonl", "--task", "mended")
    other = {**row, "system": "new", "references": "z", "bleu": 2}
    write_rows(tmp_path / "other.jsonl", [other])
    _, err = good("import", "outputs", "other.jsonl", "--task", "mended")
    assert "Mind: columns that are not read: bleu; scores of metrics are" in err
    assert "Mind: imported scores that no longer count: 1, as their items" in err


def test_outputs_and_ratings_are_imported_and_reported(good):
    out, err = good("import", "outputs", "outputs.jsonl", "--task", "news")
    assert out == ""
    assert err == (
        "6 rows for task 'news': 3 items, 2 checkpoints; stored in results/news.db\n"
    )
    out, err = good("import", "ratings", "ratings.jsonl", "--task", "news", "--json")
    assert err == ""
    assert json.loads(out) == {
        "task": "news",
        "rows": 12,
        "items": 3,
        "checkpoints": 2,
        "raters": 2,
        "left_out": 0,
        "unread": [],
        "outdated": 0,
    }
    out, _ = good("report", "news")
    assert "fit" in out


def test_outputs_of_other_programs_are_imported_as_they_are(good, place):
    line = {
        "doc_id": 0,
        "target": "new",
        "arguments": {"gen_args_0": {"arg_0": "old", "arg_1": {"until": []}}},
        "resps": [["new"]],
        "filtered_resps": ["new"],
        "exact_match": 1.0,
    }
    write_rows(place / "samples.jsonl", [line])
    message = {"role": "assistant", "content": "new"}
    sample = {
        "id": 0,
        "epoch": 1,
        "input": "old",
        "target": "new",
        "output": {"choices": [{"message": message}]},
        "scores": {"match": {"value": "C"}},
    }
    log = {"eval": {"model": "m"}, "samples": [sample, dict(sample)]}
    log["samples"][1] |= {"id": 1, "error": {"message": "no answer"}}
    (place / "log.json").write_text(json.dumps(log))
    to = ("--task", "t", "--db", "s.db")
    good("import", "outputs", "samples.jsonl", *to, "--system", "a")
    good(
        "import", "outputs", "samples.jsonl", *to, "--system", "b", "--from", "lm-eval"
    )
    _, err = good("import", "outputs", "log.json", *to)
    assert err.endswith("Mind: samples without an output, left out: 1\n")
    checkpoints = json.loads(good("list", "checkpoints", "--db", "s.db", "--json")[0])
    assert [one["checkpoint"] for one in checkpoints] == ["a", "b", "m"]
    out, _ = good("report", "--db", "s.db")
    assert "exact_match" in out
    assert "match" in out


def test_the_direction_of_an_imported_metric_can_be_said(good, place):
    rows = [{**row, "scores": {"ter": 1, "bleu": 2}} for row in OUTPUTS]
    write_rows(place / "outputs.jsonl", rows)
    good(
        *("import", "outputs", "outputs.jsonl", "--task", "t"),
        *("--lower-is-better", "ter", "--db", "s.db"),
    )
    query = "SELECT name, higher_is_better FROM metrics"
    assert StudyFile("s.db").mapping(query) == {"ter": 0, "bleu": 1}


def test_export_prints_the_files_it_wrote(good, place):
    good("import", "outputs", "outputs.jsonl", "--task", "t", "--db", "s.db")
    out, _ = good(
        "export", "out", "--db", "s.db", "--table", "items", "--table", "runs"
    )
    assert out.split() == ["out/items.csv", "out/runs.csv"]
    out, _ = good("export", "all", "--db", "s.db", "--format", "jsonl")
    assert "all/judgements.jsonl" in out.split()
    assert all((place / name).is_file() for name in out.split())


@pytest.mark.parametrize(
    ("tool", "files"),
    [
        ("label-studio", ["news-imported-1.tasks.json", "news-imported-1.config.xml"]),
        (
            "argilla",
            [
                "news-imported-1/.argilla/dataset.json",
                "news-imported-1/.argilla/settings.json",
                "news-imported-1/records.json",
                "users.json",
            ],
        ),
    ],
)
def test_ratings_are_exported_for_another_tool(good, place, tool, files):
    good("import", "outputs", "outputs.jsonl", "--task", "news", "--db", "s.db")
    good("import", "ratings", "ratings.jsonl", "--task", "news", "--db", "s.db")
    out, _ = good("export", "out", "--as", tool, "--db", "s.db")
    assert out.split() == [f"out/{name}" for name in files]
    assert all((place / name).is_file() for name in out.split())


def test_export_for_another_tool_takes_no_tables(harness, good):
    good("import", "outputs", "outputs.jsonl", "--task", "news", "--db", "s.db")
    arguments = ("export", "out", "--as", "argilla", "--db", "s.db")
    code, _, err = harness(*arguments, "--table", "items")
    assert (code, "leave --table out" in err) == (2, True)
    code, _, err = harness(*arguments)
    assert (code, "no ratings to export" in err) == (2, True)


def test_init_says_what_to_do_next(good, place):
    write_rows(place / "mine.jsonl", [{"prompt": "p", "target": "t"}])
    out, _ = good("init", "mine.jsonl")
    assert out.splitlines() == [
        "mine.yaml: a task of 1 items. Read it over, then:",
        "  harness run mine.yaml --checkpoint DIR/checkpoint-*",
    ]
    good("run", "mine.yaml", "-c", "run/checkpoint-*")


def test_lists(good):
    assert "modernize" in good("list", "tasks")[0]
    assert "bleu" in good("list", "metrics")[0]
    good("run", "mine", "-c", "run/checkpoint-*")
    out, _ = good("list", "checkpoints")
    assert out.index("checkpoint-30") < out.index("checkpoint-100")


def test_lists_as_json(good, place):
    good("run", "mine", "-c", "run/checkpoint-*", "--db", "s.db")
    tasks = json.loads(good("list", "tasks", "--db", "s.db", "--json")[0])
    assert {"task": "echo", "where": "s.db"} in tasks
    metrics = json.loads(good("list", "metrics", "--json")[0])
    assert {m["metric"]: m["better"] for m in metrics}.items() >= {
        ("bleu", "higher"),
        ("ter", "lower"),
    }
    checkpoints = json.loads(good("list", "checkpoints", "--db", "s.db", "--json")[0])
    assert [one["step"] for one in checkpoints] == [30, 100]
    assert checkpoints[0]["series"] == "run"


def test_a_list_of_nothing_says_so(good):
    StudyFile("s.db").close()
    assert good("list", "checkpoints", "--db", "s.db") == ("", "There is none.\n")
    assert good("list", "checkpoints", "--db", "s.db", "--json") == ("[]\n", "")


# Which study


def test_the_only_study_is_the_one_that_is_meant(good, place):
    good("run", "mine", "-c", "run/checkpoint-*")
    assert (place / RESULTS / "mine.db").is_file()
    assert "checkpoint-30" in good("report")[0]
    assert "checkpoint-30" in good("report", "echo")[0]


def test_several_studies_are_told_apart(good, harness):
    good("run", "mine", "-c", "run/checkpoint-*")
    good("import", "outputs", "outputs.jsonl", "--task", "news")
    assert "checkpoint-30" in good("report", "mine")[0]
    assert "checkpoint-30" not in good("report", "news")[0]
    code, _, err = harness("report")
    assert code == 2
    assert err == (
        "error: Name the study file with --db (results/mine.db, results/news.db).\n"
    )


# Failures


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("run modernise -c run/checkpoint-30", "Did you mean 'modernize'?"),
        ("run mine -c run/chekpoint-30", "Did you mean 'run/checkpoint-30'?"),
        ("run mine -c run", "write 'run/checkpoint-*'"),
        ("run mine -c none-*", "No folder matches none-*"),
        ("run broken.yaml -c run/checkpoint-30", "broken.yaml:4: unknown key 'metric'"),
        ("run broken.jsonl -c run/checkpoint-30", "broken.jsonl:1: unknown key 'item'"),
        ("run outputs.jsonl -c run/checkpoint-30", "outputs.jsonl"),
        ("run mine -c run/checkpoint-30 --db text.db", "text.db: it is no SQLite"),
        ("run mine -c run/checkpoint-30 --db mine", "mine: it cannot be opened"),
        ("run mine -c run/checkpoint-30 --db text.db/s.db", "text.db"),
        ("run mine -c run/checkpoint-30 --dtype bf16", "No dtype named 'bf16'"),
        ("run mine -c run/checkpoint-30 --device gpu", "no device 'gpu': write auto,"),
        ("run mine -c run/checkpoint-30 --batch-size 0", "The batch size is 0"),
        ("score mine", "Name the study file with --db (there is none in results/)"),
        ("report", "Name the study file with --db"),
        ("report --db none.db", "There is no study file none.db"),
        ("report --db text.db", "text.db: it is no SQLite database"),
        ("report nothing --db s.db", "No task named 'nothing'. There is: t."),
        ("report --db s.db --out text.db/report", "text.db/report cannot be written"),
        ("import outputs none.jsonl --task t", "none.jsonl: no such file"),
        ("import outputs broken.jsonl --task t", "broken.jsonl:1: it has no column"),
        ("import outputs outputs.jsonl --task a/b", "A task's name has 1 to 100"),
        ("import outputs outputs.jsonl --task t --lower-is-better x", "no such metric"),
        ("import ratings ratings.jsonl --task u --db s.db", "There is: t."),
        ("import ratings broken.jsonl --task t --db s.db", "it has no column 'system'"),
        ("import ratings ratings.jsonl --task t", "Name the study file with --db"),
        ("export out --db s.db --table judgments", "Did you mean 'judgements'?"),
        ("export text.db --db s.db", "text.db cannot be written: File exists"),
        ("init none.jsonl", "none.jsonl: no such file"),
        ("init mine", "it is a folder"),
        ("init outputs.jsonl --out broken.yaml", "broken.yaml is there already"),
        ("list checkpoints --db none.db", "There is no study file none.db"),
    ],
)
def test_a_failure_is_one_line_on_stderr_and_exit_code_2(harness, arguments, message):
    imported = harness(
        "import", "outputs", "outputs.jsonl", "--task", "t", "--db", "s.db"
    )
    assert imported[0] == 0
    code, out, err = harness(*arguments.split())
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "arguments",
    [
        "nothing",
        "run",
        "run mine",
        "report --format pdf",
        "export",
        "import outputs outputs.jsonl",
        "list nothing",
        "rate mine --port many",
        "report --no-such-option",
    ],
)
def test_wrong_usage_is_exit_code_2(harness, arguments):
    code, out, err = harness(*arguments.split())
    assert code == 2
    assert out == ""
    assert "Usage: harness" in err
    assert "Traceback" not in err


def test_a_file_that_may_not_be_read_is_one_line(harness, place, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied", "model.safetensors")

    monkeypatch.setattr("harness.identity.file_hash", refuse)
    code, _, err = harness("run", "mine", "-c", "run/checkpoint-30")
    assert code == 2
    assert err == "error: [Errno 13] Permission denied: 'model.safetensors'\n"


def test_an_unknown_failure_keeps_its_traceback(place, monkeypatch, echo):
    echo.fails_after = 0
    monkeypatch.setattr(sys, "argv", ["harness", "run", "mine", "-c", "run/*"])
    with pytest.raises(RuntimeError, match="the power is gone"):
        main()


# Help


@pytest.mark.parametrize(
    "command",
    [
        *("", "run", "score", "rate", "report", "demo", "init", "export"),
        *("import outputs", "import ratings"),
        *("list tasks", "list metrics", "list checkpoints", "list raters"),
    ],
)
def test_every_command_has_help(good, command):
    out, _ = good(*command.split(), "--help")
    assert f"Usage: harness {command}".rstrip() in out
    if command and not command.startswith("list"):
        assert f"Example: harness {command.split()[0]}" in out


@pytest.mark.parametrize("command", ["", "import", "list"])
def test_a_command_without_its_verb_shows_help(harness, command):
    _, out, err = harness(*command.split())
    assert "Usage: harness" in out + err
    assert "Commands" in out + err


# Real processes


def started(*arguments, seconds=0.0):
    return subprocess.Popen(
        [sys.executable, fakes.__file__, *arguments],
        env={**os.environ, "ECHO_SECONDS": str(seconds)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_an_interrupted_run_exits_with_130_and_resumes(good, place):
    study = StudyFile("s.db")
    process = started(
        *("run", "mine", "-c", "run/checkpoint-30", "--db", "s.db"), seconds=0.3
    )
    give_up = time.monotonic() + 60
    while not study.column("SELECT count(*) FROM outputs")[0]:
        assert time.monotonic() < give_up
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == (
        "Interrupted. All that was finished is stored; the same command goes on from "
        "there.\n"
    )
    assert out == ""
    stored = study.column("SELECT count(*) FROM outputs")[0]
    assert 3 <= stored < 10
    _, err = good("run", "mine", "-c", "run/checkpoint-30", "--db", "s.db")
    assert err.startswith(f"{10 - stored} outputs generated, {stored} were there")


def test_the_module_is_the_command_line(place):
    done = subprocess.run(
        [sys.executable, "-m", "harness", "list", "tasks", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"modernize"} <= {row["task"] for row in json.loads(done.stdout)}
    assert done.stderr == ""


def test_a_reader_that_leaves_early_gets_no_traceback(place):
    process = started("list", "metrics")
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    assert process.wait(60) in {0, 1}
