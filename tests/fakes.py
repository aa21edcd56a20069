"""A backend without a model, checkpoint folders and tasks for it.

Started as a program it is the command line with that backend, for tests that kill or
interrupt a run: ECHO_SECONDS is the time that a batch takes.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from pathlib import Path

import yaml

from harness import identity
from harness.backends import (
    AUTOMATIC,
    Backend,
    Generated,
    Model,
    Scored,
    backends,
)
from harness.checkpoints import fingerprints
from harness.checkpoints import register as store
from harness.errors import CheckpointError
from harness.study.checkpoints import known_hashes, store_hashes

ROWS = [
    {"id": f"q{n}", "question": f"question {n}", "answer": f"calm question {n}"}
    for n in range(10)
]


class Echo(Backend):
    """Answers with the prompt, behind the word that its weights file holds."""

    name = "transformers"  # stands in for the backend of folders

    def __init__(self, batch_size=3, dtype="float32", seconds=0.0):
        self.batch_size = batch_size
        self.dtype = dtype
        self.seconds = seconds
        self.loads = 0
        self.closed = 0
        self.generated = []
        self.judged = []
        self.fails_after = None
        self.loading = AUTOMATIC

    def with_loading(self, loading):
        self.loading = loading
        return self

    def fingerprint(self, location, known):
        folder = Path(location)
        if not (folder / "config.json").is_file():
            raise CheckpointError(f"{folder}: there is no config.json")
        return identity.fingerprint(identity.model_files(folder), known)

    def identity(self, location):
        asked = self.loading.dtype
        return {"backend": "echo", "dtype": self.dtype if asked == "auto" else asked}

    def load(self, location):
        self.loads += 1
        return EchoModel(self, (Path(location) / "model.safetensors").read_text())


class EchoModel(Model):
    """One folder's word."""

    def __init__(self, backend, word):
        self.backend = backend
        self.word = word

    @property
    def description(self):
        return {**self.backend.identity(None), "device": self.backend.loading.device}

    def generate(self, requests, settings):
        for batch in self._batches(requests):
            self.backend.generated += [(one.item.key, one.sample) for one in batch]
            yield [self._answer(one, settings) for one in batch]

    def loglikelihood(self, passages):
        for batch in self._batches(passages):
            self.backend.judged += [passage.item.key for passage in batch]
            yield [self._judge(passage) for passage in batch]

    def close(self):
        self.backend.closed += 1

    def _batches(self, wanted):
        size = self.backend.batch_size
        for number, start in enumerate(range(0, len(wanted), size)):
            if number == self.backend.fails_after:
                raise RuntimeError("the power is gone")
            time.sleep(self.backend.seconds)
            yield wanted[start : start + size]

    def _answer(self, request, settings):
        words = [self.word, *request.item.prompt.split()]
        if settings.temperature:
            words += [f"sample-{request.sample}", f"seed-{settings.seed}"]
        written = words[: settings.max_new_tokens]
        return Generated(
            item=request.item.id,
            sample=request.sample,
            text=" ".join(written),
            finish="stop" if written == words else "length",
            prompt_tokens=len(request.item.prompt.split()),
            new_tokens=len(written),
            truncated=False,
        )

    def _judge(self, passage):
        tokens = len(passage.text.split())
        nll = tokens * len(self.word) / 4
        return Scored(passage.item.id, passage.target, nll, tokens)


@contextmanager
def in_place_of_transformers(backend):
    """Folders are run by this backend until the block is left."""
    real = backends["transformers"]
    backends.register("transformers")(backend)
    try:
        yield backend
    finally:
        backends.register("transformers")(real)


def register(study, found, *, rehash=False):
    """Store checkpoints as a run does."""
    hashes = {} if rehash else known_hashes(study)
    prints = fingerprints(found, hashes)
    store_hashes(study, hashes)
    return store(study, found, prints)


def write_checkpoint(folder, word="calm"):
    """A folder with the files that a checkpoint has, tiny."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text('{"model_type": "echo"}')
    (folder / "model.safetensors").write_text(word)
    (folder / "tokenizer.json").write_text("{}")
    return folder


def write_task(folder, rows=ROWS, **keys):
    """A task file and its data; returns the path of the task file."""
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / "data.jsonl", rows)
    task = {
        "name": "echo",
        "data": "data.jsonl",
        "prompt": "{{ question }}",
        "references": ["answer"],
        "metrics": ["exact_match"],
        **keys,
    }
    path = folder / "task.yaml"
    path.write_text(yaml.safe_dump(task), encoding="utf-8")
    return path


def write_rows(path, rows):
    """A JSONL file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def main():
    """The command line with this backend."""
    from harness.cli import main as harness

    with in_place_of_transformers(Echo(seconds=float(os.environ["ECHO_SECONDS"]))):
        harness()


if __name__ == "__main__":
    main()
