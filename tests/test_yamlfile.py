"""YAML is read as plain values, with lines, and never as a program."""

import pytest

from harness.errors import InputError
from harness.yamlfile import MOST_BYTES, read_yaml


@pytest.fixture
def read(tmp_path):
    """Values and lines of a text."""

    def values(text):
        path = tmp_path / "task.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return read_yaml(path)

    return values


def test_values_and_the_line_of_each_key(read):
    values, lines = read("# first\na: 1\nb:\n  - x\n  - c: [y,\n        z]\n")
    assert values == {"a": 1, "b": ["x", {"c": ["y", "z"]}]}
    assert lines == {
        ("a",): 2,
        ("b",): 3,
        ("b", 0): 4,
        ("b", 1): 5,
        ("b", 1, "c"): 5,
        ("b", 1, "c", 0): 5,
        ("b", 1, "c", 1): 6,
    }


def test_a_byte_order_mark_is_no_part_of_the_first_key(read):
    assert read(b"\xef\xbb\xbfname: x\n")[0] == {"name": "x"}


def test_aliases_are_followed(read):
    assert read("a: &a [1, 2]\nb: *a\n")[0] == {"a": [1, 2], "b": [1, 2]}


ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", ":3: key 'a' stands twice, first in line 1"),
        ("a:\n  b: 1\n  b: 2\n", ":3: key 'b' stands twice, first in line 2"),
        ("a: 1\n b: 2\n", ":2: not valid YAML: mapping values are not allowed here"),
        ("a: [1, 2\n", ":2: not valid YAML"),
        ("\ta: 1\n", ":1: not valid YAML"),
        ("", ": the file is empty"),
        ("# nothing\n", ": the file is empty"),
        ("a: 1\n---\nb: 2\n", ":2: not valid YAML: but found another document"),
        ("? [a, b]\n: c\n", ":1: a key must be a plain word"),
        ("x: 1\n? {a: b}\n: c\n", ":2: a key must be a plain word"),
        ("a: *nothing\n", ":1: not valid YAML: found undefined alias"),
        ("a: !!python/object/apply:os.system [ls]\n", "could not determine a constr"),
        ("a: !!python/name:os.system\n", "could not determine a constructor"),
        ("a: !mine x\n", ":1: not valid YAML: could not determine a constructor"),
        ("a: 2026-99-99\n", ": not valid YAML: month must be in 1..12"),
        (b"a: \xff\n", ": not valid YAML: 'utf-8' codec can't decode"),
        ("a: \0\n", ": not valid YAML: unacceptable character #x0000"),
        ("[" * 5000, ": not valid YAML: maximum recursion depth exceeded"),
        ("a: &a [*a]\n", ": not valid YAML"),
        (ALIASES, ": it holds more than 50,000 values"),
        ("a: " + "x" * MOST_BYTES, ": larger than 1 MB; put data into data files"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(read, text, message):
    with pytest.raises(InputError) as caught:
        read(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)
