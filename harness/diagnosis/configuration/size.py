"""How many parameters a model has, without loading it."""

from __future__ import annotations

import json
import re
from math import prod
from typing import TYPE_CHECKING

from harness.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.types import Json

MOST_HEADER = 100_000_000
"""Bytes of a header, as the format allows."""
MOST_FILES = 1_000
MOST_CONFIG = 1_000_000
IN_NAME = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s?([bm])(?![a-z])", re.IGNORECASE)
"""A size in a model's name, as in `Llama-3.1-8B`."""


def parameters_in(folder: Path) -> tuple[int, str] | None:
    """The model's parameters, and what says so; None where nothing does.

    Counted in the headers of `model*.safetensors`; else estimated from `config.json`.

    Raises:
        InputError: a file that says so cannot be read.
    """
    found = sorted(folder.glob("model*.safetensors"))[:MOST_FILES]
    files = [file for file in found if file.is_file()]  # a pipe would be waited for
    if files:
        return sum(map(_counted, files)), f"{folder.name}/model*.safetensors"
    config = read_config(folder)
    estimated = _estimated(config) if config else None
    return None if estimated is None else (estimated, f"{folder.name}/config.json")


def parameters_in_name(model: str) -> tuple[int, str] | None:
    """The size that a model's name says; None where it says none."""
    found = IN_NAME.findall(model.replace("_", " ").replace("-", " "))
    if not found:
        return None
    number, unit = found[-1]
    return round(float(number) * {"b": 1e9, "m": 1e6}[unit.lower()]), "the model's name"


def read_config(folder: Path) -> Mapping[str, Json]:
    """The model's `config.json`; empty where there is none.

    Raises:
        InputError: it is too large or not JSON with keys.
    """
    path = folder / "config.json"
    if not path.is_file():
        return {}
    content = _bytes(path, MOST_CONFIG + 1)
    if len(content) > MOST_CONFIG:
        raise InputError(f"larger than {MOST_CONFIG // 10**6} MB", file=path)
    return _object(content, path)


def _counted(path: Path) -> int:
    """Parameters in a safetensors file: its header lists the shapes."""
    length = int.from_bytes(_bytes(path, 8), "little")
    if length > MOST_HEADER:
        raise InputError("it is not a safetensors file", file=path)
    header = _object(_bytes(path, length, 8), path)
    tensors = [one for name, one in header.items() if name != "__metadata__"]
    try:
        return sum(prod(map(int, one["shape"])) for one in tensors)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError("it is not a safetensors file", file=path) from error


def _bytes(path: Path, size: int, start: int = 0) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(size)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error


def _object(content: bytes, path: Path) -> dict[str, Json]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError("it does not hold valid JSON", file=path) from error
    if not isinstance(found, dict):
        raise InputError("it must hold keys and values", file=path)
    return found


def _estimated(config: Mapping[str, Json]) -> int | None:
    """Embeddings, attention and feed-forward blocks, as Llamas have them."""
    width = _first(config, ("hidden_size", "n_embd", "d_model"))
    layers = _first(config, ("num_hidden_layers", "n_layer", "num_layers"))
    words = _first(config, ("vocab_size",))
    if not width or not layers or not words:
        return None
    inner = _first(config, ("intermediate_size", "n_inner")) or 4 * width
    matrices = 3 if config.get("hidden_act") == "silu" else 2
    heads = _first(config, ("num_attention_heads", "n_head")) or 1
    shared = (_first(config, ("num_key_value_heads",)) or heads) / heads
    attention = width * width * (2 + 2 * shared)
    tables = 1 if config.get("tie_word_embeddings", True) else 2
    return round(
        tables * words * width + layers * (attention + matrices * width * inner)
    )


def _first(config: Mapping[str, Json], names: Iterable[str]) -> int | None:
    found = (config.get(name) for name in names)
    sizes = (one for one in found if isinstance(one, int) and 0 < one < 10**9)
    return next(sizes, None)
