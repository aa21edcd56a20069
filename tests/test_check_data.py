"""The command that checks training data, as users and hooks run it."""

import json
import subprocess
import sys

import pytest
from fakes import write_rows
from typer.testing import CliRunner

from harness.cli import app

WORDS = [a + b for a in ("bar", "del", "fon", "gru") for b in ("wend", "mol", "sib")]
GOOD = [{"prompt": f"say {a} {b}", "completion": b} for a in WORDS for b in WORDS[:4]]


def check(*arguments):
    return CliRunner().invoke(app, ["check-data", *map(str, arguments)])


@pytest.fixture
def good(tmp_path):
    write_rows(tmp_path / "good.jsonl", GOOD)
    return tmp_path / "good.jsonl"


@pytest.fixture
def bad(tmp_path):
    odd = {"prompt": "\x1b[31m<b>", "completion": "x"}
    write_rows(tmp_path / "bad.jsonl", [*GOOD[:5] * 12, odd])
    return tmp_path / "bad.jsonl"


def test_exit_codes_are_for_hooks(good, bad, tmp_path):
    assert check(good).exit_code == 0
    found = check(bad)
    assert found.exit_code == 1
    assert "FAILURE exact_duplicates: 55 rows of 61 repeat" in found.stdout
    assert f"{bad}:61" in found.stdout
    assert "\x1b" not in found.stdout
    program = [sys.executable, "-m", "harness", "check-data", tmp_path / "none.jsonl"]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {tmp_path / 'none.jsonl'}: no such file\n"


def test_the_json_has_every_check_with_its_source(bad):
    found = json.loads(check(bad, "--json").stdout)
    assert found.keys() == {"checks", "not_checked"}
    names = [one["name"] for one in found["checks"]]
    assert len(set(names)) == len(names) > 25
    for one in found["checks"]:
        assert one["threshold"]
        assert one["source"]
        assert one["says"]
        assert one["examples"] or one["status"] in {"fine", "notice", "failure"}
    assert {one["name"] for one in found["not_checked"]} >= {"truncation"}


def test_markdown_holds_no_markup_of_the_data(bad):
    text = check(bad, "--format", "md").stdout
    assert "| failure | exact" in text
    assert "<b>" not in text


def test_all_files_are_written_at_once(good, tmp_path):
    outs = [tmp_path / name for name in ("clean", "difficulty", "ordered")]
    done = check(good, *(part for out in outs for part in (f"--{out.name}", out)))
    assert done.exit_code == 0
    assert "48 rows, 0 of them changed, 0 dropped" in done.stderr
    for out in outs:
        assert len(out.read_text().splitlines()) == 48


def test_files_to_write_are_refused_before_anything_is_read(
    good, tmp_path, monkeypatch
):
    def read_all(*_, **__):
        raise AssertionError("it was read")

    monkeypatch.setattr("harness.check_data.check", read_all)
    same = check(good, "--ordered", good)
    assert "is the input itself" in str(same.exception)
    twice = check(good, "--clean", tmp_path / "a", "--ordered", tmp_path / "a")
    assert "named for two files" in str(twice.exception)


def test_a_hook_loads_nothing_heavy(good):
    program = (
        "import sys\nfrom harness.cli import app\n"
        f"app(['check-data', {str(good)!r}, '--limit', '50'], standalone_mode=False)\n"
        "heavy = {'torch', 'transformers', 'pandas', 'sklearn', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr == "[]\n"
