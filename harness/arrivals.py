"""Checkpoints that training writes: which are whole, and whether more will come."""

from __future__ import annotations

import glob
import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.backends.folder import LENGTH, read_header, read_json, weight_files
from harness.checkpoints import step_of
from harness.configuration import TRAINER_STATE
from harness.errors import CheckpointError
from harness.identity import FileStamp, model_files

if TYPE_CHECKING:
    from harness.types import Json

State = frozenset[FileStamp]
"""Each file of a checkpoint's folder, as it was."""
CONFIGS = ("config.json", "adapter_config.json")
ADAPTER = ("adapter_model.safetensors", "adapter_model.bin")


@dataclass(frozen=True, slots=True)
class Signs:
    """By what a checkpoint is known to be whole, and training to be over."""

    settle: float = 5.0
    """Seconds during which no file of a checkpoint may change."""
    ready: str | None = None
    """Name of a file in each checkpoint that training writes last; then this alone
    counts, if it is not older than the model's files. None: as `is_whole` says."""
    until: str | None = None
    """Name of a file in the watched folder that says training is over; then this alone
    does. None: as `is_over` says."""
    pickles: bool = False
    """Whether pickled weights count as weights; nobody can tell if they are whole, but
    by their not changing any more."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the folder saw, in the order of steps."""

    whole: dict[Path, State]
    """Checkpoints that are whole, before any that is still being written."""
    left_out: tuple[Path, ...]
    """Those that are not, and have not changed for a while either."""
    is_still: bool
    """Whether nothing was being written."""


@dataclass(slots=True)
class Arrivals:
    """The checkpoints of a folder, looked at again and again."""

    folder: Path
    """Where training writes them, resolved; it may be still to come."""
    pattern: str = "checkpoint-*"
    """Glob of checkpoints in it; with a slash there may be several runs."""
    signs: Signs = field(default_factory=Signs)
    """By what they are known to be whole."""
    _seen: dict[Path, tuple[State, float]] = field(default_factory=dict)

    def look(self, now: float) -> Look:
        """What is there by now, in seconds on a clock that never goes back."""
        seen: dict[Path, tuple[State, float]] = {}
        whole: dict[Path, State] = {}
        left_out: list[Path] = []
        still = True
        for folder in self.folders():
            state = state_of(folder)
            before, since = self._seen.get(folder, (None, now))
            seen[folder] = (state, since if before == state else now)
            is_still = now - seen[folder][1] >= self.signs.settle
            if self._is_ready(folder, is_still=is_still):
                # Whatever came later waits for the one that is being written.
                if still:
                    whole[folder] = state
            elif is_still:
                left_out.append(folder)
            else:
                still = False
        self._seen = seen
        return Look(whole, tuple(left_out), still)

    def folders(self) -> list[Path]:
        """The checkpoints' folders, whole or not; links only to other places.

        Those without a step come last, the one that was changed last at the end.
        """
        named = self._named()
        own = {path for path in named if not path.is_symlink()}
        links = {path for path in named if path.is_symlink()}
        abroad = {path for path in links if path.resolve() not in own}
        return sorted(own | abroad, key=_order)

    def is_own(self, folder: Path) -> bool:
        """Whether a checkpoint lies in the folder itself, and behind no link."""
        return folder in self._named() and folder == folder.resolve()

    def _named(self) -> list[Path]:
        pattern = f"{glob.escape(str(self.folder))}/{self.pattern}"
        # Path.glob takes no pattern of an absolute path.
        return [Path(name) for name in glob.glob(pattern) if Path(name).is_dir()]  # noqa: PTH207

    def is_over(self) -> bool:
        """Whether no more checkpoints will come, as far as training says.

        By `until`; else each run must have checkpoints, and by the newest one's
        `trainer_state.json` be done or stopped, or have saved its final model.
        """
        if self.signs.until is not None:
            return (self.folder / self.signs.until).exists()
        runs: dict[Path, list[Path]] = {}
        for path in self.folders():
            runs.setdefault(path.parent, []).append(path)
        return bool(runs) and all(map(_has_ended, runs.values()))

    def _is_ready(self, folder: Path, *, is_still: bool) -> bool:
        if self.signs.ready is not None:
            return _is_marked(folder, self.signs.ready)
        return is_still and is_whole(folder, pickles=self.signs.pickles)


