"""What commands print: plain tables, strict JSON, bars for what takes long."""

import io
import json

import pytest
from rich.console import Console
from rich.progress import Progress

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


@pytest.mark.parametrize(("patience", "drawn"), [(0.0, ["work [bold]"]), (60.0, [])])
def test_only_what_takes_long_gets_a_bar(monkeypatch, patience, drawn):
    monkeypatch.setattr(terminal, "PATIENCE_SECONDS", patience)
    bars = Progress(console=Console(file=io.StringIO()), auto_refresh=False)
    progress = terminal._Drawn(bars)
    for done in range(4):
        progress("work [bold]", done, 3)
    assert [task.description for task in bars.tasks] == drawn
    assert all((task.completed, task.total) == (3, 3) for task in bars.tasks)
