"""Finds the settings of a run in what its folder holds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.configuration import LONGEST, TRAINER_STATE, settings_files, settings_in
from harness.diagnosis.configuration.method import method_of
from harness.diagnosis.configuration.model import Setting, Settings
from harness.diagnosis.configuration.names import framework_of
from harness.diagnosis.configuration.size import (
    parameters_in,
    parameters_in_name,
    read_config,
)
from harness.errors import InputError, MissingData
from harness.pickled import read_training_args
from harness.settings import known_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.logs import TrainingLog
    from harness.types import Json

TRAINING_ARGS, ADAPTER = "training_args.bin", "adapter_config.json"
YAML = frozenset((".yaml", ".yml"))
NOT_SETTINGS = frozenset((TRAINER_STATE, ADAPTER, "config.json"))
CHECKPOINT = re.compile(r"checkpoint-(\d{1,18})")
MOST_FILES = 2_000
"""Files of a folder that are looked at."""
MOST_YAML = 20
"""YAML files of any name that are read."""
COMPARED = ("learning_rate", "accumulation", "max_length", "dtype")
"""Settings of which sources that differ are worth a word."""
ALIKE = 0.01
"""Numbers that differ by no more are the same but for rounding."""
FEW = 2
"""Known names from which on a YAML file of any name is one of settings."""


def read_settings(
    run_dir: Path | None,
    config: Path | None = None,
    logs: Iterable[TrainingLog] = (),
) -> Settings:
    """The settings of a run, each by one name and with its source.

    What counts most is the file that was named, then what the log and
    `training_args.bin` say of the run itself, then YAML and JSON files in the run's
    folder or its newest checkpoint's, then what these say of the model. Nothing is
    unpickled.

    Args:
        run_dir: folder of the run, or a checkpoint's.
        config: a file with settings: axolotl's, LLaMA-Factory's, TRL's or any other
            YAML or JSON, or a `training_args.bin`.
        logs: training logs whose own settings count, too.

    Raises:
        InputError: the named file cannot be read.
        MissingData: there is no such file.
    """
    found = _Found()
    if config is not None:
        if not config.is_file():
            raise MissingData("there is no such file with settings", file=config)
        found.add(_read(config), config.name)
    for log in logs:
        found.add(log.settings, f"the log {Path(log.source).name}")
    folder = None if run_dir is None else newest_checkpoint(run_dir)
    if run_dir is not None and folder is not None:
        for path, label in _paths(run_dir, folder):
            found.read(path, label)
        found.read_model(run_dir, folder)
    return found.settings()


def newest_checkpoint(run_dir: Path) -> Path:
    """The folder of the checkpoint with the highest step; else the run's itself."""
    steps = [
        (int(number.group(1)), path)
        for path in _listed(run_dir)
        if (number := CHECKPOINT.fullmatch(path.name)) and path.is_dir()
    ]
    return max(steps, default=(0, run_dir))[1]


def _paths(run_dir: Path, folder: Path) -> Iterator[tuple[Path, str]]:
    """Files with settings and what to call them, those that count more first."""
    seen = set()
    places = dict.fromkeys((folder, run_dir))
    files = [place / TRAINING_ARGS for place in places]
    plain = [path for place in places for path in reversed(settings_files(place))]
    files += [path for path in plain if path.name not in NOT_SETTINGS]
    yaml = [path for path in _listed(run_dir) if path.suffix in YAML]
    files += yaml[:MOST_YAML]
    files += [place / ADAPTER for place in places]
    files += [place / TRAINER_STATE for place in places]
    for path in files:
        if path.is_file() and path not in seen:
            seen.add(path)
            inside = path.is_relative_to(run_dir)
            yield path, str(path.relative_to(run_dir)) if inside else path.name


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())[:MOST_FILES]
    except OSError:
        return []


def _read(path: Path) -> dict[str, Json]:
    return read_training_args(path) if path.suffix == ".bin" else settings_in(path)


@dataclass(slots=True)
class _Found:
    """Settings as they are found: the first source of each counts."""

    values: dict[str, Setting] = field(default_factory=dict)
    differing: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    trained_by: str | None = None

    def read(self, path: Path, label: str) -> None:
        """Add a file's settings, or note why it cannot be read."""
        try:
            values = _read(path)
        except InputError as error:
            self.problems.append(f"{label}: {str(error).removeprefix(f'{path}: ')}")
            return
        if path.suffix in YAML and len(known_settings(values)) < FEW:
            return  # some other YAML file
        self.add(values, label)

    def add(self, values: Mapping[str, Json], label: str) -> None:
        """Add settings that are not known yet; compare those that are."""
        self.trained_by = self.trained_by or framework_of(values)
        if "trainer" in values and "trainer" not in self.values:
            self.values["trainer"] = Setting(values["trainer"], label)
        for ours, (name, value) in known_settings(values).items():
            before = self.values.setdefault(ours, Setting(value, f"{label}: {name}"))
            if ours in COMPARED and _differ(before.value, value):
                one, other = _written(before.value), _written(value)
                told = f"{ours} is {one} in {before.source}, but {other} in {label}"
                self.differing.append(told)

    def read_model(self, run_dir: Path, folder: Path) -> None:
        """Add what the model's own files say: how large it is, and in which dtype."""
        adapted = any((place / ADAPTER).is_file() for place in (folder, run_dir))
        if adapted:
            source = f"{ADAPTER} is in the folder"
            self.values["adapter"] = Setting("lora", source)
        name = self.values["model"].value if "model" in self.values else None
        places = [] if adapted else [folder, run_dir]
        if isinstance(name, str) and len(name) <= LONGEST and "\0" not in name:
            places += [run_dir / name]  # an absolute path stays as it is
        for place in dict.fromkeys(places):
            self._read_model(place, trained=place == folder)

    def _read_model(self, place: Path, *, trained: bool) -> None:
        try:
            size, config = parameters_in(place), read_config(place)
        except InputError as error:
            self.problems.append(str(error))
            return
        if size is not None:
            self.values.setdefault("parameters", Setting(*size))
        dtype = config.get("dtype") or config.get("torch_dtype")
        if trained and isinstance(dtype, str):
            source = f"{place.name}/config.json"
            self.values.setdefault("saved_dtype", Setting(dtype, source))

    def settings(self) -> Settings:
        """All that was found, and what follows from it."""
        name = self.values["model"].value if "model" in self.values else None
        size = parameters_in_name(name) if isinstance(name, str) else None
        if size is not None:
            self.values.setdefault("parameters", Setting(*size))
        if "optimizer" not in self.values and self.trained_by is not None:
            source = f"the default of {self.trained_by}"
            self.values["optimizer"] = Setting("adamw", source)
        method = method_of(Settings(self.values), self.trained_by)
        if method is not None:
            self.values["method"] = method
        return Settings(self.values, tuple(self.differing), tuple(self.problems))


def _differ(one: Json, other: Json) -> bool:
    if isinstance(one, float | int) and isinstance(other, float | int):
        return abs(one - other) > ALIKE * max(abs(one), abs(other))
    return str(one).rpartition(".")[2] != str(other).rpartition(".")[2]


def _written(value: Json) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