def state_of(folder: Path) -> State:
    """Size, time and number of each file in a folder; empty if nobody can see it."""
    found = set()
    # What is deleted meanwhile is missing, as it will be at the next look; so is what
    # may not be read, or lies on a disk that is not there at the moment.
    with suppress(OSError):
        for file in folder.iterdir():
            with suppress(OSError):
                if file.is_file():
                    found.add(FileStamp.of(file))
    return frozenset(found)


def is_whole(folder: Path, *, pickles: bool = False) -> bool:
    """Whether a model's or adapter's configuration and all its weights are there.

    With an index (`model.safetensors.index.json`) these are all files that it names.
    Each safetensors file must be as long as its header says.
    """
    try:
        names = [name for name in CONFIGS if (folder / name).is_file()]
        for name in names:
            read_json(folder / name)
        if "adapter_config.json" in names:
            weights = [path for path in map(folder.joinpath, ADAPTER) if path.is_file()]
        else:
            weights = weight_files(folder, pickles=pickles) if names else []
        return bool(weights) and all(
            path.suffix != ".safetensors" or _is_as_long_as_said(path)
            for path in weights
        )
    except (CheckpointError, OSError):
        return False


def ends_by(checkpoint: Path) -> bool:
    """Whether the trainer's state in a checkpoint says that it is the last one.

    It does at `max_steps`, and where a callback had stopped the training.
    """
    state = _trainer_state(checkpoint)
    step, last = state.get("global_step"), state.get("max_steps")
    if isinstance(step, int) and isinstance(last, int) and 0 < last <= step:
        return True
    known: Json = state
    for key in ("stateful_callbacks", "TrainerControl", "args"):
        known = known.get(key) if isinstance(known, dict) else None
    return isinstance(known, dict) and known.get("should_training_stop") is True


def best_of_trainer(checkpoint: Path) -> str | None:
    """Name of the folder that the trainer will load as its best at the end."""
    best = _trainer_state(checkpoint).get("best_model_checkpoint")
    return best.rstrip("/").rpartition("/")[2] if isinstance(best, str) else None


def _has_ended(checkpoints: list[Path]) -> bool:
    """Whether one run has, by its checkpoints in the order of their steps."""
    newest = checkpoints[-1]
    if ends_by(newest):
        return True
    run = newest.parent
    try:
        # An earlier training may have left its final model here.
        last = max(file.mtime_ns for path in checkpoints for file in state_of(path))
        saved = min(FileStamp.of(file).mtime_ns for file in _weights(run))
    except (OSError, ValueError):
        return False
    return saved >= last and is_whole(run)


def _weights(folder: Path) -> list[Path]:
    return [path for path in model_files(folder) if path.suffix == ".safetensors"]


def _is_marked(folder: Path, name: str) -> bool:
    try:
        marked = FileStamp.of(folder / name).mtime_ns
        return all(FileStamp.of(f).mtime_ns <= marked for f in model_files(folder))
    except OSError:
        return False


def _is_as_long_as_said(file: Path) -> bool:
    tensors = read_header(file).values()
    with file.open("rb") as stream:
        header = int.from_bytes(stream.read(LENGTH), "little")
    ends = [tensor["data_offsets"][1] for tensor in tensors]
    return file.stat().st_size == LENGTH + header + max(ends, default=0)


def _trainer_state(checkpoint: Path) -> dict[str, Json]:
    try:
        text = (checkpoint / TRAINER_STATE).read_text(encoding="utf-8")
        state = json.loads(text)
    except (OSError, ValueError, RecursionError):
        return {}
    return state if isinstance(state, dict) else {}


def _order(folder: Path) -> tuple[bool, int, int, str]:
    step = step_of(folder)
    if step is not None:
        return (False, step, 0, str(folder))
    changed = max((file.mtime_ns for file in state_of(folder)), default=0)
    return (True, 0, changed, str(folder))
