"""Checkpoints, prompts and answers that the tests of all backends' parts share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from backends.tiny_models import WORDS, save_checkpoint

from harness.backends.base import Request
from harness.backends.loading import Loading
from harness.backends.transformers import TransformersBackend
from harness.types import Item

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Folder of a checkpoint of a kind, made once; tests must not change it."""
    made: dict[str, Path] = {}

    def folder(kind: str = "llama") -> Path:
        if kind not in made:
            made[kind] = save_checkpoint(kind, tmp_path_factory.mktemp(kind))
        return made[kind]

    return folder


@pytest.fixture(scope="session")
def load(checkpoint):
    """Load a kind of checkpoint with a batch size; each pair is loaded once."""
    loaded: dict[tuple[str, int | None], Any] = {}

    def model(kind: str = "llama", batch_size: int | None = None) -> Any:
        key = (kind, batch_size)
        if key not in loaded:
            backend = TransformersBackend(Loading(batch_size=batch_size))
            loaded[key] = backend.load(checkpoint(kind))
        return loaded[key]

    return model


@pytest.fixture(scope="session")
def items() -> list[Item]:
    """Prompts of 1 to about 60 words with references of other lengths, unsorted."""
    counts = [(7 * number) % 23 * 3 + 1 for number in range(24)]
    return [
        Item(
            id=f"item-{number}",
            task="test",
            key=str(number),
            prompt=" ".join(WORDS[(number + i) % len(WORDS)] for i in range(count)),
            references=(" " + " ".join(WORDS[count % 7 : count % 7 + number % 9 + 1]),),
        )
        for number, count in enumerate(counts)
    ]


@pytest.fixture(scope="session")
def answer():
    """Answers of a model by item and sample, once each request is answered once."""

    def answers(model, items, settings, *, samples=1):
        requests = [Request(item, s) for item in items for s in range(samples)]
        batches = list(model.generate(requests, settings))
        assert all(batches)
        given = {(one.item, one.sample): one for batch in batches for one in batch}
        assert sum(map(len, batches)) == len(given) == len(requests)
        return given

    return answers
