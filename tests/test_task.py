"""Items and suites: what tasks ask, and what is said of wrong ones."""

import re

import pytest
from fakes import write_task

from harness.errors import InputError, NotFound
from harness.task import (
    bundled_tasks,
    find_suite,
    load_items,
    load_task,
    load_tasks,
    suite_name,
)


@pytest.fixture
def items(tmp_path):
    """The items of a task with these rows and keys."""

    def load(rows, **keys):
        keys = {"prompt": "{{ q }}", "references": [], **keys}
        return load_items(load_task(write_task(tmp_path, rows, **keys)))

    return load


@pytest.fixture
def refusal(items, tmp_path):
    """The message of the error that these rows and keys end in."""

    def message(rows, **keys):
        with pytest.raises(InputError) as caught:
            items(rows, **keys)
        assert "\n" not in str(caught.value)
        return str(caught.value).replace(f"{tmp_path}/", "")

    return message


def test_items_have_prompt_key_references_and_columns(items):
    [item] = items(
        [{"id": 7, "q": "Why?", "a": "So.", "b": ["Thus.", "Hence."], "n": 1.5}],
        prompt="Q: {{ q }}\n",
        references=["a", "b"],
    )
    assert item.task == "echo"
    assert item.key == "7"
    assert item.prompt == "Q: Why?\n"
    assert item.references == ("So.", "Thus.", "Hence.")
    assert item.meta["n"] == 1.5


def test_messages_are_rendered_turn_by_turn(items):
    [item] = items(
        [{"q": "Why?", "who": "a poet"}],
        prompt=None,
        messages=[
            {"role": "system", "content": "You are {{ who }}."},
            {"role": "user", "content": "{{ q }}"},
        ],
    )
    assert item.messages == (
        {"role": "system", "content": "You are a poet."},
        {"role": "user", "content": "Why?"},
    )
    assert item.prompt == "system: You are a poet.\nuser: Why?"


def test_a_chat_is_another_item_than_the_same_text_as_a_prompt(items):
    [chat] = items(
        [{"q": "x"}], prompt=None, messages=[{"role": "user", "content": "{{ q }}"}]
    )
    [plain] = items([{"q": "x"}], prompt="user: {{ q }}")
    assert chat.prompt == plain.prompt
    assert chat.id != plain.id


@pytest.mark.parametrize("column", ["item", "id"])
def test_the_key_is_the_rows_own(items, column):
    assert [item.key for item in items([{"q": "a", column: "one"}])] == ["one"]


@pytest.mark.parametrize("own", [None, "", "  ", 1.5, ["a"]])
def test_a_row_without_a_key_gets_its_number_among_equal_prompts(items, own):
    rows = [{"q": "a", "id": own}, {"q": "b"}, {"q": "a"}]
    assert [item.key for item in items(rows)] == ["#1", "#1", "#2"]
    assert len({item.id for item in items(rows)}) == 3


def test_ids_do_not_depend_on_the_order_of_rows(items):
    rows = [{"q": "a"}, {"q": "b"}, {"q": "c", "id": "x"}]
    assert {i.id for i in items(rows)} == {i.id for i in items(rows[::-1])}


@pytest.mark.parametrize(
    "keys", [{"name": "other"}, {"prompt": "{{ q }}!"}], ids=["task", "template"]
)
def test_task_and_prompt_make_the_id(items, keys):
    [one], [other] = items([{"q": "a"}]), items([{"q": "a"}], **keys)
    assert one.id != other.id


def test_a_mended_reference_leaves_the_id(items):
    [one], [other] = (
        items([{"q": "a", "r": text}], references=["r"]) for text in ("x", "y")
    )
    assert one.id == other.id
    assert one.references != other.references


def test_a_key_that_stands_twice_is_refused_with_both_places(refusal):
    rows = [{"id": "x", "q": "a"}, {"id": "y", "q": "b"}, {"id": "x", "q": "c"}]
    assert refusal(rows) == (
        "data.jsonl:3: item key 'x' is already that of data.jsonl:1; "
        "every row needs its own"
    )


def test_a_whole_number_is_the_same_key_however_a_table_keeps_it(items):
    rows = [{"id": 7.0, "q": "a"}, {"id": 0.5, "q": "b"}, {"id": float("nan"), "q": ""}]
    assert [one.key for one in items(rows, prompt="{{ q }}!")] == ["7", "#1", "#1"]


