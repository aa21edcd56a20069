"""Samples that lm-evaluation-harness logs: `samples_TASK_TIME.jsonl`."""

from __future__ import annotations

import json
import re
from ast import literal_eval
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.data import Row, read_json, read_rows
from harness.errors import shown
from harness.importing.rows import Source, chat_text, ever_known, value_of

if TYPE_CHECKING:
    from harness.types import Json

MARKS = frozenset(("doc_id", "arguments", "resps"))
"""Columns by which such a file is known."""
FILE = re.compile(r"samples_(?P<task>.+)_(?P<time>\d{4}-\d\d-\d\dT[\d.-]+)\.jsonl")
OWN = frozenset(
    (
        *("doc_id", "doc", "target", "arguments", "resps", "filtered_resps"),
        *("filter", "metrics", "doc_hash", "prompt_hash", "target_hash"),
    )
)
"""Columns that are no metric; older files do not list their metrics."""


@dataclass(slots=True)
class _Document:
    """What all filters say of one document."""

    first: Row
    """Its first line, without what stands in it."""
    prompt: str
    references: list[str]
    outputs: list[str]
    filters: dict[str, int] = field(default_factory=dict)
    """Name of each filter to the line it was read from."""
    scores: dict[str, float | None] = field(default_factory=dict)


def lm_eval_source(file: Path, system: str | None) -> Source:
    """The outputs of a `--log_samples` file, each as the model gave it.

    An item is known by its `doc_id`. A metric is named as in the results: that of
    another filter than `none` as `METRIC,FILTER`. Of several repeats the first carries
    the values, which lm-evaluation-harness gives per document. The output of multiple
    choice is the likeliest choice, as `acc` counts it.

    Args:
        file: the samples; `results_TIME.json` is read if it stands beside them.
        system: name of the system; by default the model's name in the results, else
            the name of the file's folder.

    Raises:
        InputError: a line is not as it must be, or holds likelihoods and no output.
    """
    results, task = _results(file)
    system = system or _model(results) or file.resolve().parent.name
    documents: dict[str, _Document] = {}
    for row in read_rows(str(file.resolve()), Path()):
        _add(row, documents)
    scores = ever_known([document.scores for document in documents.values()])
    rows = [
        Row(
            {
                "item": key,
                "system": system,
                "output": output,
                "prompt": document.prompt,
                "references": document.references,
                "sample": sample,
                "scores": values if sample == 0 else {},
            },
            document.first.file,
            document.first.line,
        )
        for (key, document), values in zip(documents.items(), scores, strict=True)
        for sample, output in enumerate(document.outputs)
    ]
    lower = _lower_is_better(results, task)
    names = {name for values in scores for name in values}
    return Source(rows, frozenset(n for n in names if n.split(",")[0] in lower))


def _results(file: Path) -> tuple[dict[str, Json], str]:
    """What stands in the results beside the samples, and the task's name."""
    match = FILE.match(file.name)
    if match is None:
        return {}, ""
    for path in sorted(file.parent.glob(f"*_{match['time']}.json")):
        results = read_json(path)
        if isinstance(results, dict):
            return results, match["task"]
    return {}, match["task"]


def _model(results: dict[str, Json]) -> str | None:
    config = results.get("config")
    given = config.get("model_args") if isinstance(config, dict) else None
    given = given if isinstance(given, dict) else {}
    names = (results.get("model_name"), given.get("pretrained"), given.get("model"))
    return next((name for name in names if isinstance(name, str) and name), None)


def _lower_is_better(results: dict[str, Json], task: str) -> set[str]:
    directions = results.get("higher_is_better")
    own = directions.get(task) if isinstance(directions, dict) else None
    return {n for n, higher in own.items() if higher is False} if own else set()


def _add(row: Row, documents: dict[str, _Document]) -> None:
    key, filter_ = row.values.get("doc_id"), str(row.values.get("filter", "none"))
    if isinstance(key, bool) or not isinstance(key, int | str):
        raise row.error(f"'doc_id' must be a number, but it is {shown(key)}")
    key = str(key)
    read = _document(row)
    known = documents.setdefault(key, read)
    if filter_ in known.filters:
        raise row.error(
            f"document {key} stands twice with filter '{filter_}', first in line "
            f"{known.filters[filter_]}; a file must hold one run of one model"
        )
    if (known.prompt, known.outputs) != (read.prompt, read.outputs):
        raise row.error(
            f"document {key} has another prompt or response than in {known.first.place}"
        )
    known.filters[filter_] = row.line
    known.scores |= _scores(row, filter_)


