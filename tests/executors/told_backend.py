"""A backend that does as its checkpoint's file says: answers, waits, fails, dies.

A checkpoint is a folder with `told.json`, which may hold: `word`, put before each
answer; `seconds` that a batch takes; `dies_at` and `fails_at`, keys of items at which
the process is killed, once or `dies_always`, or an error raised; `notes`: processes
are written down; and `..._elsewhere`: a process from which others differ in what they
find. What is written lies hidden, so that the checkpoint stays what it is.
"""

import json
import os
import signal
import time
from pathlib import Path

from harness.backends import Backend, Generated, Model, Scored
from harness.errors import CheckpointError


class Told(Backend):
    """Runs folders that hold told.json."""

    name = "told"

    def with_loading(self, loading):
        return self

    def fingerprint(self, location, known):
        if is_elsewhere(location, "missing"):
            raise CheckpointError(f"{location}: there is no such folder.")
        found = super().fingerprint(location, known)
        return found + "-other" * is_elsewhere(location, "others")

    def identity(self, location):
        other = is_elsewhere(location, "bfloat16")
        return {"backend": "told", "dtype": "bfloat16" if other else "float32"}

    def load(self, location):
        if is_elsewhere(location, "missing"):
            raise CheckpointError(f"{location}: there is no such folder.")
        folder, told = Path(location), told_by(location)
        if told.get("notes"):
            with (folder / ".pids").open("a") as file:
                file.write(f"{os.getpid()}\n")
            (folder / ".auth").write_text(os.environ.get("RAY_AUTH_MODE", "none"))
        return ToldModel(folder, told)


class ToldModel(Model):
    """Answers by the item and the sample alone."""

    def __init__(self, folder, told):
        self.folder = folder
        self.told = told

    def generate(self, requests, settings):
        for batch in self._batches(requests):
            yield [self._answer(one, settings) for one in batch]

    def loglikelihood(self, passages):
        for batch in self._batches(passages):
            yield [
                Scored(one.item.id, one.target, len(one.text) / 7, len(one.text))
                for one in batch
            ]

    def _batches(self, asked):
        for begin in range(0, len(asked), 3):
            batch = asked[begin : begin + 3]
            time.sleep(self.told.get("seconds", 0))
            self._obey([one.item.key for one in batch])
            yield batch

    def _obey(self, keys):
        if self.told.get("fails_at") in keys:
            raise RuntimeError("CUDA error: an illegal memory access")
        if self.told.get("dies_at") in keys and "TOLD_MERCY" not in os.environ:
            mark = self.folder / ".died"
            if not mark.exists() or self.told.get("dies_always"):
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)

    def _answer(self, request, settings):
        words = [self.told.get("word", "calm"), *request.item.prompt.split()]
        words.append(f"{request.sample}-{settings.seed}")
        return Generated(request.item.id, request.sample, " ".join(words), "stop", 1, 2)


def told_by(location):
    return json.loads((Path(location) / "told.json").read_text())


def is_elsewhere(location, what):
    return told_by(location).get(f"{what}_elsewhere", os.getpid()) != os.getpid()
