"""A YAML file as plain values, with the line of every key for error messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from harness.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from harness.types import Json

KeyPath = tuple[str | int, ...]
MOST_BYTES = 1_000_000
MOST_VALUES = 50_000
"""Values that a file may hold once its aliases are written out."""


def read_yaml(path: Path) -> tuple[Json, dict[KeyPath, int]]:
    """The file's values, and the line of each key path, from 1.

    Raises:
        InputError: it cannot be read, is not YAML, or has a key twice.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError("larger than 1 MB; put data into data files", file=path)
        text = path.read_text(encoding="utf-8-sig")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            raise InputError("the file is empty", file=path)
        lines: dict[KeyPath, int] = {}
        _find_lines(node, (), lines, path)
        return yaml.safe_load(text), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise InputError(
            f"not valid YAML: {error.problem}",
            file=path,
            line=mark.line + 1 if mark else None,
        ) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        problem = " ".join(str(error).split())
        raise InputError(f"not valid YAML: {problem}", file=path) from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error


def _find_lines(
    node: yaml.Node, at: KeyPath, lines: dict[KeyPath, int], path: Path
) -> None:
    # A few lines of aliases to aliases can stand for more than any memory holds.
    if len(lines) > MOST_VALUES:
        raise InputError(f"it holds more than {MOST_VALUES:,} values", file=path)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise InputError("a key must be a plain word", file=path, line=line)
            here = (*at, key.value)
            if here in lines:
                raise InputError(
                    f"key '{key.value}' stands twice, first in line {lines[here]}",
                    file=path,
                    line=line,
                )
            lines[here] = line
            _find_lines(value, here, lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            here = (*at, number)
            lines[here] = value.start_mark.line + 1
            _find_lines(value, here, lines, path)
