"""Checks of a checkpoint folder that need no model library, only its files."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from harness.backends.code import (
    check_code,
    is_known_model,
    is_known_tokenizer,
    python_files,
)
from harness.backends.loading import AUTOMATIC
from harness.errors import CheckpointError
from harness.identity import model_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.backends.loading import Loading
    from harness.types import Json

TOKENIZER_FILES = ("tokenizer*", "vocab*", "*.model")
LENGTH = 8
"""Bytes at the start of a safetensors file, which give its header's length."""
LONGEST_HEADER = 100_000_000
"""Bytes; the limit that the safetensors library sets."""
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
PICKLED = ".bin"
_MALFORMED = (ValueError, KeyError, IndexError, TypeError, AttributeError)
SHOWN = 5
"""Names that a message lists."""


@dataclass(frozen=True, slots=True)
class CheckpointFolder:
    """Where the parts of a model lie that can, as far as files tell, be loaded."""

    path: Path
    """The folder as it was named."""
    model: Path
    """Folder of the full model: the same, or the base of an adapter."""
    tokenizer: Path
    """Folder of the tokenizer's files."""
    weights: tuple[Path, ...]
    """Files of the full model's weights."""
    adapter: Path | None
    """Weights of the PEFT adapter that the folder holds, if it holds one."""
    code: tuple[Path, ...]
    """Python files that may be run; empty unless a user trusts them."""

    @property
    def is_adapter(self) -> bool:
        """Whether the folder holds a PEFT adapter instead of a full model."""
        return self.adapter is not None

    @property
    def is_pickled(self) -> bool:
        """Whether the full model's weights are."""
        return self.weights[0].suffix == PICKLED

    @property
    def files(self) -> list[Path]:
        """All files that change what the model writes."""
        files = model_files(self.path)
        if self.is_adapter:
            files += model_files(self.model)
        if self.tokenizer not in (self.path, self.model):
            files += _tokenizer_files(self.tokenizer)
        read = [*self.weights, *([self.adapter] if self.adapter else [])]
        files += [file for file in read if file.suffix == PICKLED]
        return [*files, *self.code]

    @property
    def weights_dtype(self) -> str:
        """What most of the weights are stored as, in safetensors' words (`BF16`).

        Of pickled weights it is what config.json says, since nothing is unpickled
        before the model is loaded.
        """
        if self.is_pickled:
            config = read_json(self.model / "config.json")
            said = config.get("dtype") or config.get("torch_dtype")
            return {"bfloat16": "BF16", "float16": "F16"}.get(str(said), "F32")
        weights = Counter(F32=0)
        for shard in self.weights:
            for tensor in read_header(shard).values():
                weights[tensor["dtype"]] += prod(tensor["shape"])
        return weights.most_common(1)[0][0]


def inspect_folder(path: Path, loading: Loading = AUTOMATIC) -> CheckpointFolder:
    """What can be loaded from the folder; runs and unpickles nothing.

    Args:
        path: the folder.
        loading: says whether code and pickled weights are trusted.

    Raises:
        CheckpointError: nothing can; says what is missing and how to get it.
    """
    if not path.is_dir():
        raise CheckpointError(_no_folder(path))
    adapter = None
    model = path
    if (path / "adapter_config.json").is_file():
        adapter = _adapter_weights(path, pickles=loading.allow_pickle)
        model = base_of(path)
    trusted = loading.trust_remote_code
    _check_config(model, trusted=trusted)
    weights = weight_files(model, pickles=loading.allow_pickle)
    tokenizer = _find_tokenizer(path, model)
    _check_tokenizer(tokenizer, trusted=trusted)
    code = python_files([path, model], tokenizer) if trusted else []
    return CheckpointFolder(
        path, model, tokenizer, tuple(weights), adapter, tuple(code)
    )


def weight_files(folder: Path, *, pickles: bool = False) -> list[Path]:
    """The files that hold a full model's weights: safetensors, where there are any.

    Args:
        folder: the model's.
        pickles: whether pickled weights will do where there are no others.

    Raises:
        CheckpointError: there are none, or not all that the index names.
    """
    for name in WEIGHTS:
        files = _weights_named(folder, name)
        if files and files[0].suffix == PICKLED:
            if not pickles:
                raise CheckpointError(f"{folder}: the weights are pickled{_ALLOW}")
            return files
        if files:
            for file in files:
                read_header(file)
            return files
    raise CheckpointError(_no_weights(folder))


