"""What lies in the folder of a training run, by its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.diagnosis.configuration.reading import newest_checkpoint
from harness.errors import InputError
from harness.study.file import APPLICATION_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

DATA = (".jsonl", ".json", ".csv", ".parquet")
TRAINING = ("train", "sft", "dataset", "data")
HELD_OUT = ("eval", "valid", "val", "dev", "held_out", "held-out", "test")
NOT_DATA = ("state", "config", "result", "log", "metric", "event", "token", "vocab")
"""Parts of names of files that have a data file's ending and are none."""
TOKENIZER = "tokenizer.json"
MOST = 2_000
"""Files of a folder that are looked at."""
STUDY = ".db"
MARKED = slice(68, 72)
"""Bytes of an SQLite file that say whose it is."""


@dataclass(frozen=True, slots=True)
class RunFiles:
    """Files of a run; None where there is none of the kind."""

    data: Path | None = None
    """Training data."""
    held_out: Path | None = None
    """Held-out data."""
    tokenizer: Path | None = None
    """Folder of the newest checkpoint's tokenizer, or of the run's."""
    study: Path | None = None
    """The only study in the folder; of several none is chosen."""


def find_files(folder: Path) -> RunFiles:
    """Training and held-out data in a run's folder by their names, and its study.

    Raises:
        InputError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(
            "there is no such folder; it is to be that of a training run", file=folder
        )
    files = list(_files(folder))
    names = [file for file in files if _may_be_data(file)]
    studies = [file for file in files if file.suffix == STUDY and _is_study(file)]
    places = (newest_checkpoint(folder), folder)
    return RunFiles(
        data=_named(names, TRAINING),
        held_out=_named(names, HELD_OUT),
        tokenizer=next((one for one in places if (one / TOKENIZER).is_file()), None),
        study=studies[0] if len(studies) == 1 else None,
    )


def _files(folder: Path) -> Iterator[Path]:
    """The files of the folder and of one named `data` in it."""
    for place in (folder, folder / "data"):
        if place.is_dir():
            found = sorted(place.iterdir())[:MOST]
            yield from (file for file in found if file.is_file())


def _may_be_data(file: Path) -> bool:
    name = file.name.lower()
    return file.suffix.lower() in DATA and not any(one in name for one in NOT_DATA)


def _is_study(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            head = opened.read(MARKED.stop)
    except OSError:
        return False
    return head[MARKED] == APPLICATION_ID.to_bytes(4, "big")


def _named(files: Iterable[Path], words: Iterable[str]) -> Path | None:
    known = list(files)
    for word in words:
        for file in known:
            if file.stem.lower().startswith(word):
                return file
    return None
