"""What a run was trained on, told apart by the contents of its data files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.identity import FileStamp, content_hash, file_hash

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping, Sequence

    from harness.types import Json

NAMES = (
    *("train_file", "train_files", "training_file", "train_data", "training_data"),
    *("train_dataset", "train_path", "train_data_path", "data_path", "data_file"),
    *("data_files", "dataset_path", "dataset", "datasets", "dataset_name", "data"),
)
"""Settings that name the training data, the surest first."""
MOST_BYTES = 5_000_000_000
"""Of a file that is read for its hash, which takes some seconds."""
DIGITS = 12
"""Of the hash, enough to tell any two files apart."""


def data_fingerprint(
    values: Mapping[str, Json],
    places: Sequence[Path],
    hashes: MutableMapping[FileStamp, str],
) -> str | None:
    """What tells the training data of one run from that of another.

    Args:
        values: settings, inner keys after a dot; lists joined by commas.
        places: folders from which a file's relative path may start.
        hashes: those of files that were read before; of the others they are added.

    Returns:
        Digits of the hash of the file that a setting names, or of all of several;
        its name where that is none here, as of a data set; None where none does.
    """
    inner = {name.rpartition(".")[2]: name for name in reversed([*values])}
    for name in NAMES:
        told = values.get(name, values.get(inner.get(name, "")))
        if isinstance(told, str) and told:
            files = [_file(part.strip(), places) for part in told.split(",")]
            found = [_hash(file, hashes) for file in files if file is not None]
            whole = len(found) == len(files)
            return content_hash(*sorted(found))[:DIGITS] if whole else told
    return None


def _hash(file: Path, hashes: MutableMapping[FileStamp, str]) -> str:
    stamp = FileStamp.of(file)
    if stamp not in hashes:
        hashes[stamp] = file_hash(file)
    return hashes[stamp]


def _file(name: str, places: Sequence[Path]) -> Path | None:
    for place in places:
        try:
            path = (place / Path(name).expanduser()).resolve()
            if path.is_file() and path.stat().st_size <= MOST_BYTES:
                path.open("rb").close()
                return path
        except (OSError, ValueError, RuntimeError):
            continue
    return None
