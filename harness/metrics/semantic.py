"""Semantic: how near an output comes to a reference, by sentence embeddings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import FAILURES, InputError, MetricError, MissingPackage, Unscorable
from harness.identity import fingerprint
from harness.metrics.base import NO_REFERENCE, BatchedMean, metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from harness.metrics.base import Judged
    from harness.types import Item, Tally

MODULES = "modules.json"
"""The file that makes a folder a sentence-transformers model."""
WEIGHING = (".json", ".safetensors", ".bin", ".txt", ".model")
"""Kinds of files that a vector can depend on."""
FETCH = (
    'fetch it once with: python -c "from sentence_transformers import '
    "SentenceTransformer; SentenceTransformer('{}')\", or give the path of its folder"
)


@metrics.register("semantic")
@dataclass(frozen=True)
class Semantic(BatchedMean):
    """Cosine of the embeddings of output and nearest reference, -1 to 1.

    By sentence-transformers (Reimers and Gurevych 2019), in float32. What is near
    need not be right: "turn it on" and "turn it off" are very near.
    """

    name = "semantic"
    costly = True
    model: str = ""
    """Folder of a sentence-transformers model, from the task's folder, or the name of
    one that was fetched before; every task has to say it. Nothing is downloaded."""
    truncate: bool = False
    """Whether texts longer than the model reads are cut; else they are unscored."""

    def __post_init__(self) -> None:
        """Refuse to do without a model.

        Raises:
            InputError: says how to name one.
        """
        super().__post_init__()
        if not self.model:
            raise InputError(
                "metric 'semantic' needs the setting 'model', as in "
                "{semantic: {model: sentence-transformers/all-MiniLM-L6-v2}}"
            )

    def beside(self, folder: Path) -> Semantic:
        """With the folder that holds the model.

        Raises:
            InputError: there is none; says how to get it.
            MissingPackage: sentence-transformers is not installed.
        """
        return replace(self, model=str(_folder_of(self.model, folder)))

    @property
    def signature(self) -> str:
        """`semantic|model:HASH OF ITS FILES|truncate:...|v1`."""
        model = f"model:{self._fingerprint[:8]}"
        return f"{self.name}|{model}|truncate:{self.truncate}|{self.version}"

    def tallies(self, judged: Sequence[Judged]) -> list[Tally | Unscorable]:
        """[cosine, 1], or the reason for none, for each output.

        Raises:
            MetricError: the model cannot be loaded, or fails.
        """
        texts = {
            text: None
            for item, output in judged
            if item.references
            for text in (output, *item.references)
        }
        vectors = self._vectors(list(texts)) if texts else {}
        return [_tally(item, output, vectors) for item, output in judged]

    def _vectors(
        self, texts: Sequence[str]
    ) -> dict[str, NDArray[np.float64] | Unscorable]:
        """A unit vector, or the reason for none, for each text."""
        from safetensors import SafetensorError

        try:
            model = _load(str(self._folder), self._fingerprint)
            long = {} if self.truncate else _too_long(model, texts)
            short = [text for text in texts if text not in long]
            rows = model.encode(short, show_progress_bar=False) if short else []
        except (SafetensorError, *FAILURES) as error:
            raise MetricError(self.name, f"({self._folder}) failed", error) from error
        units = (_unit(np.asarray(row, dtype=np.float64)) for row in rows)
        return {**long, **dict(zip(short, units, strict=True))}

    @cached_property
    def _folder(self) -> Path:
        return _folder_of(self.model, Path())

    @cached_property
    def _fingerprint(self) -> str:
        return fingerprint(_files(self._folder))


def _tally(
    item: Item, output: str, vectors: Mapping[str, NDArray[np.float64] | Unscorable]
) -> Tally | Unscorable:
    if not item.references:
        return Unscorable(NO_REFERENCE)
    found = []
    for text in (output, *item.references):
        vector = vectors[text]
        if isinstance(vector, Unscorable):
            return vector
        found.append(vector)
    written, *wanted = found
    nearest = max(float(written @ one) for one in wanted)
    return np.array([min(1.0, max(-1.0, nearest)), 1.0])


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64] | Unscorable:
    length = np.linalg.norm(vector)
    if not np.isfinite(length) or length == 0:
        return Unscorable("the model gives a text a vector without direction")
    return np.asarray(vector / length)


def _too_long(model: Any, texts: Sequence[str]) -> dict[str, Unscorable]:
    """Texts of which the model would read the beginning only."""
    most = model.max_seq_length
    if most is None or most == inf:
        return {}
    before = model.prompts.get(model.default_prompt_name) or ""
    whole = [before + text for text in texts]
    tokens = model.tokenizer(whole, truncation=False, verbose=False)["input_ids"]
    return {
        text: Unscorable(
            f"a text has {len(ids)} tokens, but the model reads {most}; "
            "'truncate: true' cuts it"
        )
        for text, ids in zip(texts, tokens, strict=True)
        if len(ids) > most
    }


@lru_cache(maxsize=2)
def _load(folder: str, fingerprint: str) -> Any:
    """The model, loaded once for all metrics and tasks that use it."""
    del fingerprint  # another one is another model
    from sentence_transformers import SentenceTransformer

    from harness.backends.transformers import quiet

    with quiet():
        return SentenceTransformer(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"dtype": "float32", "use_safetensors": True},
        )


def _folder_of(model: str, base: Path) -> Path:
    """The folder that a path or a name means."""
    if find_spec("sentence_transformers") is None:
        raise MissingPackage("Metric 'semantic'", "semantic")
    folder = base / Path(model).expanduser()
    if not folder.is_dir():
        folder = _cached(model, folder)
    if not (folder / MODULES).is_file():
        raise InputError(
            f"it holds no sentence-transformers model: there is no {MODULES}",
            file=folder,
        )
    return folder.resolve()


def _cached(name: str, folder: Path) -> Path:
    """Where a model lies that was fetched from the hub before."""
    from huggingface_hub import snapshot_download

    full = name if "/" in name else f"sentence-transformers/{name}"
    try:
        return Path(snapshot_download(full, local_files_only=True))
    except FAILURES:
        raise InputError(
            "metric 'semantic': no such folder, and no model of that name on this "
            f"machine; {FETCH.format(full)}",
            file=folder,
        ) from None


def _files(folder: Path) -> list[Path]:
    """The files of a model that decide its vectors, at any depth."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix in WEIGHING
        # What a trainer leaves beside the model it saved.
        and not any(p.startswith("checkpoint-") for p in file.relative_to(folder).parts)
    )
