"""The forms that files of outputs come in, known by what they hold."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from harness.data import kind_of, read_json, read_rows
from harness.errors import InputError, UsageError, shown
from harness.importing.inspect_log import inspect_source
from harness.importing.lm_eval import MARKS, lm_eval_source
from harness.importing.rows import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.data import Row
    from harness.types import Json

FLAT_COLUMNS = frozenset(("item", "system", "output"))


class Form(StrEnum):
    """What made a file of outputs."""

    FLAT = "flat"
    LM_EVAL = "lm-eval"
    INSPECT = "inspect"


def read_source(file: Path, form: str | None, system: str | None) -> Source:
    """The outputs of a file, whichever form it has.

    Args:
        file: JSONL, CSV, Parquet or JSON, also gzipped.
        form: what made it; by default it is told by its contents.
        system: name of the system whose outputs it holds; needed where the file does
            not say, and wins over what it says, save in rows of the flat form.

    Raises:
        InputError: it has none of these forms, or not the one that was named.
        UsageError: there is no such form.
    """
    if form not in {None, *Form}:
        raise UsageError(f"There is no form '{form}'; there is: {', '.join(Form)}.")
    if kind_of(file) == ".eval":
        raise InputError(
            "Inspect's packed logs cannot be read; write this one as JSON with: "
            f"inspect log dump {file.name} > {file.stem}.json",
            file=file,
        )
    if kind_of(file) == ".json":
        return inspect_source(file, _log(file, form), system)
    if form == Form.INSPECT:
        raise InputError("an Inspect log in JSON is a .json file", file=file)
    if (form or _form_of_rows(file)) == Form.LM_EVAL:
        return lm_eval_source(file, system)
    return Source(_named(file, system))


def _log(file: Path, form: str | None) -> dict[str, Json]:
    log = read_json(file)
    if form in {None, Form.INSPECT} and isinstance(log, dict) and "eval" in log:
        return log
    seen = f"keys {', '.join(log)}" if isinstance(log, dict) else shown(log)
    raise InputError(
        f"a .json file must be an Inspect log, with 'eval' and 'samples', but this one "
        f"holds {seen[:200]}; other outputs belong into JSONL, CSV or Parquet",
        file=file,
    )


def _form_of_rows(file: Path) -> Form:
    row = next(read_rows(str(file.resolve()), Path()))
    if row.values.keys() >= MARKS:
        return Form.LM_EVAL
    if row.values.keys() & FLAT_COLUMNS:
        return Form.FLAT
    raise row.error(
        "it has neither the columns of the flat form (item, system, output) nor those "
        "of lm-evaluation-harness (doc_id, arguments, resps), but: "
        + ", ".join(row.values)
    )


def _named(file: Path, system: str | None) -> Iterator[Row]:
    """Rows of the flat form, each with its system."""
    for row in read_rows(str(file.resolve()), Path()):
        if system is None:
            yield row
        elif row.values.get("system"):
            raise row.error("the row names its system itself; leave --system out")
        else:
            yield replace(row, values={**row.values, "system": system})
