"""What commands print: plain tables, strict JSON, bars for what takes long."""

import io
import json
import re
import sys
import time

import pytest

from harness import terminal
from harness.terminal import print_json, print_rows, progress_bars


def test_a_table_has_a_column_for_each_key(capsys):
    print_rows([{"name": "a", "n": 1}, {"name": "b", "n": None}], as_json=False)
    header, first, second = capsys.readouterr().out.splitlines()
    assert header.split() == ["name", "n"]
    assert first.split() == ["a", "1"]
    assert second.split() == ["b"]


def test_names_are_no_markup(capsys):
    print_rows([{"name": "[red]x[/red] [/]"}], as_json=False)
    assert "[red]x[/red] [/]" in capsys.readouterr().out


def test_rows_as_json_come_back(capsys):
    rows = [{"name": "ü 🙂", "n": None}]
    print_rows(rows, as_json=True)
    assert json.loads(capsys.readouterr().out) == rows


def test_json_never_holds_what_json_does_not_know():
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_json({"value": float("nan")})


def test_without_a_terminal_nothing_is_drawn(capsys):
    with progress_bars() as progress:
        for done in range(3):
            progress("work", done, 3)
    assert capsys.readouterr() == ("", "")


def terminal_of(monkeypatch):
    """A terminal on stderr, and shorter patience; what it was sent can be read."""
    written = io.StringIO()
    written.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(terminal, "PATIENCE_SECONDS", 0.2)
    return written


def test_only_what_takes_long_gets_a_bar(monkeypatch):
    screen = terminal_of(monkeypatch)
    with progress_bars() as progress:
        for done in range(4):
            progress("brief work", done, 3)
        progress("long [bold]work", 0, 2)
        time.sleep(0.25)
        progress("long [bold]work", 1, 2)
    assert "brief" not in screen.getvalue()
    assert re.search(r"long \[bold\]work.*1/2", screen.getvalue())


def test_a_bar_appears_also_while_nothing_is_told(monkeypatch):
    """As when a model is loaded, or a checkpoint read, for minutes."""
    screen = terminal_of(monkeypatch)
    with progress_bars() as progress:
        progress("load", 0, 1)
        time.sleep(0.6)
        assert "load" in screen.getvalue()