def test_a_missing_number_can_be_left_out_of_a_prompt(items):
    prompt = "say {{ q or 'nothing' }}"
    assert items([{"q": float("nan")}], prompt=prompt)[0].prompt == "say nothing"


@pytest.mark.parametrize(
    ("value", "references"),
    [
        ("text", ("text",)),
        (["a", "", None, "b"], ("a", "b")),
        ("", ()),
        (None, ()),
        ([], ()),
        (float("nan"), ()),
        (42, ("42",)),
        (0, ("0",)),
        (0.5, ("0.5",)),
        (" ", (" ",)),
    ],
)
def test_references(items, value, references):
    [item] = items([{"q": "a", "r": value}], references=["r"])
    assert item.references == references


@pytest.mark.parametrize("value", [True, {"a": "b"}, [["a"]], [{"a": 1}]])
def test_what_is_no_reference_is_refused(refusal, value):
    message = refusal([{"q": "a"} | {"r": value}], references=["r"])
    assert message.startswith("data.jsonl:1: column 'r' must hold a text or a list")


def test_a_missing_reference_column_is_refused_with_those_there(refusal):
    rows = [{"q": "a", "r": "x"}, {"q": "b", "ref": "y"}]
    assert refusal(rows, references=["r"]) == (
        "data.jsonl:2: it has no column 'r', which the task's references name; "
        "there is: q, ref"
    )


