"""Rows of a training file as they are, broken ones included.

`harness.data` reads what a task names and stops at the first fault; here the faults
are what is looked for.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from harness.data import kind_of
from harness.errors import InputError, MissingData, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from harness.types import Json

    Source = Path | Sequence[Mapping[str, Json]]

Kind = Literal["jsonl", "json", "csv", "tsv", "parquet", "text", "memory"]

LONGEST_LINE = 64 * 2**20
"""Bytes; no example is so long, and a line must fit into memory several times."""

LARGEST_JSON = 2**30
"""Bytes of a JSON array, which is read whole."""

LINES = {".jsonl", ".ndjson"}
DEEPEST = 50
"""Lists and objects within each other; no example needs so many."""
TOO_DEEP = "JSON nested too deeply"
PLAIN = {".txt", ".text", ".md"}


@dataclass(frozen=True, slots=True)
class Raw:
    """A row before anything is made of it."""

    line: int
    """Line in the file, or number of the row, from 1."""
    values: Mapping[str, Json] | None
    """None where the row cannot be read."""
    problem: str = ""
    """What is wrong with it, without the place; empty where nothing is."""


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What kind of file it is, told by its first bytes and its name."""

    kind: Kind
    name: str
    """As messages name it."""
    encoding: str = "utf-8"
    bom: bool = False
    """Whether it begins with a byte-order mark."""

    def where(self, line: int) -> str:
        """How a row is named in examples."""
        if self.kind == "memory":
            return f"row {line}"
        by_line = self.kind in {"jsonl", "csv", "tsv", "text"}
        return f"{self.name}:{line}" if by_line else f"{self.name}, row {line}"


def sniff(source: Source) -> Sniffed:
    """Find out what a source is.

    Raises:
        MissingData: there is no such file.
        InputError: it is empty, binary, a pickle, or of no known kind.
    """
    if not isinstance(source, Path):
        return Sniffed("memory", "rows")
    with plain_errors(source):
        if source.is_dir():
            raise InputError("it is a folder; name a file in it", file=source)
        if not source.exists():
            raise MissingData("no such file", file=source)
        if not source.is_file():
            # A pipe would be waited for, and can be read only once.
            raise InputError("it is no plain file, but a pipe or device", file=source)
        with opened(source) as file:
            head = file.read(4096)
    if not head.strip():
        raise InputError("it is empty; there is no row to check", file=source)
    encoding = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}.get(head[:2], "utf-8")
    bom = encoding != "utf-8" or head.startswith(b"\xef\xbb\xbf")
    if encoding == "utf-8" and not head.startswith(b"PAR1"):
        _refuse_binary(head, source)
    text = head.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    return Sniffed(_kind(head, text, source), str(source), encoding, bom)


def _refuse_binary(head: bytes, file: Path) -> None:
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
        raise InputError(
            "it is a pickle, which could run code and is never read; save the rows as "
            "JSONL",
            file=file,
        )
    if head.startswith(b"PK\x03\x04"):
        raise InputError("it is a zip archive; unpack it first", file=file)
    if b"\0" in head:
        raise InputError("it is binary, no text with rows", file=file)


def _kind(head: bytes, text: str, file: Path) -> Kind:
    suffix = kind_of(file)
    if head.startswith(b"PAR1"):
        return "parquet"
    if suffix in {".csv", ".tsv"}:
        return "csv" if suffix == ".csv" else "tsv"
    if suffix in LINES:
        return "json" if text.startswith("[") and "]" not in _first(text) else "jsonl"
    if text.startswith("["):
        return "json"
    if text.startswith("{"):
        first = _first(text).rstrip()
        whole = first.endswith("}") or len(first) == len(text.rstrip())
        return "jsonl" if whole else "json"
    if suffix in PLAIN:
        return "text"
    raise InputError(
        "unknown kind of file; it must be JSONL, JSON, CSV, TSV, Parquet or .txt",
        file=file,
    )


def _first(text: str) -> str:
    return text.split("\n", 1)[0]


def read(
    source: Source, sniffed: Sniffed, lines: Collection[int] | None = None
) -> Iterator[Raw]:
    """The rows of a source, in order.

    Args:
        source: what is read.
        sniffed: what kind of source it is.
        lines: if given, other rows may be left out.

    Raises:
        InputError: the file as a whole cannot be read, or a line is beyond reason.
    """
    if not isinstance(source, Path):
        yield from _objects(source)
        return
    with plain_errors(source):
        if sniffed.kind == "parquet":
            yield from _parquet(source)
        elif sniffed.kind == "json":
            yield from _objects(_array(source, sniffed))
        elif sniffed.kind == "jsonl":
            yield from _json_lines(source, sniffed, lines)
        elif sniffed.kind == "text":
            for line, text, problem in lines_of(source, sniffed):
                if text.strip():
                    yield Raw(line, {"text": text.rstrip("\r\n")}, problem)
        else:
            yield from _table(source, sniffed)


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """Errors of reading as ours, in one line that names the file."""
    try:
        yield
    except (OSError, EOFError, zlib.error, UnicodeError) as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"cannot be read: {told}", file=path) from error


