"""Python code that comes with a checkpoint: found, refused, or allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from harness.types import Json

LOADED = frozenset(
    {"AutoConfig", "AutoModelForCausalLM", "AutoModelForSeq2SeqLM", "AutoTokenizer"}
)
"""Entries of an `auto_map` that loading looks at."""


def check_code(
    file: Path,
    config: Mapping[str, Json],
    *,
    trusted: bool,
    known: Callable[[], bool],
) -> None:
    """Refuse code that a config asks for, unless it is trusted or not needed.

    Args:
        file: the config's.
        config: what it says.
        trusted: whether code in the folder may be run.
        known: whether transformers has the class itself, so that none is needed.

    Raises:
        CheckpointError: code is needed and not trusted, or lies at a hub.
    """
    wanted = list(_references(config.get("auto_map")))
    if not wanted:
        return
    if not trusted and not known():
        raise CheckpointError(
            f"{file}: the checkpoint needs code of its own ('auto_map'), which may do "
            "anything on this machine. Read it, and where you trust it, add "
            "--trust-remote-code."
        )
    elsewhere = [reference for reference in wanted if "--" in reference]
    if trusted and elsewhere:
        raise CheckpointError(
            f"{file}: the code '{elsewhere[0]}' lies at a hub, from where nothing is "
            "fetched. Copy its .py files into the folder, and take what stands before "
            "'--' out of 'auto_map'."
        )


def python_files(models: Iterable[Path], tokenizer: Path) -> list[Path]:
    """All that a checkpoint's code may be made of, by folder and name."""
    folders = list(dict.fromkeys(models))
    found = [file for folder in folders for file in sorted(folder.rglob("*.py"))]
    # A run folder may lend its tokenizer; what lies below it is other checkpoints'.
    return found if tokenizer in folders else [*found, *sorted(tokenizer.glob("*.py"))]


def is_known_model(model_type: str) -> bool:
    """Whether transformers has that architecture itself."""
    try:
        from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
    except ImportError:
        return True  # loading will ask for the package
    return model_type in CONFIG_MAPPING_NAMES


def is_known_tokenizer(name: str) -> bool:
    """Whether transformers has a tokenizer class of that name itself."""
    try:
        from transformers.models.auto.tokenization_auto import tokenizer_class_from_name
    except ImportError:
        return True  # loading will ask for the package
    bare = name.removesuffix("Fast")
    found = map(tokenizer_class_from_name, (name, bare, f"{bare}Fast"))
    return any(one and one.__module__.startswith("transformers.") for one in found)


def _references(auto_map: Json) -> Iterator[str]:
    """The classes that loading would take from the map, as `[REPOSITORY--]FILE.CLASS`.

    A list is an older form, of a tokenizer and its faster twin.
    """
    entries = auto_map if isinstance(auto_map, dict) else {"AutoTokenizer": auto_map}
    for name, entry in entries.items():
        if name in LOADED:
            classes = entry if isinstance(entry, list) else [entry]
            yield from (one for one in classes if isinstance(one, str))
