"""Rows of a data file, from any of the forms that people keep them in."""

from __future__ import annotations

import csv
import gzip
import json
import math
import zlib
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from harness.errors import FAILURES, InputError, MissingData, shown
from harness.pythonfile import load_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pyarrow.parquet import ParquetFile

    from harness.types import Json

FORMATS = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of data and where it stands."""

    values: dict[str, Json]
    """Column name to value; an empty CSV cell is an empty string."""
    file: str
    """File or source that it was read from."""
    line: int
    """Line in that file, or number of the row, from 1; 0 where `file` says it all."""

    @property
    def place(self) -> str:
        """File and line as messages name them."""
        return f"{self.file}:{self.line}" if self.line else self.file

    def error(self, problem: str) -> InputError:
        """An error that names this row."""
        return InputError(problem, file=self.place)


def read_rows(source: str, base: Path) -> Iterator[Row]:
    """The rows of a source, each half of a surrogate pair in them made U+FFFD.

    Args:
        source: a `.jsonl`, `.csv`, `.tsv` or `.parquet` file (also `.gz`), a glob of
            them, `python:file.py:function`, or a Hugging Face data set as
            `hf:name[:configuration]:split`.
        base: folder that relative paths start from.

    Raises:
        InputError: the source is missing, empty or malformed; names file and line.
    """
    place = source
    if source.startswith("python:"):
        rows = _python_rows(source, base)
    elif source.startswith("hf:"):
        rows = _hub_rows(source)
    else:
        rows = (row for path in _paths(source, base) for row in _file_rows(path))
        place = str(base / source)
    empty = True
    for row in rows:
        empty = False
        yield row
    if empty:
        raise InputError("there is no row in it; add at least one", file=place)


def read_json(path: Path) -> Json:
    """The one value that a `.json` file (also `.gz`) holds, read whole.

    Raises:
        InputError: it cannot be read, or is not JSON; names file and line.
    """
    with _plain_errors(path), _open(path) as file:
        text = file.read()
        try:
            values = json.loads(text)
            return _whole(values) if "\\ud" in text.lower() else values
        except json.JSONDecodeError as error:
            raise InputError(
                f"not valid JSON: {error.msg}", file=path, line=error.lineno
            ) from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"not valid JSON: {error}", file=path) from error


def load_function(file: Path, name: str) -> Callable[..., Json]:
    """A function of a Python file that a task names.

    Raises:
        InputError: no such file, it fails to load, or it has no such function.
    """
    function = getattr(load_module(file), name, None)
    if not callable(function):
        raise InputError(f"it has no function '{name}'", file=file)
    return function  # type: ignore[no-any-return]


def _python_rows(source: str, base: Path) -> Iterator[Row]:
    _, file, function = (*source.split(":", 2), "", "")[:3]
    if not file or not function:
        raise InputError(f"'{source}' must read python:file.py:function")
    path = base / file
    place = f"{path}:{function}"
    make = load_function(path, function)
    try:
        yield from _checked(make(), place)
    except FAILURES as error:
        raise InputError(f"it fails: {_quoted(error)}", file=place) from error


def _hub_rows(source: str) -> Iterator[Row]:
    parts = source.removeprefix("hf:").split(":")
    if len(parts) not in {2, 3} or not all(parts):
        raise InputError(f"'{source}' must read hf:name[:configuration]:split")
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError

    name, *configuration, split = parts
    try:
        rows = load_dataset(name, *configuration, split=split)
    except (DatasetsError, *FAILURES) as error:
        raise MissingData(
            f"the data set cannot be loaded: {_quoted(error)}", file=source
        ) from error
    yield from _checked(rows, source)


def _quoted(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _checked(rows: Iterable[Json], file: str) -> Iterator[Row]:
    for number, values in enumerate(rows, start=1):
        if not isinstance(values, dict) or not all(isinstance(c, str) for c in values):
            raise InputError(
                f"a row must map column names to values, but it is {shown(values)}",
                file=file,
                line=number,
            )
        yield Row(_whole(values), file, number)


def whole_text(text: str) -> str:
    """The text with U+FFFD for every half of a surrogate pair.

    JSON may hold such halves, where a program cut an emoji in two, but no file, no
    database and no tokenizer takes them.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _whole(value: Json) -> Json:
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, dict):
        return {_whole(key): _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return value


def _paths(source: str, base: Path) -> list[Path]:
    path = base / source
    try:
        path = base / Path(source).expanduser()
        if path.is_dir():
            raise InputError(
                f"it is a folder; name its files, as in {source}/*.jsonl", file=path
            )
        if path.is_file():
            return [path]
        if any(sign in source for sign in "*?["):
            found = _matching(path)
            if found:
                return found
            raise MissingData("no file matches", file=path)
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"it names no file: {error}", file=f"{path}"[:200]) from error
    raise MissingData(
        "no such file (a Hugging Face data set is written hf:name:split)", file=path
    )


