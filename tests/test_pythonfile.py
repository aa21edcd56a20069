"""Python files of users: loaded, and looked through for a class."""

import os
import py_compile
from collections.abc import Sized

import pytest

from harness.errors import InputError, MissingData
from harness.pythonfile import classes_in, load_module


def test_a_file_becomes_a_module_that_dataclasses_can_look_up(tmp_path):
    file = tmp_path / "one.py"
    file.write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "@dataclass\n"
        "class Point:\n"
        "    x: float = 1.5\n"
    )
    assert load_module(file).Point().x == 1.5


def test_it_is_loaded_anew_each_time(tmp_path):
    file = tmp_path / "one.py"
    for number in (1, 2):
        file.write_text(f"number = {number}")
        # Bytecode is taken for the file's if time and size are the same.
        os.utime(file, (1, 1))
        if number == 1:
            py_compile.compile(str(file))
        assert load_module(file).number == number


def test_files_of_one_name_in_two_folders_are_two_modules(tmp_path):
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.py").write_text("")
    names = {load_module(tmp_path / n / "same.py").__name__ for n in ("one", "other")}
    assert len(names) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1 / 0", "cannot be loaded: ZeroDivisionError: division by zero"),
        ("import sys; sys.exit(3)", "cannot be loaded: SystemExit: 3"),
        ("def (", "cannot be loaded: SyntaxError"),
        ("raise ValueError('two\\nlines')", "cannot be loaded: ValueError: two lines"),
    ],
)
def test_a_file_that_fails_is_named_with_what_it_raised(tmp_path, text, message):
    file = tmp_path / "broken.py"
    file.write_text(text)
    with pytest.raises(InputError, match=rf"broken\.py: {message}"):
        load_module(file)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MissingData, match=r"none\.py: no such Python file"):
        load_module(tmp_path / "none.py")


def test_classes_are_those_that_the_file_defines_and_that_can_be_made(tmp_path):
    file = tmp_path / "classes.py"
    file.write_text(
        "from collections.abc import Mapping, Sized\n"
        "class Mine(Sized):\n"
        "    def __len__(self): return 0\n"
        "class Unfinished(Sized): pass\n"
        "class Other: pass\n"
        "number = 3\n"
    )
    assert [found.__name__ for found in classes_in(load_module(file), Sized)] == [
        "Mine"
    ]
