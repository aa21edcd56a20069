"""How a checkpoint was trained, as the plain files of its folder say."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import InputError
from harness.fed import data_fingerprint
from harness.pickled import read_training_args
from harness.settings import known_settings
from harness.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, MutableMapping

    from harness.identity import FileStamp
    from harness.logs import TrainingLog
    from harness.types import Json

TRAINER_STATE = "trainer_state.json"
OF_TRAINER = {
    "train_batch_size": "batch_size",
    "num_train_epochs": "epochs",
    "max_steps": "max_steps",
}
"""Keys of `trainer_state.json`, and what they are called here."""
PEAK = "peak_learning_rate"
"""The highest learning rate that was logged so far."""
ONE_NAME = ("learning_rate", "batch_size", "epochs", "max_steps")
"""Settings that have one name here, whoever wrote them; the batch is a device's."""
DATA_FINGERPRINT = "data_fingerprint"
"""Digits of the hash of the training data, or what the data set is called."""
TRAINING_ARGS = "training_args.bin"
LOGS_WITH_SETTINGS = frozenset(("tensorboard", "wandb"))
"""Forms of logs in which trainers write what they were called with."""
MODEL = "model_config"
"""What the log has of the model's own settings, which its folder tells, too."""
OF_FILES = {
    "adapter_config.json": (
        *("peft_type", "r", "lora_alpha", "lora_dropout", "target_modules"),
        *("use_rslora", "use_dora", "base_model_name_or_path"),
    ),
    "config.json": ("model_type", "hidden_size", "num_hidden_layers", "vocab_size"),
}
"""Files of a model of whose keys these say how runs differ."""
PLAIN = re.compile(
    r"(run|train|training|training_args|train_config|args|hparams|tandem-demo)"
    r"\.(json|ya?ml)"
)
"""Names of files, in the folder or beside it, all of whose keys are settings."""
SECRET = re.compile(
    r"(^|[_.-])(token|(password|passwd|secret|credential|(api|access|private)_?key)s?)$",
    re.IGNORECASE,
)
"""Keys whose values belong into no report."""

MOST_BYTES = 50_000_000
"""A trainer's log may be long."""
MOST_VALUES = 200
"""Settings kept of a file."""
DEEPEST = 4
"""Levels of a file below which nothing is a setting."""
LONGEST = 200
"""Letters kept of a setting."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What is known of how a checkpoint was trained."""

    values: Mapping[str, Json]
    """Name of each setting to a number, truth value or text."""
    problems: tuple[str, ...] = ()
    """Files that could not be read, and why."""

    def as_json(self) -> dict[str, Json]:
        """The form in which a study keeps it."""
        return {"values": dict(self.values), "problems": list(self.problems)}


def read_configuration(
    folder: Path,
    logs: Iterable[TrainingLog] = (),
    hashes: MutableMapping[FileStamp, str] | None = None,
) -> Configuration:
    """The settings in a checkpoint's folder, in plain files beside it, and in logs.

    Read are `trainer_state.json`, `adapter_config.json`, `config.json`, JSON or YAML
    files named as `PLAIN` says, and `training_args.bin`, which is not unpickled. Of
    equal names the file in the folder counts more than one beside it, and what the
    trainer was called with, by the log or that last file, most. Secrets are left out.

    Args:
        folder: the checkpoint's.
        logs: of its run.
        hashes: of data files that were read before; of the others they are added.

    Returns:
        Names as the files have them, inner keys after a dot, except for those of
        `ONE_NAME`; `peak_learning_rate` of the trainer's state, and `data_fingerprint`.
    """
    values: dict[str, Json] = {}
    problems = []
    for path in settings_files(folder):
        try:
            values |= _named(settings_in(path))
        except InputError as error:
            problem = str(error).removeprefix(f"{path}: ")
            problems.append(f"{path.parent.name}/{path.name}: {problem}"[:LONGEST])
    for log in logs:
        problems += [problem[:LONGEST] for problem in log.problems]
        if log.form in LOGS_WITH_SETTINGS:
            plain = {k: v for k, v in log.settings.items() if k != MODEL}
            values |= _named(dict(islice(_flat(plain, "", DEEPEST), MOST_VALUES)))
    try:
        values |= _named(_called_with(folder / TRAINING_ARGS))
    except InputError as error:
        problems.append(
            f"{folder.name}/{str(error).removeprefix(f'{folder}/')}"[:LONGEST]
        )
    places = (folder, folder.parent, Path())
    data = data_fingerprint(values, places, {} if hashes is None else hashes)
    if data is not None:
        values[DATA_FINGERPRINT] = data
    return Configuration(values, tuple(problems))


