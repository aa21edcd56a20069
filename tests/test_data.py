"""Rows come from every form of data, and what is wrong is said with its place."""

import csv
import gzip
import json
import math
import os
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from harness.data import (
    Row,
    kind_of,
    load_function,
    read_json,
    read_rows,
    text_of,
    whole_text,
)
from harness.errors import InputError, MissingData

ROWS = [{"id": "a", "text": "one"}, {"id": "b", "text": "zwei, ü\n🙂"}]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)


@pytest.fixture
def put(tmp_path):
    """Write a file of a name with text or bytes; returns its name."""

    def write(name, content):
        data = content if isinstance(content, bytes) else content.encode("utf-8")
        (tmp_path / name).write_bytes(data)
        return name

    return write


@pytest.fixture
def rows(tmp_path):
    """The values of a source's rows."""
    return lambda source: [row.values for row in read_rows(source, tmp_path)]


@pytest.fixture
def refusal(tmp_path):
    """The message of the error that reading a source ends in, without the folder."""

    def message(source):
        with pytest.raises(InputError) as caught:
            list(read_rows(source, tmp_path))
        assert "\n" not in str(caught.value)
        return str(caught.value).replace(f"{tmp_path}{os.sep}", "")

    return message


def as_csv(delimiter=","):
    lines = [delimiter.join(["id", "text"])]
    lines += [delimiter.join(f'"{cell}"' for cell in row.values()) for row in ROWS]
    return "\r\n".join(lines) + "\r\n"


def as_parquet(path, rows=ROWS):
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", LINES),
        ("a.ndjson", LINES),
        ("a.v2.JSONL", LINES),
        ("a.csv", as_csv()),
        ("a.tsv", as_csv("\t")),
        ("a.jsonl.gz", gzip.compress(LINES.encode(), mtime=0)),
        ("a.csv.gz", gzip.compress(as_csv().encode(), mtime=0)),
        ("bom.jsonl", b"\xef\xbb\xbf" + LINES.encode()),
        ("bom.csv", b"\xef\xbb\xbf" + as_csv().encode()),
        ("crlf.jsonl", LINES.replace("\n", "\r\n")),
        ("blank.jsonl", "\n  \n" + LINES.replace("\n", "\n\n\t\n")),
        ("open.jsonl", LINES.rstrip("\n")),
    ],
)
def test_every_form_of_file_gives_the_same_rows(put, rows, name, content):
    assert rows(put(name, content)) == ROWS


def test_parquet_gives_the_same_rows(tmp_path, rows):
    as_parquet(tmp_path / "a.parquet")
    assert rows("a.parquet") == ROWS


def test_whole_numbers_that_pandas_made_floats_are_whole_again(tmp_path, rows):
    made = {
        "answer": [5.0, None, -7.0],
        "measured": [5.0, None, 0.5],
        "full": [1.0, 2.0, 3.0],
        "endless": [math.inf, None, 1.0],
    }
    written = [
        dict(zip(made, row, strict=True)) for row in zip(*made.values(), strict=True)
    ]
    as_parquet(tmp_path / "a.parquet", written)
    found = {name: [str(row[name]) for row in rows("a.parquet")] for name in made}
    assert found == {
        "answer": ["5", "None", "-7"],
        "measured": ["5.0", "None", "0.5"],
        "full": ["1.0", "2.0", "3.0"],
        "endless": ["inf", "None", "1.0"],
    }


def test_parquet_keeps_lists_numbers_and_nulls(tmp_path, rows):
    wanted = [{"refs": ["a", "b"], "n": 1, "x": None}, {"refs": [], "n": 2, "x": 0.5}]
    as_parquet(tmp_path / "a.parquet", wanted)
    assert rows("a.parquet") == wanted


def test_a_glob_reads_all_files_in_order_of_their_names(put, rows, tmp_path):
    put("part-2.jsonl", '{"n": 2}\n')
    put("part-1.jsonl", '{"n": 1}\n')
    (tmp_path / "part-3.jsonl").mkdir()
    assert rows("part-*.jsonl") == [{"n": 1}, {"n": 2}]
    assert rows(str(tmp_path / "part-[12].jsonl")) == [{"n": 1}, {"n": 2}]


def test_a_file_whose_name_looks_like_a_glob_is_read(put, rows):
    assert rows(put("a[1].jsonl", '{"n": 1}\n')) == [{"n": 1}]


