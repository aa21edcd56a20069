"""Checkpoints that a user names: found, put in order and told apart."""

from __future__ import annotations

import glob
import json
import os
import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from harness.backends import AUTOMATIC, backend_named
from harness.backends.openai_jobs import JOB, MODELS, tuning
from harness.configuration import Configuration, read_configuration
from harness.errors import CheckpointError, UsageError
from harness.logs import merged, read_training
from harness.progress import silent
from harness.study.checkpoints import known_hashes, store_checkpoint, store_hashes
from harness.study.training_logs import store_log

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping, Sequence

    from harness.backends import Loading
    from harness.identity import FileStamp
    from harness.logs import TrainingLog
    from harness.progress import Progress
    from harness.study import StudyFile
    from harness.types import Checkpoint, Json

SERIES = re.compile(r"(?P<series>[A-Za-z0-9][\w.-]*)=(?P<rest>.+)")
BACKEND = re.compile(r"(?P<backend>[a-z][\w-]*|[^:]+\.py):(?P<rest>.+)")
"""A name, or the path of a Python file."""
LOCAL = "transformers"
"""The backend of folders that are named without one."""
STEP = re.compile(r"(?:step|checkpoint|ckpt|iter)[-_]?(\d{1,18})$", re.IGNORECASE)
LARGEST = 10**18
"""Steps are below it, as the study can store them."""


@dataclass(frozen=True, slots=True)
class Found:
    """A checkpoint that a user named."""

    backend: str
    """Name of the backend that runs it, or the absolute path of its file."""
    location: str
    """An absolute folder, or what the backend calls a place that is none."""
    name: str
    """As a rule the folder's name."""
    series: str
    """The training run that it belongs to, as a rule its parent folder's name."""
    step: int | None
    """Step by its name, else by the folder's trainer_state.json."""
    job: str = ""
    """The hosted fine-tuning job that made it, as `harness.backends.openai_jobs` reads
    names; empty where there is none."""
    settings: Mapping[str, Json] | None = None
    """How it was trained, where that is known from elsewhere than its folder."""
    remarks: tuple[str, ...] = ()
    """What users should know of the checkpoints found with it."""


def find_checkpoints(specs: Sequence[str], loading: Loading = AUTOMATIC) -> list[Found]:
    """What `[SERIES=][BACKEND:]NAME` arguments stand for, by series and step.

    For most backends a name is a folder or a glob of folders; without a backend it is
    a folder of the transformers package. A backend may also be a Python file. What
    exists as a path is one, whatever signs it holds. A hosted fine-tuning job
    (`openai-job:ID`) stands for the model it began with and its checkpoints.

    Raises:
        CheckpointError: nothing is there, and the nearest name is suggested; or a
            backend fails to load.
        InputError: a backend's file is not there, or holds none.
        NotFound: no backend has this name; the nearest is suggested.
        UsageError: no checkpoint was named, a name is not as it must be, or a
            backend or the machine lacks what is asked of loading.
    """
    found: dict[tuple[str, str], Found] = {}
    for spec in specs:
        series, rest = _divide(SERIES, spec)
        backend, name = _divide(BACKEND, rest)
        if backend is None:
            backend = LOCAL
        elif backend.endswith(".py"):
            backend = str(Path(backend).expanduser().resolve())
        for one in _find(backend, name, series):
            found.setdefault((one.backend, one.location), one)
    if not found:
        raise UsageError("Name at least one checkpoint: --checkpoint DIR/checkpoint-*")
    for backend in {one.backend for one in found.values()}:
        backend_named(backend).with_loading(loading)
    return sorted(
        found.values(),
        key=lambda one: (one.series, one.step is None, one.step or 0, one.name),
    )


def fingerprints(
    found: Sequence[Found],
    hashes: MutableMapping[FileStamp, str],
    loading: Loading = AUTOMATIC,
    progress: Progress = silent,
) -> list[str]:
    """What each checkpoint is made of, as hashes of the contents; stores nothing.

    Args:
        found: the checkpoints.
        hashes: those of files that were read before; of the others they are added.
        loading: what is asked of loading.
        progress: told of every checkpoint that was read.

    Raises:
        CheckpointError: one cannot be loaded or reached; says what is missing.
    """
    prints: list[str] = []
    for one in found:
        progress("read checkpoints", len(prints), len(found))
        backend = backend_named(one.backend).with_loading(loading)
        prints.append(backend.fingerprint(one.location, hashes))
    progress("read checkpoints", len(prints), len(found))
    return prints


