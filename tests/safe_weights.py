"""Checkpoint folders for the echo backend whose weights are real safetensors files."""

from __future__ import annotations

import json
import os
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def weights(word: str) -> bytes:
    """A safetensors file that holds a word."""
    data = word.encode()
    about = {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]}
    header = json.dumps({word: about}).encode()
    return struct.pack("<Q", len(header)) + header + data


def write_shards(folder: Path, word: str, shards: int = 1, last: int = 0) -> Path:
    """A checkpoint; with `last`, so many shards are still missing.

    The index comes last, as save_pretrained writes it, unless it is there already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text('{"model_type": "echo"}')
    if shards == 1:
        replace(folder / "model.safetensors", weights(word))
        return folder
    names = [f"model-{n + 1:05}-of-{shards:05}.safetensors" for n in range(shards)]
    for number, name in enumerate(names[: shards - last]):
        replace(folder / name, weights(f"{word}{number}"))
    index = {"weight_map": {f"{word}{n}": name for n, name in enumerate(names)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def replace(path: Path, content: bytes) -> None:
    """Write a file; another mtime also where clocks are coarse."""
    path.write_bytes(content)
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))


def write_state(folder: Path, step: int, last: int, **more: object) -> None:
    """The trainer's state, which it writes last."""
    state = {"global_step": step, "max_steps": last, **more}
    (folder / "trainer_state.json").write_text(json.dumps(state))
