"""The logs of a training run: where they lie, and what kind each is."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import InputError
from harness.logs import rows, tensorboard, trainer_state, wandb
from harness.logs.gathering import LAST_STEP
from harness.logs.model import EVAL_LOSS, LEARNING_RATE, TRAIN_LOSS, TrainingLog
from harness.logs.names import HELD_OUT
from harness.logs.text import read_head, read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.types import Json

    Reader = Callable[[Path, Mapping[str, str]], TrainingLog]

TABLE = re.compile(
    r"(.*[._-])?(logs?|metrics|history|results|loss(es)?|progress|events|training|"
    r"checkpoints)([._-].*)?\.(csv|tsv|jsonl|ndjson|json)",
    re.IGNORECASE,
)
"""Names of files that may be a log; which of them is one, its columns say."""
SUMMARIES = re.compile(r"(all|train|eval|predict|test)_results\.json")
"""Files of a Trainer with one number a quantity, at the end."""
CHECKPOINT = re.compile(r"checkpoint[-_](\d{1,18})")
BY_DATE = re.compile(r"[A-Z][a-z]{2}\d{2}_\d{2}-\d{2}-\d{2}_.+")
"""Folders of event files that transformers and PyTorch name by when a run began; a
run that was resumed has several."""
SIDES = {"train": "train/", **dict.fromkeys(HELD_OUT, "eval/")}
"""Folders of event files, one for each side of the data, to what their tags lack."""
OF_MODELS = frozenset(("config.json", "adapter_config.json", trainer_state.NAME))
DEEPEST = 4
"""Levels of folders that are searched."""
MOST_ENTRIES = 20_000
"""Files and folders that are looked at."""
TABLES: dict[str, Reader] = {
    ".csv": rows.read_csv,
    ".tsv": rows.read_csv,
    ".jsonl": rows.read_jsonl,
    ".ndjson": rows.read_jsonl,
}
MARKS = frozenset((TRAIN_LOSS, EVAL_LOSS, LEARNING_RATE))
"""A table found by its name is a log if it has one of these."""


def find_logs(folder: Path) -> list[Path]:
    """The logs in a run's folder and those below it, sorted.

    Of the trainer's states only the newest counts, since each holds those before it.
    Folders below that are runs or models themselves are not entered.
    """
    found = {path for path in _files(folder) if _may_be_log(path)}
    states = [path for path in found if path.name == trainer_state.NAME]
    return sorted(found - set(states)) + _newest(states)


def read_training(
    place: Path, aliases: Mapping[str, str] | None = None
) -> tuple[TrainingLog, ...]:
    """All that a training run logged, one log for each file or run of event files.

    Args:
        place: a log, or the folder of a run or of a checkpoint.
        aliases: the log's name of a quantity, or of the column of steps, to its name
            in `harness.logs.model.KNOWN`, or `step`: `{"loss": "train_loss"}`.

    Returns:
        Of a folder, a log that cannot be read has no curves but a problem; without
        any log there is none.

    Raises:
        InputError: a file that is no log, or cannot be read.
        UsageError: an alias for what no curve is called.
    """
    aliases = aliases or {}
    if not place.is_dir():
        if tensorboard.MARK in place.name:
            return (tensorboard.read_tensorboard({place: ""}, aliases),)
        return (_reader_of(place)(place, aliases),)
    found = find_logs(place)
    events = [path for path in found if tensorboard.MARK in path.name]
    logs = [_events_log(files, aliases) for files in _runs(events)]
    for path in found:
        if path not in events:
            logs += _log_of(path, aliases)
    return tuple(logs)


def _log_of(path: Path, aliases: Mapping[str, str]) -> list[TrainingLog]:
    try:
        log = _reader_of(path)(path, aliases)
    except InputError as error:
        form = {trainer_state.NAME: trainer_state.FORM, ".wandb": wandb.FORM}
        kind = form.get(path.name) or form.get(path.suffix) or path.suffix[1:]
        return [TrainingLog(str(path), kind, {}, problems=(str(error),))]
    by_name = log.form in {rows.CSV, rows.JSONL}
    # One row has no course: a learning rate in it is a setting, as in training.json.
    is_one = path.suffix == ".json" and all(
        len(curve.steps) == 1 for curve in log.curves.values()
    )
    return [] if by_name and (is_one or not MARKS & log.curves.keys()) else [log]


def _events_log(files: Mapping[Path, str], aliases: Mapping[str, str]) -> TrainingLog:
    try:
        return tensorboard.read_tensorboard(files, aliases)
    except InputError as error:
        source = ", ".join(map(str, files))
        return TrainingLog(source, tensorboard.FORM, {}, problems=(str(error),))


def _reader_of(path: Path) -> Reader:
    """What reads a file, by its name and its first bytes."""
    suffix = path.suffix.lower()
    if suffix == ".wandb" or read_head(path).startswith(wandb.IDENT):
        return wandb.read_wandb
    if suffix == ".json":
        return _read_json
    if suffix in TABLES:
        return TABLES[suffix]
    raise InputError(
        "no log that can be read; it must be a trainer_state.json, TensorBoard's event "
        "file, W&B's .wandb, .csv, .tsv, .jsonl, or .json of OpenAI's API",
        file=path,
    )


def _read_json(path: Path, aliases: Mapping[str, str]) -> TrainingLog:
    content: Json = read_json(path)
    if isinstance(content, dict) and isinstance(content.get("log_history"), list):
        return trainer_state.state_log(content, path, aliases)
    if path.name == trainer_state.NAME:
        raise InputError("it has no list 'log_history'", file=path)
    return rows.json_log(content, path, aliases)


def _may_be_log(path: Path) -> bool:
    name = path.name
    if CHECKPOINT.fullmatch(path.parent.name):
        return name == trainer_state.NAME
    return (
        name == trainer_state.NAME
        or tensorboard.MARK in name
        or path.suffix == ".wandb"
        or (TABLE.fullmatch(name) is not None and not SUMMARIES.fullmatch(name))
    )


def _files(folder: Path) -> Iterator[Path]:
    """Plain files, nearest first; a link to a folder is not followed."""
    return islice(_walk(folder), MOST_ENTRIES)


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        at = Path(place)
        deep = len(at.relative_to(folder).parts)
        checkpoint = CHECKPOINT.fullmatch(at.name) is not None
        if deep and (deep > 1 if checkpoint else _is_run(folders, names)):
            folders.clear()
            continue
        inside = deep < DEEPEST and not (deep and checkpoint)
        folders[:] = sorted(n for n in folders if not n.startswith(".") and inside)
        for name in sorted(names):
            # A pipe or device would be waited for.
            with suppress(OSError):
                if (at / name).is_file():
                    yield at / name


def _is_run(folders: Sequence[str], names: Sequence[str]) -> bool:
    """Whether a folder holds a model or checkpoints: then its logs are of its own."""
    return bool(OF_MODELS & {*names}) or any(map(CHECKPOINT.fullmatch, folders))


def _newest(states: Sequence[Path]) -> list[Path]:
    """That in the run's own folder, else that of the last checkpoint."""
    number = {path: CHECKPOINT.fullmatch(path.parent.name) for path in states}
    steps = [(int(n[1]) if n else LAST_STEP, path) for path, n in number.items()]
    return [max(steps)[1]] if steps else []


def _runs(events: Sequence[Path]) -> list[dict[Path, str]]:
    """Event files of one run each, with what goes before their tags."""
    runs: dict[Path, dict[Path, str]] = {}
    for path in events:
        place, before = path.parent, SIDES.get(path.parent.name.lower(), "")
        if before:
            place = place.parent
        if BY_DATE.fullmatch(place.name):
            place = place.parent
        runs.setdefault(place, {})[path] = before
    return list(runs.values())