def _matching(pattern: Path) -> list[Path]:
    # Path.glob takes no absolute pattern.
    root = Path(pattern.anchor)
    found = root.glob(str(pattern.relative_to(root)))
    return sorted(path for path in found if path.is_file())


def _file_rows(path: Path) -> Iterator[Row]:
    kind = kind_of(path)
    with _plain_errors(path):
        if kind in {".jsonl", ".ndjson"}:
            yield from _json_lines(path)
        elif kind in {".csv", ".tsv"}:
            yield from _csv(path, "," if kind == ".csv" else "\t")
        elif kind == ".parquet":
            yield from _parquet(path)
        else:
            raise InputError(
                f"unknown kind of file; it must be one of {', '.join(FORMATS)}",
                file=path,
            )


def kind_of(path: Path) -> str:
    """How a data file's name ends, in small letters and without `.gz`."""
    suffixes = [s.lower() for s in path.suffixes if s.lower() != ".gz"]
    return suffixes[-1] if suffixes else ""


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text: {error.reason}", file=path) from error
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot be read: {_quoted(error)}", file=path) from error


def _open(path: Path) -> IO[str]:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _json_lines(path: Path) -> Iterator[Row]:
    with _open(path) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                values = json.loads(line)
                # Only an escape can bring half of a surrogate pair.
                values = _whole(values) if "\\ud" in line.lower() else values
            except (ValueError, RecursionError) as error:
                raise InputError(
                    f"not valid JSON: {error}", file=path, line=number
                ) from error
            if not isinstance(values, dict):
                raise InputError("not a JSON object", file=path, line=number)
            yield Row(values, str(path), number)


def _csv(path: Path, delimiter: str) -> Iterator[Row]:
    with _open(path) as file:
        reader = csv.DictReader(file, delimiter=delimiter, strict=True)
        try:
            columns = Counter(reader.fieldnames or ())
            for column, count in columns.items():
                if count > 1:
                    raise InputError(
                        f"column '{column}' stands twice in the header",
                        file=path,
                        line=reader.line_num,
                    )
            for values in reader:
                row = Row(dict(values), str(path), reader.line_num)
                if None in values or None in values.values():
                    raise row.error("it has another number of cells than the header")
                yield row
        except csv.Error as error:
            hint = "; such long texts can stand in JSONL" * ("limit" in str(error))
            # The line that is being read; that of the dictionaries lags behind.
            line = reader.reader.line_num
            raise InputError(
                f"not valid CSV: {error}{hint}", file=path, line=line
            ) from error


def _parquet(path: Path) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(path)
        counts = _counts(table)
        number = 0
        for batch in table.iter_batches():
            for values in batch.to_pylist():
                number += 1
                for name in counts:
                    if not _is_missing(values[name]):
                        values[name] = int(values[name])
                yield Row(values, str(path), number)
    except pyarrow.ArrowException as error:
        raise InputError(f"not a Parquet file: {_quoted(error)}", file=path) from error


def _counts(table: ParquetFile) -> list[str]:
    """Columns of floats that are whole numbers, of which some are missing.

    Pandas makes floats of whole numbers where one is missing; as text they would read
    5.0 in prompts and references.
    """
    import pyarrow

    floats = [f.name for f in table.schema_arrow if pyarrow.types.is_floating(f.type)]
    read = table.read(floats)
    found = []
    for name, column in zip(read.column_names, read.columns, strict=True):
        values = column.to_pylist()
        known = [float(value) for value in values if not _is_missing(value)]
        if len(known) < len(values) and all(map(float.is_integer, known)):
            found.append(name)
    return found


def _is_missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


def text_of(row: Row, column: str) -> str:
    """A column's value as text.

    Raises:
        InputError: the row lacks the column, or it holds no text.
    """
    if column not in row.values:
        raise row.error(
            f"it has no column '{column}'; there is: {', '.join(row.values)}"
        )
    value = row.values[column]
    if isinstance(value, bool | dict | list) or value is None:
        raise row.error(f"column '{column}' must hold text, but it is {shown(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise row.error(f"column '{column}' is {value}")
    return str(value)