def test_an_absolute_path_and_the_home_folder_are_understood(
    put, rows, tmp_path, monkeypatch
):
    put("a.jsonl", LINES)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert rows(str(tmp_path / "a.jsonl")) == ROWS
    assert rows("~/a.jsonl") == ROWS


@pytest.mark.parametrize(
    ("content", "lines"), [(LINES, [1, 2]), ("\n\n" + LINES, [3, 4])]
)
def test_rows_know_their_line(put, tmp_path, content, lines):
    found = read_rows(put("a.jsonl", content), tmp_path)
    assert [row.line for row in found] == lines


def test_a_csv_row_with_line_breaks_in_a_cell_knows_its_last_line(put, tmp_path):
    found = read_rows(put("a.csv", 'a,b\n1,"x\ny"\n2,z\n'), tmp_path)
    assert [row.line for row in found] == [3, 4]


def test_an_empty_csv_cell_is_an_empty_text(put, rows):
    assert rows(put("a.csv", "a,b\n1,\n")) == [{"a": "1", "b": ""}]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"a": 1}\n{"a": \n', "a.jsonl:2: not valid JSON: Expecting value"),
        ("a.jsonl", '{"a": 1}\n\n[1]\n', "a.jsonl:3: not a JSON object"),
        ("a.jsonl", "3\n", "a.jsonl:1: not a JSON object"),
        ("a.jsonl", "", "a.jsonl: there is no row in it"),
        ("a.jsonl", "\n\n", "a.jsonl: there is no row in it"),
        ("a.csv", "a,b\n", "a.csv: there is no row in it"),
        ("a.csv", "", "a.csv: there is no row in it"),
        ("a.csv", "a,b\n1,2\n3\n", "a.csv:3: it has another number of cells"),
        ("a.csv", "a,b\n1,2,3\n", "a.csv:2: it has another number of cells"),
        ("a.csv", 'a,b\n1,"x\n', "a.csv:2: not valid CSV: unexpected end of data"),
        ("a.csv", 'a,b\n1,"x"y\n', "a.csv:2: not valid CSV"),
        ("a.csv", "a,b,a\n1,2,3\n", "a.csv:1: column 'a' stands twice"),
        ("a.csv", "a\n" + "x" * 200_000, "such long texts can stand in JSONL"),
        ("a.jsonl", b'{"a": "\xff"}\n', "a.jsonl: not UTF-8 text"),
        ("a.csv", "a,b\n1,ü\n".encode("utf-16"), "a.csv: not UTF-8 text"),
        ("a.jsonl", bytes(range(256)) * 4, "a.jsonl"),
        ("a.csv", bytes(range(128, 256)) * 4, "a.csv: not UTF-8 text"),
        ("a.jsonl.gz", LINES, "a.jsonl.gz: cannot be read: BadGzipFile"),
        (
            "a.jsonl.gz",
            gzip.compress(LINES.encode(), mtime=0)[:-9],
            "a.jsonl.gz: cannot be read",
        ),
        ("a.parquet", b"PAR1" + bytes(60) + b"PAR1", "a.parquet: cannot be read"),
        ("a.parquet", "text", "a.parquet: not a Parquet file"),
        ("a.xlsx", "x", "a.xlsx: unknown kind of file; it must be one of .jsonl"),
        ("data", "x", "data: unknown kind of file"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(put, refusal, name, content, message):
    assert message in refusal(put(name, content))


def test_a_damaged_gzip_stream_is_refused(put, refusal):
    packed = bytearray(gzip.compress(b'{"a": 1}\n' * 1000, mtime=0))
    packed[20:24] = b"\xff\xff\xff\xff"
    assert "a.jsonl.gz: cannot be read" in refusal(put("a.jsonl.gz", bytes(packed)))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing.jsonl", "missing.jsonl: no such file (a Hugging Face data set is"),
        ("none-*.jsonl", "none-*.jsonl: no file matches"),
        ("folder", "folder: it is a folder; name its files, as in folder/*.jsonl"),
        ("**broken", "it names no file: Invalid pattern"),
        ("x" * 5000, "it names no file"),
        ("~nobody-has-this-name/a.jsonl", "it names no file"),
        ("python:data.py", "'python:data.py' must read python:file.py:function"),
        ("python:none.py:rows", "none.py: no such Python file"),
        ("hf:name", "'hf:name' must read hf:name[:configuration]:split"),
        ("hf:name:a:b:c", "must read hf:name[:configuration]:split"),
        ("hf::train", "must read hf:name[:configuration]:split"),
    ],
)
def test_a_source_that_is_none_is_refused(tmp_path, refusal, source, message):
    (tmp_path / "folder").mkdir()
    assert message in refusal(source)


def nested(depth, text=""):
    return '{"a": ' + "[" * depth + text + "]" * depth + "}\n"


@pytest.mark.parametrize(
    "line", [nested(100_000), nested(600, '"\\ud83d"')], ids=["deeper", "with half"]
)
def test_a_line_nested_too_deep_is_refused(put, refusal, line):
    assert "a.jsonl:1: not valid JSON" in refusal(put("a.jsonl", line))


def test_a_line_nested_deep_is_quoted_short(put, tmp_path):
    [row] = read_rows(put("a.jsonl", nested(500)), tmp_path)
    with pytest.raises(InputError, match="must hold text") as caught:
        text_of(row, "a")
    assert len(str(caught.value)) < 500


def test_a_line_of_fifty_megabytes_is_read(put, rows):
    [row] = rows(put("a.jsonl", json.dumps({"a": "x" * 50_000_000}) + "\n"))
    assert len(row["a"]) == 50_000_000


def test_a_number_of_many_digits_is_refused(put, refusal):
    assert "a.jsonl:1: not valid JSON" in refusal(
        put("a.jsonl", '{"a": ' + "9" * 5000 + "}\n")
    )


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('{"a": "cut \\ud83d"}', "cut \ufffd"),
        ('{"a": "whole \\ud83d\\ude42"}', "whole 🙂"),
        ('{"a": "\\uDE42\\uD83D"}', "\ufffd\ufffd"),
        ('{"a": "nul \\u0000"}', "nul \0"),
        ('{"a": "\\\\ud83d"}', "\\ud83d"),
    ],
)
def test_half_a_surrogate_pair_becomes_a_replacement_character(put, rows, line, text):
    assert rows(put("a.jsonl", line + "\n")) == [{"a": text}]


