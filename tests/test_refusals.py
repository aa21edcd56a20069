"""Bad input is refused with file, line and reason, before anything is loaded."""

import sys

import pytest
from fakes import ROWS, write_checkpoint, write_rows, write_task

from harness.cli import main
from harness.run import run
from harness.study import StudyFile
from harness.task import load_task

GOOD = """\
name: echo
data: data.jsonl
prompt: "{{ question }}"
references: [answer]
metrics:
- exact_match
- chrf
"""
ROW = '{"id": "a", "question": "one", "answer": "two"}\n'


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder with a checkpoint."""
    monkeypatch.chdir(tmp_path)
    write_checkpoint(tmp_path / "run" / "checkpoint-30")
    return tmp_path


@pytest.fixture
def call(place, monkeypatch, capsys):
    """Call the command line; returns exit code and stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        return caught.value.code or 0, capsys.readouterr().err

    return call


@pytest.fixture
def ran(place, echo):
    """A study in which the good task was run."""
    path = place / "results" / "mine.db"
    (place / "mine").mkdir()
    (place / "mine" / "task.yaml").write_text(GOOD)
    (place / "mine" / "data.jsonl").write_text(ROW)
    tasks = [load_task(place / "mine" / "task.yaml")]
    run(StudyFile(path), tasks, ["run/checkpoint-30"])
    return path


def dump(path):
    """Everything in a study's tables."""
    study = StudyFile(path)
    return {name: list(study.db[name].rows) for name in study.db.table_names()}


def task(**keys):
    """The good task file with other lines for some keys; same number of lines."""
    lines = GOOD.splitlines()
    for key, line in keys.items():
        at = next(n for n, old in enumerate(lines) if old.startswith((key, f"- {key}")))
        lines[at] = line
    return "\n".join(lines) + "\n"


def case(name, message, data=ROW, **keys):
    return pytest.param(task(**keys), data, message, id=name)


CASES = [
    case(
        "malformed JSONL", "mine/data.jsonl:2: not valid JSON: Expecting", ROW + "{,}\n"
    ),
    case("no object", "mine/data.jsonl:2: not a JSON object", ROW + "[1]\n"),
    case(
        "column missing",
        "mine/data.jsonl:2: the prompt template fails on this row: 'question' is "
        "undefined; its columns are: id, answer",
        ROW + '{"id": "b", "answer": "x"}\n',
    ),
    case(
        "prompt empty",
        "mine/data.jsonl:2: its prompt is empty",
        ROW + '{"id": "b", "question": " ", "answer": "x"}\n',
    ),
    case(
        "key twice",
        "mine/data.jsonl:3: item key 'a' is already that of mine/data.jsonl:1; ",
        ROW + ROW.replace('"a"', '"b"') + ROW,
    ),
    case(
        "template fails",
        "mine/data.jsonl:1: the prompt template fails on this row: can only concat",
        prompt='prompt: "{{ question + 1 }}"',
    ),
    case(
        "template broken",
        "mine/task.yaml:3: the prompt is no valid Jinja2 template: Unexpected end of",
        prompt='prompt: "{% if question %}"',
    ),
    case(
        "chat template broken",
        "mine/task.yaml:3: the prompt is no valid Jinja2 template: ",
        prompt='messages: [{role: user, content: "{{ question"}]',
    ),
    case(
        "references of numbers in lists",
        "mine/data.jsonl:2: column 'answer' must hold a text or a list of texts, "
        "but it holds ['two']",
        ROW + '{"id": "b", "question": "x", "answer": [["two"]]}\n',
    ),
    case(
        "references as a mapping",
        "mine/data.jsonl:2: column 'answer' must hold a text or a list of texts, "
        "but it holds {'text': 'two'}",
        ROW + '{"id": "b", "question": "x", "answer": {"text": "two"}}\n',
    ),
    case(
        "reference column wrong",
        "mine/data.jsonl:1: it has no column 'answers', which the task's references "
        "name; there is: id, question, answer",
        references="references: [answers]",
    ),
    case("no items", "mine/data.jsonl: there is no row in it; add at least one", ""),
    case("no lines but empty ones", "mine/data.jsonl: there is no row in it", "\n\n"),
    case(
        "no data",
        "mine/none.jsonl: no such file",
        data=ROW,
        **{"data:": "data: none.jsonl"},
    ),
    case(
        "metric unknown",
        "mine/task.yaml:7: No metric named 'chrff'. Did you mean 'chrf'?",
        chrf="- chrff",
    ),
    case(
        "setting unknown",
        "mine/task.yaml:7: metric 'chrf' has no setting 'words'",
        chrf="- chrf:words=2",
    ),
    case(
        "setting ill-typed",
        "mine/task.yaml:6: metric 'bleu': setting 'tokenize' must be one of ",
        exact_match="- {bleu: {tokenize: intel}}",
    ),
    case(
        "metric twice",
        "mine/task.yaml:7: metric 'exact_match|",
        chrf="- exact_match",
    ),
    case(
        "metric file missing",
        "mine/task.yaml:7: mine/mine.py: no such Python file",
        chrf="- mine.py",
    ),
    case(
        "key unknown",
        "mine/task.yaml:4: unknown key 'reference'; did you mean 'references'?",
        references="reference: [answer]",
    ),
    case(
        "YAML broken", "mine/task.yaml:6: not valid YAML: ", references="references: ["
    ),
]