def _weights_named(folder: Path, name: str) -> list[Path]:
    """The file of that name, else those that its index names, else none."""
    index = folder / f"{name}.index.json"
    if (folder / name).is_file():
        return [folder / name]
    if not index.is_file():
        return []
    names = read_json(index).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise CheckpointError(f"{index}: there is no 'weight_map' in it. {_RESAVE}")
    shards = sorted({str(name) for name in names.values()})
    # An index from elsewhere must not reach for files outside its folder.
    missing = [s for s in shards if Path(s).name != s or not (folder / s).is_file()]
    if missing:
        raise CheckpointError(
            f"{folder}: {len(missing)} of the {len(shards)} weight files that "
            f"{index.name} names are missing, the first is '{missing[0]}'. "
            "Copy the whole folder, or wait until it is written."
        )
    kind = Path(name).suffix
    for shard in shards:
        if Path(shard).suffix != kind:
            raise CheckpointError(f"{index}: '{shard}' is no {kind} file. {_RESAVE}")
    return [folder / shard for shard in shards]


def read_header(file: Path) -> Mapping[str, Mapping[str, Any]]:
    """Name to `dtype`, `shape` and `data_offsets` of a safetensors file's tensors.

    Raises:
        CheckpointError: the file is cut short or is no safetensors file.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(LENGTH), "little")
        if size < LENGTH or not 0 < length <= LONGEST_HEADER:
            raise CheckpointError(f"{file}: this is no safetensors file. {_RESAVE}")
        header = stream.read(length)
    if len(header) < length:
        raise CheckpointError(_cut_short(file, LENGTH + length, size))
    try:
        tensors = json.loads(header)
        tensors.pop("__metadata__", None)
        ends = (t["data_offsets"][1] for t in tensors.values())
        wanted = LENGTH + length + max(ends, default=0)
    except (*_MALFORMED, RecursionError) as error:
        raise CheckpointError(
            f"{file}: its header cannot be read ({error}). {_RESAVE}"
        ) from None
    if size < wanted:
        raise CheckpointError(_cut_short(file, wanted, size))
    return cast("Mapping[str, Mapping[str, Any]]", tensors)


def read_json(file: Path) -> dict[str, Json]:
    """The object in a JSON file.

    Raises:
        CheckpointError: it cannot be read or holds something else.
    """
    try:
        content = json.loads(file.read_text("utf-8"))
    except UnicodeDecodeError:
        raise CheckpointError(f"{file}: this is not UTF-8 text. {_RESAVE}") from None
    except json.JSONDecodeError as error:
        raise CheckpointError(
            f"{file}:{error.lineno}: this is not JSON ({error.msg}). {_RESAVE}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{file}: this is too much ({error}). {_RESAVE}"
        ) from None
    if not isinstance(content, dict):
        raise CheckpointError(f"{file}: this must be a JSON object. {_RESAVE}")
    return content


_RESAVE = "Save the checkpoint anew."
_ALLOW = (
    ", and pickles may hold foreign code. Where you trust them, add --allow-pickle, "
    "which reads tensors alone; better, save the model anew with a newer transformers "
    "or peft (save_pretrained), which writes safetensors."
)


def _no_folder(path: Path) -> str:
    if path.exists():
        return f"{path} is a file. A checkpoint is a folder with config.json in it."
    parent = path.absolute().parent
    if not parent.is_dir():
        return f"There is no folder {path}; {parent} does not exist either."
    siblings = [p.name for p in parent.iterdir() if p.is_dir()]
    near = get_close_matches(path.name, siblings, n=1, cutoff=0.5)
    hint = f" Did you mean {path.with_name(near[0])}?" if near else ""
    return f"There is no folder {path}.{hint}"


def _cut_short(file: Path, wanted: int, size: int) -> str:
    return (
        f"{file} is cut short: its header speaks of {wanted} bytes, it has {size}. "
        "Copy it again, or wait until it is written."
    )


def _check_config(folder: Path, *, trusted: bool) -> None:
    file = folder / "config.json"
    if not file.is_file():
        raise CheckpointError(_no_config(folder))
    config = read_json(file)
    kind = config.get("model_type")
    if not isinstance(kind, str):
        raise CheckpointError(
            f"{file}: 'model_type' is missing, so nobody can tell which model this is. "
            "Copy config.json from the base model."
        )
    if str(config.get("transformers_weights") or "").endswith(PICKLED):
        raise CheckpointError(
            f"{file}: 'transformers_weights' names a pickled file. Take it out."
        )
    check_code(file, config, trusted=trusted, known=lambda: is_known_model(kind))
    generation = folder / "generation_config.json"
    if generation.is_file():
        read_json(generation)


def _check_tokenizer(folder: Path, *, trusted: bool) -> None:
    file = folder / "tokenizer_config.json"
    if not file.is_file():
        return
    config = read_json(file)
    name = str(config.get("tokenizer_class"))
    check_code(file, config, trusted=trusted, known=lambda: is_known_tokenizer(name))


def _no_config(folder: Path) -> str:
    inside = sorted(p.parent.name for p in folder.glob("*/config.json"))
    if inside:
        return (
            f"{folder} is no checkpoint but holds some: {', '.join(inside[:SHOWN])}"
            f"{', ...' if len(inside) > SHOWN else ''}. Name one of them."
        )
    return (
        f"{folder}: there is no config.json, so this is no checkpoint. "
        "Save one with model.save_pretrained(folder) or Trainer.save_model(folder)."
    )


def _no_weights(folder: Path) -> str:
    if _has(folder, ["pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt"]):
        return (
            f"{folder}: the weights are pickled, and not as transformers names them. "
            "Convert them where you trust them: load the model with transformers and "
            "call model.save_pretrained(new_folder), which writes safetensors."
        )
    if _has(folder, ["pytorch_model_fsdp_*", "global_step*", "*.distcp"]):
        return (
            f"{folder}: the weights are still divided among processes. Join them with "
            "'accelerate merge-weights' (FSDP) or zero_to_fp32.py (DeepSpeed)."
        )
    return (
        f"{folder}: there are no weights (model.safetensors). "
        "Copy the whole folder, or wait until it is written."
    )


def _adapter_weights(folder: Path, *, pickles: bool) -> Path:
    weights = folder / "adapter_model.safetensors"
    pickled = folder / "adapter_model.bin"
    if weights.is_file():
        read_header(weights)
        return weights
    if not pickled.is_file():
        raise CheckpointError(
            f"{folder}: the adapter has no adapter_model.safetensors. "
            "Save it anew with peft's model.save_pretrained(folder)."
        )
    if not pickles:
        raise CheckpointError(f"{folder}: the adapter's weights are pickled{_ALLOW}")
    return pickled


def base_of(folder: Path) -> Path:
    """Folder of an adapter's base model.

    Raises:
        CheckpointError: its configuration names none that is here.
    """
    file = folder / "adapter_config.json"
    base = read_json(file).get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise CheckpointError(
            f"{file}: 'base_model_name_or_path' is missing. Set it to the folder of "
            "the model that the adapter was trained on."
        )
    places = [Path(base), folder / base, *_in_hub_cache(base)]
    for place in places:
        if (place / "config.json").is_file():
            return place
    raise CheckpointError(
        f"{file}: the base model '{base}' is neither a folder nor in the local Hugging "
        "Face cache. Set 'base_model_name_or_path' to the folder that holds it."
    )


def _in_hub_cache(name: str) -> Iterable[Path]:
    try:
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(name, "config.json")
    except (ImportError, ValueError):
        return []
    return [Path(found).parent] if isinstance(found, str) else []


def _find_tokenizer(path: Path, model: Path) -> Path:
    # A Trainer without `processing_class` leaves the tokenizer to its own folder.
    for folder in (path, model, path.absolute().parent):
        if _tokenizer_files(folder):
            return folder
    raise CheckpointError(
        f"{path}: there is no tokenizer. Pass processing_class=tokenizer to the "
        "Trainer, or copy the base model's tokenizer files there."
    )


def _tokenizer_files(folder: Path) -> list[Path]:
    patterns = (*TOKENIZER_FILES, "special_tokens_map.json", "chat_template*")
    if not _has(folder, TOKENIZER_FILES):
        return []
    found = {path for pattern in patterns for path in folder.glob(pattern)}
    return sorted(path for path in found if path.is_file())


def _has(folder: Path, patterns: Iterable[str]) -> bool:
    return any(True for pattern in patterns for _ in folder.glob(pattern))