def _document(row: Row) -> _Document:
    requests, responses = _requests(row), row.values.get("resps")
    if not isinstance(responses, list) or len(responses) != len(requests):
        raise row.error("'resps' must hold one list for each request of 'arguments'")
    prompt, wanted = requests[0]
    if isinstance(wanted, str):
        choices = [text for context, text in requests if context == prompt]
        return _chosen(row, prompt, [str(choice).strip() for choice in choices])
    # What bounds a generation is a mapping; rolling likelihoods have nothing there.
    if wanted is None or len(requests) > 1:
        raise _no_outputs(row)
    outputs = responses[0]
    if not isinstance(outputs, list) or not all(isinstance(o, str) for o in outputs):
        raise row.error(f"'resps' must hold texts, but it holds {shown(outputs)}")
    return _Document(
        replace(row, values={}), prompt, [str(one) for one in _targets(row)], outputs
    )


def _chosen(row: Row, prompt: str, choices: list[str]) -> _Document:
    if len(choices) < 2:  # noqa: PLR2004 - one alone is no choice
        raise _no_outputs(row)
    try:
        likelihoods = [float(one[0][0]) for one in row.values["resps"][: len(choices)]]
    except (LookupError, TypeError, ValueError) as error:
        raise row.error("'resps' must hold a likelihood for each choice") from error
    references = [
        choices[one] if isinstance(one, int) and 0 <= one < len(choices) else str(one)
        for one in _targets(row)
    ]
    best = max(range(len(choices)), key=likelihoods.__getitem__)
    return _Document(replace(row, values={}), prompt, references, [choices[best]])


def _no_outputs(row: Row) -> Exception:
    return row.error(
        "it holds likelihoods and no output; only samples of generate_until and of "
        "multiple_choice with one prompt for all choices can be imported"
    )


def _requests(row: Row) -> list[tuple[str, Json]]:
    """Prompt of each request, and what is asked of it."""
    arguments = row.values.get("arguments")
    found = arguments.values() if isinstance(arguments, dict) else arguments or ()
    requests: list[tuple[str, Json]] = []
    for one in found:
        values = list(one.values()) if isinstance(one, dict) else one
        prompt = _prompt(values[0]) if isinstance(values, list) and values else None
        if prompt is None:
            raise row.error(f"'arguments' holds no prompt, but {shown(one)}")
        requests.append((prompt, values[1] if len(values) > 1 else None))
    if not requests:
        raise row.error("'arguments' is empty")
    return requests


def _prompt(value: Json) -> str | None:
    """The prompt as text; that of a chat server is JSON in a list."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        with suppress(ValueError, RecursionError):
            return chat_text(json.loads(value[0])) or value[0]
        return value[0]
    return value if isinstance(value, str) else None


def _targets(row: Row) -> list[str | int | float]:
    """What is right; the file holds it as Python prints it."""
    target = row.values.get("target")
    if isinstance(target, str):
        with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            read = literal_eval(target)
            # lm-evaluation-harness itself takes such texts for lists and indices.
            target = read if isinstance(read, list | int) else target
    wanted = target if isinstance(target, list) else [target]
    return [one for one in wanted if isinstance(one, str | int | float) and one != ""]


def _scores(row: Row, filter_: str) -> dict[str, float | None]:
    values, filtered = row.values, row.values.get("filtered_resps")
    together = isinstance(filtered, list) and filtered and isinstance(filtered[0], list)
    if together and len(values["resps"]) == 1 and len(values["resps"][0]) > 1:
        return {}  # the value is that of several repeats together
    names = values.get("metrics") or [name for name in values if name not in OWN]
    end = "" if filter_ == "none" else f",{filter_}"
    return {
        f"{name}{end}": value_of(values[name])
        for name in names
        # Corpus metrics leave a pair of reference and output instead of a value.
        if not isinstance(values.get(name, []), list | dict | str)
    }