def _called_with(path: Path) -> dict[str, Json]:
    if not path.is_file():
        return {}
    return dict(islice(_flat(read_training_args(path), "", 1), MOST_VALUES))


def _named(values: dict[str, Json]) -> dict[str, Json]:
    """The values, those of `ONE_NAME` by it."""
    known = known_settings(values)
    for ours in ONE_NAME:
        if ours in known:
            name, value = known[ours]
            written = values.pop(name)
            values[ours] = written if _is_number(written) else value
    return values


def settings_files(folder: Path) -> list[Path]:
    """The files that `read_configuration` reads; those that count more come later."""
    beside = [path for path in _listed(folder.parent) if PLAIN.fullmatch(path.name)]
    inside = [path for path in _listed(folder) if PLAIN.fullmatch(path.name)]
    known = [folder / name for name in (*OF_FILES, TRAINER_STATE)]
    # A pipe or device would be waited for.
    return [path for path in (*known, *beside, *inside) if path.is_file()]


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def settings_in(path: Path) -> dict[str, Json]:
    """A file's settings, inner keys after a dot.

    Raises:
        InputError: it cannot be read, is too large, or holds no mapping.
    """
    content = _read(path)
    if not isinstance(content, dict):
        raise InputError("it must hold keys and values", file=path)
    if path.name == TRAINER_STATE:
        return _of_trainer(content)
    names = OF_FILES.get(path.name, content)
    chosen = {name: content[name] for name in names if name in content}
    return dict(islice(_flat(chosen, "", DEEPEST), MOST_VALUES))


def _read(path: Path) -> Json:
    if path.suffix != ".json":
        return read_yaml(path)[0]
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"larger than {MOST_BYTES // 10**6} MB", file=path)
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"not valid JSON: {error}", file=path) from error


def _of_trainer(state: Mapping[str, Json]) -> dict[str, Json]:
    found = {ours: state[name] for name, ours in OF_TRAINER.items() if name in state}
    log = state.get("log_history")
    rates = [
        entry["learning_rate"]
        for entry in (log if isinstance(log, list) else ())
        if isinstance(entry, dict) and _is_number(entry.get("learning_rate"))
    ]
    if rates:
        found[PEAK] = max(rates)
    return dict(_flat(found, "", 1))


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _flat(
    values: Mapping[Json, Json], before: str, deep: int
) -> Iterator[tuple[str, Json]]:
    """Settings by their whole names; lists of plain values are one setting each."""
    for key, value in values.items():
        name = f"{before}{key}"[:LONGEST]
        if SECRET.search(name):
            continue
        if isinstance(value, dict):
            if deep > 1:
                yield from _flat(value, f"{name}.", deep - 1)
        elif isinstance(value, list):
            # axolotl has its data sets so.
            plain = [o.get("path", o) if isinstance(o, dict) else o for o in value]
            if not any(isinstance(one, list | dict) for one in plain):
                # Modules that an adapter is put on come in any order.
                yield name, ", ".join(sorted(map(str, plain[:MOST_VALUES])))[:LONGEST]
        elif isinstance(value, bool) or (_is_number(value) and isfinite(value)):
            yield name, value
        elif value is not None:
            yield name, str(value)[:LONGEST]