@pytest.mark.parametrize(
    ("prompt", "row", "message"),
    [
        (
            "{{ question }}",
            {"q": "a"},
            "data.jsonl:1: the prompt template fails on this",
        ),
        ("{{ question }}", {"q": "a"}, "'question' is undefined; its columns are: q"),
        ("{{ q.a.b }}", {"q": "a"}, "has no attribute 'a'"),
        ("{{ q }}", {"q": ""}, "data.jsonl:1: its prompt is empty"),
        ("{{ q }}\n", {"q": "  "}, "data.jsonl:1: its prompt is empty"),
        (
            "{{ q }}",
            {"q": None},
            "a value is null; if it may be, write {{ column or ''",
        ),
        ("{{ q }}", {"q": float("nan")}, "a value is null; if it may be, write"),
        ("{{ 'x' * 10**15 }}", {"q": "a"}, "fails on this row: MemoryError; its col"),
        ("{{ q + 1 }}", {"q": "a"}, "can only concatenate str"),
        ("{{ 1 / q }}", {"q": 0}, "division by zero"),
        ("{{ q.encode('no-such-code') }}", {"q": "a"}, "unknown encoding"),
        ("{{ ''.__class__.__mro__ }}", {"q": "a"}, "access to attribute '__class__'"),
        ("{{ q.__init__.__globals__ }}", {"q": "a"}, "access to attribute '__init__'"),
        ("{{ cycler.__init__.__globals__.os }}", {"q": "a"}, "access to attribute"),
        ("{{ '{0.__class__}'.format(q) }}", {"q": "a"}, "access to attribute"),
        ("{% for i in range(10**9) %}{% endfor %}", {"q": "a"}, "Range too big"),
        ("{% include 'secret' %}", {"q": "a"}, "no loader for this environment"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", {"q": "a"}, "recursion"),
    ],
)
def test_a_prompt_that_fails_is_refused_with_the_row(refusal, prompt, row, message):
    assert message in refusal([row], prompt=prompt)


def test_a_chat_whose_last_turn_is_empty_is_refused(refusal):
    roles = {"system": "Be kind.", "user": "{{ q }}"}
    messages = [{"role": role, "content": text} for role, text in roles.items()]
    message = refusal([{"q": ""}], prompt=None, messages=messages)
    assert message == "data.jsonl:1: its prompt is empty"


@pytest.mark.parametrize("prompt", ["{{ q", "{% if %}", "{{ q|nofilter }}", "{% x %}"])
def test_a_broken_template_is_refused_with_its_line(refusal, tmp_path, prompt):
    message = refusal([{"q": "a"}], prompt=prompt)
    [line] = re.findall(
        r"^task\.yaml:(\d+): the prompt is no valid Jinja2 template: ", message
    )
    assert (
        (tmp_path / "task.yaml")
        .read_text()
        .splitlines()[int(line) - 1]
        .startswith("prompt: ")
    )


@pytest.mark.parametrize(
    ("prompt", "row", "rendered"),
    [
        ("{{ q or '' }}x", {"q": None}, "x"),
        ("{% if c %}{{ c }} {% endif %}{{ q }}", {"q": "a", "c": None}, "a"),
        ("{{ self_ }}{{ q }}", {"q": "a", "self_": "b", "self": "c"}, "ba"),
        ("{{ q }}", {"q": "{{ 7 * 7 }} <b>&</b>"}, "{{ 7 * 7 }} <b>&</b>"),
        ("{{ q }}\n", {"q": "a"}, "a\n"),
        ("{{ q|upper }} {{ xs|join(', ') }}", {"q": "a", "xs": ["b", "c"]}, "A b, c"),
    ],
)
def test_a_prompt_is_rendered_as_it_stands(items, prompt, row, rendered):
    assert [item.prompt for item in items([row], prompt=prompt)] == [rendered]


def test_columns_that_no_json_holds_are_kept_as_text(tmp_path):
    (tmp_path / "data.py").write_text(
        "from datetime import date\n"
        "def rows():\n    return [{'q': 'a', 'day': date(2026, 1, 2)}]\n"
    )
    path = tmp_path / "task.yaml"
    path.write_text("name: t\ndata: python:data.py:rows\nprompt: '{{ day }}'\n")
    [item] = load_items(load_task(path))
    assert item.prompt == "2026-01-02"


# Suites


def test_a_suite_names_tasks_by_file_folder_or_bundled_name(tmp_path):
    write_task(tmp_path / "one", name="one")
    write_task(tmp_path / "two", name="two")
    suite = tmp_path / "my-suite.yaml"
    suite.write_text("- one/task.yaml\n- two\n- modernize\n")
    tasks = load_tasks(str(suite))
    assert [task.name for task in tasks] == ["one", "two", "modernize"]
    assert tasks[0].folder == tmp_path / "one"
    assert suite_name(suite) == "my-suite"


@pytest.mark.parametrize("name", ["task.yaml", "."])
def test_a_task_is_found_by_file_and_by_folder(tmp_path, monkeypatch, name):
    write_task(tmp_path / "mine")
    monkeypatch.chdir(tmp_path / "mine")
    [task] = load_tasks(name)
    assert task.name == "echo"
    assert suite_name(find_suite(name)) == "mine"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- none.yaml\n", "suite.yaml:1: there is no task file none.yaml"),
        (
            "- one\n- modernise\n",
            "suite.yaml:2: there is no task file modernise; No bun",
        ),
        ("- modernise\n", "Did you mean 'modernize'?"),
        ("- one\n- {a: b}\n", "suite.yaml:2: each entry of a suite must be a path"),
        ("- one\n- one/task.yaml\n", "suite.yaml:2: two tasks are named 'echo'"),
        ("[]\n", "suite.yaml: the suite names no task"),
        ("- suite.yaml\n", "suite.yaml:1: a task file must map keys to values"),
    ],
)
def test_a_wrong_suite_is_refused_with_its_line(tmp_path, text, message):
    write_task(tmp_path / "one")
    (tmp_path / "suite.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        load_tasks(str(tmp_path / "suite.yaml"))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("modernise", "Did you mean 'modernize'?"),
        ("modernize.yaml", "Did you mean 'modernize'?"),
        ("", "There is: "),
        ("x" * 5000, "There is: "),
        ("~nobody-has-this-name", "There is: "),
        ("\0", "There is: "),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name, hint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFound) as caught:
        load_tasks(name)
    assert hint in str(caught.value)


def test_bundled_tasks_load_by_name():
    assert {"modernize", "voice_commands", "suite"} <= bundled_tasks().keys()
    assert [task.name for task in load_tasks("suite")] == [
        "modernize",
        "voice_commands",
    ]


def test_an_own_file_goes_before_a_bundled_name(tmp_path, monkeypatch):
    write_task(tmp_path / "modernize", name="mine")
    monkeypatch.chdir(tmp_path)
    assert [task.name for task in load_tasks("modernize")] == ["mine"]


def test_a_task_keeps_its_text_as_it_was(tmp_path):
    path = write_task(tmp_path)
    text = "# ü\n" + path.read_text()
    path.write_text("\ufeff" + text, encoding="utf-8")
    assert load_task(path).text == text