def opened(path: Path) -> IO[bytes] | gzip.GzipFile:
    """The file's bytes, unpacked where it is gzipped."""
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rb")
    return path.open("rb")


def lines_of(path: Path, sniffed: Sniffed) -> Iterator[tuple[int, str, str]]:
    """Number, text and problem of each line; what is not UTF-8 is read as cp1252."""
    with opened(path) as file:
        if sniffed.encoding == "utf-16":
            wide = io.TextIOWrapper(file, encoding="utf-16", newline="")
            for number, text in enumerate(wide, start=1):
                yield number, text, "not UTF-8 but UTF-16"
            return
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise InputError(
                    f"the line is longer than {LONGEST_LINE // 2**20} MiB",
                    file=path,
                    line=number,
                )
            if number == 1 and sniffed.bom:
                line = line.removeprefix(b"\xef\xbb\xbf")
            try:
                yield number, line.decode(), ""
            except UnicodeDecodeError:
                yield number, line.decode("cp1252", "replace"), "not UTF-8"


def _json_lines(
    path: Path, sniffed: Sniffed, lines: Collection[int] | None
) -> Iterator[Raw]:
    for number, line, wrong in lines_of(path, sniffed):
        if not line.strip() or (lines is not None and number not in lines):
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield Raw(number, None, _no_json(error))
            continue
        yield _checked(number, values, wrong)


def _no_json(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return TOO_DEEP
    return f"not valid JSON: {' '.join(str(error).split())[:100]}"


def _checked(number: int, values: Json, problem: str = "") -> Raw:
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        return Raw(number, None, f"no object with named values but {shown(values)}")
    if _is_deep(values):
        return Raw(number, None, TOO_DEEP)
    return Raw(number, values, problem)


def _is_deep(value: Json) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _objects(rows: Iterable[Json]) -> Iterator[Raw]:
    for number, values in enumerate(rows, start=1):
        yield _checked(number, values)


def _array(path: Path, sniffed: Sniffed) -> Sequence[Json]:
    with opened(path) as file:
        data = file.read(LARGEST_JSON + 1)
    if len(data) > LARGEST_JSON:
        raise InputError(
            f"a JSON array above {LARGEST_JSON // 2**20} MiB is not read; write JSONL, "
            "one object a line",
            file=path,
        )
    try:
        values = json.loads(data.decode(f"{sniffed.encoding}".replace("8", "8-sig")))
    except json.JSONDecodeError as error:
        raise InputError(
            f"not valid JSON: {error.msg}", file=path, line=error.lineno
        ) from error
    except RecursionError as error:
        raise InputError("its JSON is nested too deeply", file=path) from error
    if isinstance(values, dict):
        lists = [inner for inner in values.values() if isinstance(inner, list)]
        values = lists[0] if len(lists) == 1 else [values]
    return values if isinstance(values, list) else [values]


def _table(path: Path, sniffed: Sniffed) -> Iterator[Raw]:
    bad: list[str] = []

    def texts() -> Iterator[str]:
        for _, text, problem in lines_of(path, sniffed):
            if problem:
                bad.append(problem)
            yield text

    # Strictly, since a quote that nothing closes would swallow the rows after it.
    delimiter = "," if sniffed.kind == "csv" else "\t"
    reader = csv.reader(texts(), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    rows = chain.from_iterable(iter(lambda: _next_cells(reader), None))
    for cells, problem in rows:
        wrong = problem or (bad[0] if bad else "")
        bad.clear()
        if problem:
            yield Raw(reader.line_num, None, wrong)
        elif header is None:
            header = cells
        elif len(cells) != len(header):
            told = f"{len(cells)} cells under a header of {len(header)}"
            yield Raw(reader.line_num, None, told)
        else:
            yield Raw(reader.line_num, dict(zip(header, cells, strict=True)), wrong)


def _next_cells(reader: Iterator[list[str]]) -> list[tuple[list[str], str]] | None:
    """The next row with its problem, nothing for an empty line, None at the end."""
    try:
        cells = next(reader)
    except StopIteration:
        return None
    except csv.Error as error:
        return [([], f"not valid CSV: {error}")]
    return [(cells, "")] if cells else []


def _parquet(path: Path) -> Iterator[Raw]:
    import pyarrow
    import pyarrow.parquet

    number = 0
    try:
        for batch in pyarrow.parquet.ParquetFile(path).iter_batches(4096):
            for values in batch.to_pylist():
                number += 1
                yield _checked(number, values)
    except pyarrow.ArrowException as error:
        told = " ".join(str(error).split())
        raise InputError(f"not a Parquet file: {told}", file=path) from error
