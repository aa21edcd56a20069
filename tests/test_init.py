"""A task file for one's own data: guessed, written, and ready to run."""

import json

import pytest
from fakes import write_checkpoint, write_rows

from harness.errors import InputError, UsageError
from harness.init import init
from harness.run import run
from harness.study import StudyFile
from harness.task import load_items, load_task


@pytest.fixture
def made(tmp_path):
    """The task that is made for rows."""

    def make(*rows, name="data.jsonl"):
        return load_task(init(write_rows(tmp_path / name, rows)))

    return make


@pytest.mark.parametrize(
    ("row", "prompt", "references"),
    [
        ({"prompt": "p", "completion": "c"}, "{{ prompt }}\n", ["completion"]),
        ({"question": "p", "answer": "c"}, "{{ question }}\n", ["answer"]),
        ({"input": "p", "target": "c"}, "{{ input }}\n", ["target"]),
        ({"source": "p", "reference": "c"}, "{{ source }}\n", ["reference"]),
        ({"Prompt": "p", "Response": "c"}, "{{ Prompt }}\n", ["Response"]),
        ({"output": "c", "input": "p"}, "{{ input }}\n", ["output"]),
        ({"question": "p", "answers": ["a", "b"]}, "{{ question }}\n", ["answers"]),
        ({"verse": "p", "rewrite": "c"}, "{{ verse }}\n", []),
        ({"id": "x", "verse": "p"}, "{{ verse }}\n", []),
        ({"target": "c", "verse": "p"}, "{{ verse }}\n", ["target"]),
        ({"text": "p"}, "{{ text }}\n", []),
        ({"prompt": ["p"], "question": "q"}, "{{ question }}\n", []),
        (
            {"instruction": "p", "input": "q", "output": "c"},
            "{{ instruction }}\n{{ input }}\n",
            ["output"],
        ),
        ({"instruction": "p", "output": "c"}, "{{ instruction }}\n", ["output"]),
    ],
)
def test_columns_are_guessed(made, row, prompt, references):
    task = made(row)
    assert task.file.prompt == prompt
    assert task.file.references == references
    assert bool(task.file.metrics) == bool(references)
    assert len(load_items(task)) == 1


def test_a_column_that_is_sometimes_empty_is_no_prompt(made):
    task = made({"input": "", "question": "q"}, {"input": "i", "question": "q"})
    assert task.file.prompt == "{{ question }}\n"


def test_an_instruction_without_input_is_a_prompt_too(made):
    rows = [
        {"instruction": "Sum up.", "input": "A text.", "output": "c"},
        {"instruction": "Say hello.", "input": "", "output": "Hello."},
    ]
    assert [item.prompt for item in load_items(made(*rows))] == [
        "Sum up.\nA text.\n",
        "Say hello.\n\n",
    ]


@pytest.mark.parametrize(
    ("longest", "tokens"), [(0, 16), (31, 16), (32, 32), (100, 64), (10**6, 1024)]
)
def test_room_for_the_longest_reference(made, longest, tokens):
    task = made({"prompt": "p", "target": "x" * longest}, {"prompt": "p", "target": ""})
    assert task.generation.max_new_tokens == tokens


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("my data (v2).jsonl", "my_data_v2"),
        ("日本.jsonl", "task"),
        ("_.jsonl", "task"),
        ("a.b.jsonl", "a"),
        ("x" * 200 + ".jsonl", "x" * 100),
    ],
)
def test_the_name_is_that_of_the_file_as_far_as_a_name_may_be(made, file, name):
    assert made({"prompt": "p"}, name=file).name == name


def test_hostile_names_break_no_yaml(made):
    name = "a'b\"c: {d} # e.jsonl"
    task = made({"prompt": "p", 'target": [x]': "c"}, name=name)
    assert task.file.data == name
    assert load_items(task)


def test_csv_and_parquet_will_do(tmp_path):
    import pyarrow
    import pyarrow.parquet

    (tmp_path / "a.csv").write_text("prompt,target\np,c\n")
    table = pyarrow.Table.from_pylist([{"prompt": "p", "target": ["c", "d"]}])
    pyarrow.parquet.write_table(table, tmp_path / "b.parquet")
    for name, references in (("a.csv", ("c",)), ("b.parquet", ("c", "d"))):
        [item] = load_items(load_task(init(tmp_path / name)))
        assert item.references == references


def test_the_task_file_may_lie_elsewhere(tmp_path, monkeypatch):
    data = write_rows(tmp_path / "data.jsonl", [{"prompt": "p"}])
    (tmp_path / "tasks").mkdir()
    monkeypatch.chdir(tmp_path)
    target = init(data.relative_to(tmp_path), tmp_path / "tasks" / "mine.yaml")
    assert load_task(target).file.data == str(data)
    assert load_items(load_task(target))


def test_what_is_written_runs(made, tmp_path, echo):
    rows = [{"prompt": f"say {n}", "target": f"calm say {n}"} for n in range(4)]
    study = StudyFile(tmp_path / "s.db")
    task = made(*rows)
    run(study, [task], [str(write_checkpoint(tmp_path / "run" / "checkpoint-1"))])
    means = study.mapping(
        "SELECT substr(name, 1, instr(name, '|') - 1), mean_per_output "
        "FROM checkpoint_summary"
    )
    assert means["exact_match"] == 1
    assert means.keys() >= {"perplexity", "bleu", "chrf", "rouge1", "rougeL"}
    assert task.file.rating.criteria


# What is refused


def test_a_task_file_is_never_overwritten(made, tmp_path):
    made({"prompt": "p"})
    before = (tmp_path / "data.yaml").read_text()
    with pytest.raises(UsageError, match=r"data\.yaml is there already; .* --out"):
        made({"question": "another"})
    assert (tmp_path / "data.yaml").read_text() == before


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"n": 1, "x": None}], "no column looks like a prompt; it has: n, x"),
        ([{"messages": [{"role": "user"}]}], "no column looks like a prompt"),
        ([{"id": "a"}], "no column looks like a prompt"),
        ([{"target": "a"}], "no column looks like a prompt"),
        ([{"verse": "a"}, {"verse": " "}], "no column looks like a prompt"),
        ([{"my verse": "a"}], "column 'my verse' must be renamed"),
        ([], "there is no row in it"),
    ],
)
def test_data_without_a_prompt_is_refused_and_nothing_written(
    made, tmp_path, rows, message
):
    with pytest.raises(InputError) as caught:
        made(*rows)
    assert message in str(caught.value)
    assert "data.jsonl" in str(caught.value)
    assert not list(tmp_path.glob("*.yaml"))


def test_missing_data_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        init(tmp_path / "none.jsonl")


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    data = write_rows(tmp_path / "data.jsonl", [{"prompt": "p"}])
    with pytest.raises(UsageError, match="cannot be written: No such file"):
        init(data, tmp_path / "none" / "task.yaml")


def test_only_the_first_rows_are_looked_at(tmp_path):
    path = tmp_path / "data.jsonl"
    lines = [json.dumps({"prompt": f"p{n}"}) for n in range(200)]
    path.write_text("\n".join([*lines, "broken"]))
    assert load_task(init(path)).file.prompt == "{{ prompt }}\n"
