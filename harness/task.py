"""A task file: what to ask, what is right, which metrics, how people rate."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.resources import files
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import StrictUndefined, TemplateError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from harness.data import Row, read_rows
from harness.errors import FAILURES, InputError, NotFound, shown
from harness.identity import content_hash
from harness.taskfile import TaskFile, check
from harness.types import Generation, Item
from harness.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.types import Json
    from harness.yamlfile import KeyPath


@dataclass(frozen=True, slots=True)
class Task:
    """A task file as read, and where it stands."""

    file: TaskFile
    """Its keys."""
    path: Path
    """Where it was read from; its folder is what relative paths start from."""
    text: str
    """Its text, kept in the study."""
    lines: Mapping[KeyPath, int] = field(default_factory=dict, compare=False)
    """The line of each key path, for messages."""

    @property
    def name(self) -> str:
        """Name of the task."""
        return self.file.name

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return self.path.parent

    @property
    def generation(self) -> Generation | None:
        """How outputs are drawn; None where the task has none."""
        settings = self.file.generation
        return None if settings == "none" else settings.frozen()

    def error(self, problem: str, *key: str | int) -> InputError:
        """An error that names the file and the line of a key."""
        return InputError(problem, file=self.path, line=self.lines.get(key))


def load_task(path: Path) -> Task:
    """The task in a YAML file.

    Raises:
        InputError: names file, line and key, what was expected, the nearest key.
    """
    values, lines = read_yaml(path)
    text = path.read_text(encoding="utf-8-sig")
    return Task(check(values, path, lines), path, text, lines)


def load_tasks(name: str) -> list[Task]:
    """The tasks of a suite, or the one task, given by path or bundled name.

    A suite is a YAML list of tasks; a folder stands for the `task.yaml` in it.

    Raises:
        NotFound: no such file and no bundled task of that name.
        InputError: the file is not as it must be.
    """
    path = find_suite(name)
    values, lines = read_yaml(path)
    if not isinstance(values, list):
        return [load_task(path)]
    if not values:
        raise InputError("the suite names no task", file=path)
    tasks = []
    for number, entry in enumerate(values):
        if not isinstance(entry, str):
            raise InputError(
                "each entry of a suite must be a path or a task's name",
                file=path,
                line=lines.get((number,)),
            )
        tasks.append(load_task(_in_suite(entry, path, lines.get((number,)))))
    for number, task in enumerate(tasks):
        if task.name in [other.name for other in tasks[:number]]:
            raise InputError(
                f"two tasks are named '{task.name}'",
                file=path,
                line=lines.get((number,)),
            )
    return tasks


def find_suite(name: str) -> Path:
    """The file that a suite's or task's path or bundled name stands for.

    Raises:
        NotFound: there is none; the nearest name is suggested.
    """
    with suppress(OSError, RuntimeError):  # no such user, too long a name
        path = Path(name).expanduser()
        if path.is_dir() and (path / "task.yaml").is_file():
            return path / "task.yaml"
        if path.is_file():
            return path
    bundled = bundled_tasks()
    if name in bundled:
        return bundled[name]
    raise NotFound("task or suite", name, bundled)


def suite_name(path: Path) -> str:
    """What a suite is called: its file's name, or its folder's for `task.yaml`."""
    return path.resolve().parent.name if path.name == "task.yaml" else path.stem


def bundled_tasks() -> dict[str, Path]:
    """Name to file of the tasks and suites that come with Tandem."""
    package = Path(str(files("harness")))
    folder = package / "tasks"
    if not folder.is_dir():
        folder = package.parent / "tasks"
    found = {path.parent.name: path for path in sorted(folder.glob("*/task.yaml"))}
    found |= {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    return found


def load_items(task: Task) -> list[Item]:
    """The task's items, prompts rendered.

    Raises:
        InputError: a row lacks a column, renders to an empty prompt, or has the
            key of another row; names file and line.
    """
    template = _Template(task)
    items: list[Item] = []
    seen: dict[str, Row] = {}
    equal_prompts: Counter[str] = Counter()
    for row in read_rows(task.file.data, task.folder):
        prompt, messages = template.render(row)
        key = _own_key(row)
        if key is None:
            equal_prompts[prompt] += 1
            key = f"#{equal_prompts[prompt]}"
        elif key in seen:
            first = seen[key]
            raise row.error(
                f"item key '{key}' is already that of {first.file}:{first.line}; "
                "every row needs its own"
            )
        else:
            seen[key] = row
        items.append(
            Item(
                id=content_hash(task.name, key, prompt, *messages),
                task=task.name,
                key=key,
                prompt=prompt,
                references=_references(task, row),
                messages=messages,
                meta=row.values,
            )
        )
    return items


def _own_key(row: Row) -> str | None:
    for column in ("item", "id"):
        value = row.values.get(column)
        # Tables keep whole numbers as floats where some are missing.
        value = int(value) if isinstance(value, float) and value.is_integer() else value
        if isinstance(value, str | int) and str(value).strip():
            return str(value)
    return None


def _references(task: Task, row: Row) -> tuple[str, ...]:
    found: list[str] = []
    for column in task.file.references:
        if column not in row.values:
            raise row.error(
                f"it has no column '{column}', which the task's references name; "
                f"there is: {', '.join(row.values)}"
            )
        value = row.values[column]
        for text in value if isinstance(value, list) else [value]:
            # Tables write a missing text as None, as NaN or as nothing.
            if text is None or text == "" or _is_nan(text):
                continue
            if isinstance(text, bool) or not isinstance(text, str | int | float):
                raise row.error(
                    f"column '{column}' must hold a text or a list of texts, "
                    f"but it holds {shown(text)}"
                )
            found.append(str(text))
    return tuple(found)


class _Template:
    """The task's prompt, compiled once."""

    def __init__(self, task: Task) -> None:
        self._task = task
        environment = SandboxedEnvironment(
            undefined=StrictUndefined,
            finalize=_not_null,
            keep_trailing_newline=True,
            autoescape=False,
        )
        sources: dict[tuple[str | int, ...], str] = {
            ("messages", number, "content"): message.content
            for number, message in enumerate(task.file.messages or ())
        }
        if task.file.prompt is not None:
            sources = {("prompt",): task.file.prompt}
        self._templates = []
        for key, text in sources.items():
            try:
                self._templates.append(environment.from_string(text))
            except (TemplateError, *FAILURES) as error:
                raise task.error(
                    f"the prompt is no valid Jinja2 template: {error}", *key
                ) from error

    def render(self, row: Row) -> tuple[str, tuple[dict[str, str], ...]]:
        """The prompt as text, and its turns if it is a chat."""
        try:
            known = {name: _or_null(value) for name, value in row.values.items()}
            texts = [template.render(known) for template in self._templates]
        except (TemplateError, *FAILURES) as error:
            why = str(error) or type(error).__name__
            raise row.error(
                f"the prompt template fails on this row: {why}; "
                f"its columns are: {', '.join(row.values)}"
            ) from error
        # Of a chat, what is to be answered; a system's turn alone asks nothing.
        if not texts[-1].strip():
            raise row.error("its prompt is empty")
        if self._task.file.messages is None:
            return texts[0], ()
        turns = tuple(
            {"role": message.role, "content": text}
            for message, text in zip(self._task.file.messages, texts, strict=True)
        )
        return "\n".join(f"{turn['role']}: {turn['content']}" for turn in turns), turns


def _is_nan(value: Json) -> bool:
    return isinstance(value, float) and isnan(value)


def _or_null(value: Json) -> Json:
    # Tables write a missing value as NaN, too.
    return None if _is_nan(value) else value


def _not_null(value: Json) -> Json:
    # Jinja would write the word None, which no model was trained on.
    if value is None:
        raise UndefinedError("a value is null; if it may be, write {{ column or '' }}")
    return value


def _in_suite(entry: str, suite: Path, line: int | None) -> Path:
    path = suite.parent / entry
    if path.is_dir():
        path /= "task.yaml"
    if path.is_file():
        return path
    bundled = bundled_tasks()
    if entry in bundled:
        return bundled[entry]
    raise InputError(
        f"there is no task file {entry}; "
        + str(NotFound("bundled task", entry, bundled)),
        file=suite,
        line=line,
    )