def test_half_a_surrogate_pair_is_found_in_keys_and_lists(put, rows):
    line = '{"\\ud800": ["\\udfff", {"b": "\\ud800"}]}\n'
    wanted = {"\ufffd": ["\ufffd", {"b": "\ufffd"}]}
    assert rows(put("a.jsonl", line)) == [wanted]


@pytest.mark.parametrize("text", ["", "plain", "ü 🙂 \0 \u2028", "\ufffd"])
def test_whole_text_stays_as_it_is(text):
    assert whole_text(text) is text


PROGRAM = """
from dataclasses import dataclass

@dataclass
class Pair:
    a: str

def rows():
    yield {"a": Pair("one").a, "n": 1}
    yield {"a": "cut \\ud83d", "n": 2}

def fails():
    yield {"a": "one"}
    raise KeyError("lost")

def none():
    return None

def texts():
    return [{"a": "one"}, "two"]

def numbered():
    return [{1: "one"}]

def empty():
    return []

constant = 3
"""


def test_rows_of_a_python_function(put, rows):
    put("data.py", "from __future__ import annotations\n" + PROGRAM)
    wanted = [{"a": "one", "n": 1}, {"a": "cut \ufffd", "n": 2}]
    assert rows("python:data.py:rows") == wanted


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("fails", "data.py:fails: it fails: KeyError: 'lost'"),
        (
            "none",
            "data.py:none: it fails: TypeError: 'NoneType' object is not iterable",
        ),
        ("texts", "data.py:texts:2: a row must map column names to values, but it is"),
        ("numbered", "data.py:numbered:1: a row must map column names to values"),
        ("empty", "there is no row in it"),
        ("constant", "data.py: it has no function 'constant'"),
        ("absent", "data.py: it has no function 'absent'"),
    ],
)
def test_a_python_function_that_fails_is_named(put, refusal, function, message):
    put("data.py", PROGRAM)
    assert message in refusal(f"python:data.py:{function}")


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import nothing_like_that", "ModuleNotFoundError: No module named"),
        ("def rows(:", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise ValueError('bad\\nnews')", "ValueError: bad news"),
    ],
)
def test_a_python_file_that_cannot_be_loaded_is_named(put, refusal, program, message):
    put("data.py", program)
    found = refusal("python:data.py:rows")
    assert found.startswith("data.py: cannot be loaded")
    assert message in found