def register(
    study: StudyFile, found: Sequence[Found], prints: Sequence[str]
) -> list[Checkpoint]:
    """Store checkpoints, each known by its fingerprint, with how it was trained.

    What training logged so far is stored with their series. Two places may hold the
    same model, which is then returned once.
    """
    runs = {run for one in found if (run := run_folder(one)) is not None}
    logs = {run: read_training(run) for run in runs}
    known = known_hashes(study)
    before = set(known)
    stored = [
        store_checkpoint(
            study,
            series=one.series,
            name=one.name,
            step=one.step,
            backend=one.backend,
            fingerprint=fingerprint,
            location=one.location,
            configuration=_configuration(one, logs, known),
        )
        for one, fingerprint in zip(found, prints, strict=True)
    ]
    store_hashes(study, {stamp: known[stamp] for stamp in known.keys() - before})
    for run, series in dict.fromkeys((run_folder(one), one.series) for one in found):
        log = None if run is None else merged(logs[run])
        if log is not None:
            store_log(study, series, str(run), log)
    return list({one.id: one for one in stored}.values())


def run_folder(found: Found) -> Path | None:
    """Where the training of a checkpoint keeps its logs; None if it is no folder.

    That is the folder above it if it stands there among the run's checkpoints.
    """
    folder = Path(found.location)
    # What a hosted model is called may by chance be the name of a folder here.
    if not folder.is_absolute() or not folder.is_dir():
        return None
    if step_of_name(folder.name) is not None or any(folder.parent.glob("checkpoint-*")):
        return folder.parent
    return folder


def _configuration(
    found: Found,
    logs: Mapping[Path, Sequence[TrainingLog]],
    hashes: MutableMapping[FileStamp, str],
) -> dict[str, Json] | None:
    if found.settings is not None:
        return Configuration(found.settings).as_json()
    run = run_folder(found)
    if run is None:
        return None
    return read_configuration(Path(found.location), logs[run], hashes).as_json()


def _divide(pattern: re.Pattern[str], text: str) -> tuple[str | None, str]:
    """What stands before the sign that divides the text, if it does, and the rest."""
    match = pattern.fullmatch(text)
    # Path.glob takes no absolute pattern.
    if match is None or Path(text).exists() or glob.glob(text):  # noqa: PTH207
        return None, text
    return match[1], match["rest"]


def _find(backend: str, name: str, series: str | None) -> list[Found]:
    if backend == JOB:
        return _of_job(name, series)
    place = backend_named(backend).place(name)
    if place is not None:
        step = step_of_name(place.name)
        series = series or place.series
        return [Found(backend, place.location, place.name, series, step)]
    folders = [(path, path.resolve()) for path in _expand(str(Path(name).expanduser()))]
    for _, whole in folders:
        _check_is_text(whole)
    return [
        Found(
            backend,
            location=str(whole),
            name=whole.name,
            series=series or whole.parent.name or "run",
            step=step_of(whole),
        )
        for path, whole in folders
    ]


def _check_is_text(folder: Path) -> None:
    try:
        str(folder).encode("utf-8")
    except UnicodeEncodeError:
        shown = os.fsencode(folder).decode("utf-8", "backslashreplace")
        raise CheckpointError(
            f"{shown}: this name is no text in UTF-8. Give the folder another."
        ) from None


def _of_job(name: str, series: str | None) -> list[Found]:
    made = tuning(name)
    found = [
        Found(
            MODELS,
            location=one.place.location,
            name=one.place.name,
            series=series or one.place.series,
            step=one.step,
            job=name,
            settings=one.settings,
        )
        for one in made.models
    ]
    return [replace(found[0], remarks=made.remarks), *found[1:]]


def _expand(pattern: str) -> list[Path]:
    if glob.has_magic(pattern) and not Path(pattern).exists():
        # Path.glob takes no absolute pattern.
        names = glob.glob(pattern)  # noqa: PTH207
        found = [Path(name) for name in names if Path(name).is_dir()]
        if not found:
            raise CheckpointError(f"No folder matches {pattern}.")
        return found
    path = Path(pattern)
    if not path.exists():
        siblings = (
            [p.name for p in path.parent.glob("*")] if path.parent.exists() else []
        )
        near = get_close_matches(path.name, siblings, n=1)
        hint = f" Did you mean '{path.parent / near[0]}'?" if near else ""
        raise CheckpointError(f"There is no checkpoint folder {path}.{hint}")
    inside = sorted(path.glob("checkpoint-*"), key=lambda p: step_of(p) or 0)
    models = ("config.json", "adapter_config.json")
    if inside and not any((path / name).exists() for name in models):
        raise CheckpointError(
            f"{path} is no checkpoint but holds {len(inside)} of them; "
            f"write '{path / 'checkpoint-*'}' or one of them, as '{inside[0]}'."
        )
    return [path]


def step_of_name(name: str) -> int | None:
    """The step that a checkpoint's name ends with, as in `checkpoint-30`."""
    match = STEP.search(name)
    return int(match[1]) if match else None


def step_of(path: Path) -> int | None:
    """The step of a folder: by its name, else by its trainer_state.json."""
    for name in (path.name, path.resolve().name):
        step = step_of_name(name)
        if step is not None:
            return step
    try:
        state = json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    step = state.get("global_step") if isinstance(state, dict) else None
    return step if isinstance(step, int) and abs(step) < LARGEST else None
