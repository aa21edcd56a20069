"""What training_args.bin says, read without running any of it.

The file is a pickle inside a zip archive, and unpickling one runs whatever code its
author likes. Here its opcodes are only listed, and the values put together of which
they tell; classes and functions remain names.
"""

from __future__ import annotations

import pickletools
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.types import Json

MOST_BYTES = 1_000_000
"""Of the pickle; that of TrainingArguments has some thousand."""
MOST_ENTRIES = 1_000
"""Files in the archive."""
LONGEST = 200
"""Letters kept of a setting."""


@dataclass(slots=True)
class Named:
    """A class, or an object of one, that was never made."""

    name: str
    """Module and class, as the pickle has them."""
    given: Any = None
    """What its maker would be called with."""
    state: Any = None


def read_training_args(path: Path) -> dict[str, Json]:
    """The settings in a `training_args.bin`, and `trainer`, the name of their class.

    Numbers, truth values and texts are kept, enumerations as their values, and lists
    of such as text.

    Raises:
        InputError: it is not such a file, is damaged or too large.
    """
    root = _Reader().read(_pickle_in(path), path)
    if not isinstance(root, Named) or not isinstance(root.state, dict):
        raise InputError("it holds no training arguments", file=path)
    values = {
        name: plain
        for name, value in root.state.items()
        if (plain := _plain(value)) is not None
    }
    return {**values, "trainer": root.name.split()[-1][:LONGEST]}