def test_two_python_files_of_one_name_are_kept_apart(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.py").write_text(f"def rows(): return {name!r}")
    one, other = (
        load_function(tmp_path / n / "data.py", "rows") for n in ("one", "other")
    )
    assert (one(), other()) == ("one", "other")


@pytest.fixture
def hub(monkeypatch):
    """A stand-in for the datasets package; holds what was asked of it."""
    asked = []
    package, exceptions = ModuleType("datasets"), ModuleType("datasets.exceptions")

    class DatasetsError(Exception):
        pass

    def load_dataset(*names, split):
        asked.append((*names, split))
        if names[0] == "gone":
            raise DatasetsError("cannot\nreach it")
        return iter(ROWS)

    package.load_dataset = load_dataset
    exceptions.DatasetsError = DatasetsError
    monkeypatch.setitem(sys.modules, "datasets", package)
    monkeypatch.setitem(sys.modules, "datasets.exceptions", exceptions)
    return asked


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("hf:org/name:test", ("org/name", "test")),
        ("hf:org/name:de:train[:5]", None),
        ("hf:org/name:de:train", ("org/name", "de", "train")),
    ],
)
def test_a_data_set_of_the_hub(hub, rows, refusal, source, wanted):
    if wanted is None:
        assert "must read hf:name" in refusal(source)
        return
    assert rows(source) == ROWS
    assert hub == [wanted]


def test_a_data_set_that_cannot_be_loaded_is_named(hub, refusal):
    assert refusal("hf:gone:test") == (
        "hf:gone:test: the data set cannot be loaded: DatasetsError: cannot reach it"
    )


@pytest.mark.parametrize(
    ("value", "text"), [("x", "x"), ("", ""), (3, "3"), (0.5, "0.5")]
)
def test_text_of_takes_texts_and_numbers(value, text):
    assert text_of(Row({"a": value}, "f", 1), "a") == text


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"b": 1, "c": 2}, "f:7: it has no column 'a'; there is: b, c"),
        ({"a": None}, "f:7: column 'a' must hold text, but it is None"),
        ({"a": True}, "must hold text, but it is True"),
        ({"a": ["x"]}, "must hold text, but it is"),
        ({"a": {}}, "must hold text, but it is {}"),
        ({"a": float("nan")}, "column 'a' is nan"),
        ({"a": float("inf")}, "column 'a' is inf"),
    ],
)
def test_text_of_refuses_the_rest(values, message):
    with pytest.raises(InputError) as caught:
        text_of(Row(values, "f", 7), "a")
    assert message in str(caught.value)


def test_csv_written_by_the_standard_library_comes_back(tmp_path, rows):
    hostile = ['"', ",", "\n", "\r\n", "=1+1", "'; DROP TABLE items; --", "\0x", " "]
    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b"])
        writer.writerows([text, "x"] for text in hostile)
    assert [row["a"] for row in rows("a.csv")] == hostile


# Data that is missing, and JSON


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("none.jsonl", True),
        ("none-*.jsonl", True),
        ("python:none.py:rows", True),
        ("hf:gone:test", True),
        ("broken.jsonl", False),
        ("folder", False),
        ("hf:name", False),
    ],
)
def test_data_that_is_missing_is_told_from_data_that_is_wrong(
    put, tmp_path, hub, source, missing
):
    put("broken.jsonl", "{")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError) as caught:
        list(read_rows(source, tmp_path))
    assert isinstance(caught.value, MissingData) is missing


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{\n,", "a.json:2: not valid JSON: Expecting property name"),
        ("[" * 100_000, "a.json: not valid JSON"),
        ("9" * 5000, "a.json: not valid JSON"),
        (b"\xff", "a.json: not UTF-8 text"),
        (None, "a.json: cannot be read: FileNotFoundError"),
    ],
)
def test_a_json_file_that_is_none_is_refused(put, tmp_path, content, message):
    if content is not None:
        put("a.json", content)
    with pytest.raises(InputError, match=re.escape(message)):
        read_json(tmp_path / "a.json")


def test_half_a_surrogate_pair_in_a_json_file_becomes_a_replacement_character(
    put, tmp_path
):
    put("a.json", '\ufeff{"a": ["\\uD83D"]}')
    assert read_json(tmp_path / "a.json") == {"a": ["\ufffd"]}


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.b.JSONL.gz", ".jsonl"), ("a_1.5.json", ".json"), ("a", ""), ("a.gz", "")],
)
def test_the_kind_of_a_file_is_its_last_ending(name, kind):
    assert kind_of(Path(name)) == kind