@pytest.fixture
def refused(call, place, echo):
    """Call a command on a task; it must fail with this message and load nothing."""

    def check(text, data, message, *command):
        (place / "mine").mkdir(exist_ok=True)
        (place / "mine" / "task.yaml").write_text(text)
        (place / "mine" / "data.jsonl").write_text(data)
        echo.loads = 0
        code, err = call(*command)
        assert code == 2
        assert err.startswith(f"error: {message}")
        assert err.count("\n") == 1
        assert echo.loads == 0

    return check


RUN = ("run", "mine", "-c", "run/checkpoint-30")


@pytest.mark.parametrize(("text", "data", "message"), CASES)
def test_a_refused_run_leaves_no_study_behind(refused, place, text, data, message):
    refused(text, data, message, *RUN)
    assert not (place / "results").exists()


@pytest.mark.parametrize(("text", "data", "message"), CASES)
def test_what_is_refused_leaves_a_study_as_it_was(refused, ran, text, data, message):
    stored = dump(ran)
    refused(text, data, message, *RUN)
    assert dump(ran) == stored
    if "no such file" not in message:  # else it is scored by what the study holds
        refused(text, data, message, "score", "mine")
        assert dump(ran) == stored


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([{"item": "a", "system": "s"}], (), "f.jsonl:1: it has no column 'output'"),
        ([{"id": "a", "text": "s"}], (), "f.jsonl:1: it has neither the columns of"),
        (
            [{"item": "a", "system": "s", "output": "x", "scores": {"b": "high"}}],
            (),
            "f.jsonl:1: column 'scores.b' must hold a number, but it is 'high'",
        ),
        (
            [{"item": "a", "system": "s", "output": "x"}] * 2,
            (),
            "f.jsonl:2: system 's' has an output for item 'a' already, in ",
        ),
        (
            [{"item": "a", "system": "s", "output": "x"}],
            ("--lower-is-better", "ter"),
            "--lower-is-better ter: the file carries no such metric",
        ),
        (
            [{"item": "a", "system": "s", "output": "x", "scores": {"b|c": 1}}],
            (),
            "f.jsonl: an imported metric cannot be named 'b|c'",
        ),
        ([], (), "f.jsonl: there is no row in it"),
    ],
)
def test_a_refused_import_leaves_no_study_behind(call, place, rows, options, message):
    write_rows(place / "f.jsonl", rows)
    code, err = call("import", "outputs", "f.jsonl", "--task", "t", *options)
    assert code == 2
    assert message in err
    assert not (place / "results").exists()


def test_a_refused_import_leaves_a_study_as_it_was(call, place):
    write_rows(place / "f.jsonl", [{"item": "a", "system": "s", "output": "x"}])
    assert call("import", "outputs", "f.jsonl", "--task", "t")[0] == 0
    stored = dump(place / "results" / "t.db")
    write_rows(place / "f.jsonl", [{"item": "a", "system": "s", "output": "y"}])
    code, err = call("import", "outputs", "f.jsonl", "--task", "t")
    assert code == 2
    assert "f.jsonl:1: another output of system 's' for item 'a' was imported" in err
    assert dump(place / "results" / "t.db") == stored


def test_an_entry_of_a_suite_is_named_with_its_line(call, place, echo):
    write_task(place / "one", ROWS)
    (place / "suite.yaml").write_text("- one\n- tow\n")
    code, err = call("run", "suite.yaml", "-c", "run/checkpoint-30")
    assert code == 2
    assert err.startswith("error: suite.yaml:2: there is no task file tow")
    assert not (place / "results").exists()
    assert echo.loads == 0