def _pickle_in(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()[:MOST_ENTRIES]
            found = [one for one in entries if one.filename.endswith("data.pkl")]
            if not found:
                raise InputError("no archive that torch.save made", file=path)
            with archive.open(found[0]) as member:
                content = member.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error
    except (
        *(zipfile.BadZipFile, zlib.error, EOFError),
        *(NotImplementedError, RuntimeError, ValueError),
    ) as error:
        raise InputError("no archive that torch.save made", file=path) from error
    if len(content) > MOST_BYTES:
        raise InputError(f"larger than {MOST_BYTES // 10**6} MB", file=path)
    return content


def _plain(value: Any) -> Json:
    """A number, truth value or text; None for anything else."""
    if isinstance(value, Named) and isinstance(value.given, tuple):
        value = value.given[0] if len(value.given) == 1 else None
    if isinstance(value, list):
        words = [one for one in value if isinstance(one, str)]
        value = ", ".join(words) if words else None
    if isinstance(value, str):
        return value[:LONGEST]
    if isinstance(value, int):  # truth values, too
        return value if abs(value) < 2**63 else None
    return value if isinstance(value, float) else None


class _Reader:
    """Follows a pickle's opcodes on a stack of plain values."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def read(self, content: bytes, path: Path) -> Any:
        """What the pickle stands for."""
        try:
            for opcode, given, _ in pickletools.genops(content):
                self._follow(opcode, given)
            return self._stack.pop()
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise InputError("its pickle is damaged", file=path) from error

    def _follow(self, opcode: pickletools.OpcodeInfo, given: Any) -> None:
        step = STEPS.get(opcode.name)
        if step is not None:
            step(self, given)
        elif opcode.name in CONSTANTS:
            self._stack.append(CONSTANTS[opcode.name])
        elif opcode.arg is not None and opcode.stack_after and not opcode.stack_before:
            self._stack.append(given)
        elif opcode.stack_after or opcode.stack_before:
            raise ValueError(opcode.name)

    def to_mark(self) -> list[Any]:
        """What lies above the last mark, taken from the stack."""
        start = self._marks.pop()
        taken = self._stack[start:]
        del self._stack[start:]
        return taken

    def pop(self) -> Any:
        """The topmost value."""
        return self._stack.pop()

    def push(self, value: Any) -> None:
        """Put a value on top."""
        self._stack.append(value)

    def mark(self) -> None:
        """Remember how high the stack is."""
        self._marks.append(len(self._stack))

    def keep(self, place: int | None) -> None:
        """Remember the topmost value."""
        self._memo[len(self._memo) if place is None else place] = self._stack[-1]

    def recall(self, place: int) -> None:
        """Put a remembered value on top."""
        self._stack.append(self._memo[place])

    def fill(self, pairs: list[Any]) -> None:
        """Keys and values by turns into the topmost dictionary."""
        target = self._stack[-1]
        if isinstance(target, dict):
            for key, value in zip(pairs[::2], pairs[1::2], strict=True):
                if isinstance(key, str):
                    target[key] = value

    def extend(self, values: list[Any]) -> None:
        """Values into the topmost list; other collections are not looked into."""
        if isinstance(self._stack[-1], list):
            self._stack[-1].extend(values)

    def name(self, module: Any, name: Any) -> None:
        """A class or function, of which only the name is kept."""
        self._stack.append(Named(f"{module} {name}"))

    def make(self, given: Any) -> None:
        """An object of the topmost class, which is not made."""
        of = self._stack.pop()
        called = of.name if isinstance(of, Named) else "unknown"
        self._stack.append(Named(called, given))

    def build(self, state: Any) -> None:
        """Give the topmost object its state."""
        if isinstance(self._stack[-1], Named):
            self._stack[-1].state = state


def _name_of_two(reader: _Reader, _: Any) -> None:
    name, module = reader.pop(), reader.pop()
    reader.name(module, name)


def _make_with_names(reader: _Reader, _: Any) -> None:
    reader.pop()
    reader.make(reader.pop())


def _object(reader: _Reader, _: Any) -> None:
    first, *given = reader.to_mark()
    reader.push(first)
    reader.make(tuple(given))


def _tuple(size: int) -> Callable[[_Reader, Any], None]:
    def step(reader: _Reader, _: Any) -> None:
        reader.push(tuple([reader.pop() for _ in range(size)][::-1]))

    return step


def _dictionary(reader: _Reader, _: Any) -> None:
    pairs = reader.to_mark()
    reader.push({})
    reader.fill(pairs)


def _add_pair(reader: _Reader, _: Any) -> None:
    value, key = reader.pop(), reader.pop()
    reader.fill([key, value])


CONSTANTS: Mapping[str, Any] = {
    "NONE": None,
    "NEWTRUE": True,
    "NEWFALSE": False,
    "EMPTY_TUPLE": (),
}
STEPS: Mapping[str, Callable[[_Reader, Any], None]] = {
    "MARK": lambda reader, _: reader.mark(),
    "POP": lambda reader, _: reader.pop() and None,
    "POP_MARK": lambda reader, _: reader.to_mark().clear(),
    "EMPTY_DICT": lambda reader, _: reader.push({}),
    "EMPTY_LIST": lambda reader, _: reader.push([]),
    "EMPTY_SET": lambda reader, _: reader.push(set()),
    "FROZENSET": lambda reader, _: reader.push(frozenset(reader.to_mark()[:0])),
    "TUPLE": lambda reader, _: reader.push(tuple(reader.to_mark())),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "LIST": lambda reader, _: reader.push(reader.to_mark()),
    "DICT": _dictionary,
    "APPEND": lambda reader, _: reader.extend([reader.pop()]),
    "APPENDS": lambda reader, _: reader.extend(reader.to_mark()),
    "ADDITEMS": lambda reader, _: reader.to_mark().clear(),
    "SETITEM": _add_pair,
    "SETITEMS": lambda reader, _: reader.fill(reader.to_mark()),
    "GLOBAL": lambda reader, given: reader.push(Named(given)),
    "STACK_GLOBAL": _name_of_two,
    "REDUCE": lambda reader, _: reader.make(reader.pop()),
    "NEWOBJ": lambda reader, _: reader.make(reader.pop()),
    "NEWOBJ_EX": _make_with_names,
    "OBJ": _object,
    "BUILD": lambda reader, _: reader.build(reader.pop()),
    "BINPERSID": lambda reader, _: reader.push(Named(str(type(reader.pop())))),
    "STOP": lambda _, __: None,
    "PUT": lambda reader, given: reader.keep(given),
    "BINPUT": lambda reader, given: reader.keep(given),
    "LONG_BINPUT": lambda reader, given: reader.keep(given),
    "MEMOIZE": lambda reader, _: reader.keep(None),
    "GET": lambda reader, given: reader.recall(given),
    "BINGET": lambda reader, given: reader.recall(given),
    "LONG_BINGET": lambda reader, given: reader.recall(given),
}
"""What each opcode does to the stack; constants with an argument are put on it, and
any other opcode makes the pickle one that is not read."""
