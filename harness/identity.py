"""What makes two things the same: ids and fingerprints made from content alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping
    from pathlib import Path

    from harness.types import Json

MODEL_FILES = (
    "config.json",
    "generation_config.json",
    "*.safetensors",
    "*.safetensors.index.json",
    "adapter_config.json",
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "*.model",
    "chat_template*",
)
"""The files of a checkpoint folder that change what its model writes."""


def content_hash(*parts: Json) -> str:
    """32 hexadecimal digits that stand for the parts and their order."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate is legal in JSON input and must not stop the hashing.
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What tells, without reading it, that a file is still the same."""

    path: str
    """Absolute path."""
    size: int
    """Bytes."""
    mtime_ns: int
    """Last change, in nanoseconds."""
    inode: int
    """Number in the file system; another after the file was replaced."""

    @classmethod
    def of(cls, path: Path) -> FileStamp:
        """The stamp of a file as it is now."""
        stat = path.stat()
        return cls(str(path.resolve()), stat.st_size, stat.st_mtime_ns, stat.st_ino)


def model_files(folder: Path) -> list[Path]:
    """The files in a checkpoint folder that decide what its model writes, by name."""
    found = {path for pattern in MODEL_FILES for path in folder.glob(pattern)}
    return sorted(path for path in found if path.is_file())


def all_files(path: Path) -> list[Path]:
    """The file itself, or all in a folder; not those that are or lie hidden."""
    if path.is_file():
        return [path]
    return sorted(
        file
        for file in path.rglob("*")
        if file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )


def fingerprint(
    files: Iterable[Path], known: MutableMapping[FileStamp, str] | None = None
) -> str:
    """Hash of the files' names and contents.

    `known` remembers the hash of each file by its stamp, so that an unchanged
    file of many gigabytes is read once.
    """
    known = {} if known is None else known
    hashes = []
    for path in files:
        stamp = FileStamp.of(path)
        if stamp not in known:
            known[stamp] = file_hash(path)
        hashes.append([path.name, known[stamp]])
    return content_hash(*hashes)


def file_hash(path: Path) -> str:
    """32 hexadecimal digits that stand for a file's contents."""
    digest = blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
