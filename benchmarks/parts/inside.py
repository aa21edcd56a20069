"""What generation.py measures inside one process, printed as a line of JSON.

inside.py generate CHECKPOINT TASK BATCH   the harness, and a bare loop
inside.py overhead ARGUMENT...             the command's time by parts
"""

from __future__ import annotations

import builtins
import importlib
import json
import sys
import time
from contextlib import suppress
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.types import Generation, Item


def generate(checkpoint: str, task: str, batch: str) -> dict[str, float]:
    """Seconds that the harness and a bare loop take for the same answers."""
    from pathlib import Path

    from harness.backends import Request, backends
    from harness.task import load_items, load_task

    read = load_task(Path(task) / "task.yaml")
    items, settings = load_items(read), read.generation
    model: Any = backends["transformers"].load(checkpoint)
    bare = _Bare(model.network, model.codec.tokenizer, int(batch))
    for wanted in (items[:32], items):  # once to warm up
        begin = time.perf_counter()
        written = {
            one.item: one.text
            for group in model.generate([Request(item) for item in wanted], settings)
            for one in group
        }
        middle = time.perf_counter()
        expected = bare.answers(wanted, settings)
        end = time.perf_counter()
    differing = sum(written[id_] != text for id_, text in expected.items())
    # Equal logits may be ordered differently by another batch; no more than that.
    if differing > len(items) // 50:
        sys.exit(f"{differing} answers differ from those of model.generate")
    return {"harness": middle - begin, "bare": end - middle}


class _Bare:
    """`model.generate` in batches sorted by length, and nothing else."""

    def __init__(self, network: Any, tokenizer: Any, batch: int) -> None:
        self.network, self.tokenizer, self.batch = network, tokenizer, batch
        tokenizer.padding_side = "left"
        tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token

    def answers(self, items: list[Item], settings: Generation) -> dict[str, str]:
        """Item to answer."""
        [stop] = settings.stop
        ends = [self.tokenizer.eos_token_id] + [
            token
            for piece, token in self.tokenizer.get_vocab().items()
            if stop in self.tokenizer.convert_tokens_to_string([piece])
        ]
        found = {}
        lengths = {
            item.id: len(self.tokenizer(item.prompt).input_ids) for item in items
        }
        waiting = sorted(items, key=lambda item: lengths[item.id])
        for start in range(0, len(waiting), self.batch):
            group = waiting[start : start + self.batch]
            read = self.tokenizer(
                [item.prompt for item in group], padding=True, return_tensors="pt"
            )
            tokens = self.network.generate(
                input_ids=read.input_ids,
                attention_mask=read.attention_mask,
                max_new_tokens=settings.max_new_tokens,
                do_sample=False,
                eos_token_id=ends,
                pad_token_id=self.tokenizer.pad_token_id,
            )
            for item, row in zip(group, tokens, strict=True):
                new = row[read.input_ids.shape[1] :]
                text = self.tokenizer.decode(new, skip_special_tokens=True)
                found[item.id] = text.split(stop)[0]
        return found


class _Clock:
    """Seconds of the main thread in calls of some kind, nested ones counted once."""

    def __init__(self, without: _Clock | None = None) -> None:
        """`without`: a clock whose time does not count here."""
        self.total = 0.0
        self.without = without
        self.running = False

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, timed."""

        def timed(*args: Any, **settings: Any) -> Any:
            if self.running or current_thread() is not main_thread():
                return call(*args, **settings)
            begin, self.running = self._now(), True
            try:
                return call(*args, **settings)
            finally:
                self.total, self.running = self.total + self._now() - begin, False

        return timed

    def along(self, stream: Callable[..., Iterator[Any]]) -> Callable[..., Any]:
        """The iterator that the call gives, timed at each step."""

        def timed(*args: Any) -> Iterator[Any]:
            steps = stream(*args)
            following = self.around(lambda: next(steps, None))
            while (one := following()) is not None:
                yield one

        return timed

    def _now(self) -> float:
        return time.perf_counter() - (self.without.total if self.without else 0.0)


def overhead(*arguments: str) -> dict[str, float]:
    """Seconds of `harness ARGUMENT...`: in all, imports, the model, and the rest."""
    begin = time.perf_counter()
    imports = _Clock()
    model = _Clock(without=imports)
    builtins.__import__ = imports.around(builtins.__import__)
    importlib.import_module = imports.around(importlib.import_module)
    from harness import cli
    from harness.backends.transformers import TransformersBackend, TransformersModel

    TransformersBackend.load = model.around(TransformersBackend.load)
    for name in ("generate", "loglikelihood"):
        setattr(TransformersModel, name, model.along(getattr(TransformersModel, name)))
    sys.argv = ["harness", *arguments]
    with suppress(SystemExit):
        cli.main()
    parts = {"imports": imports.total, "model": model.total}
    whole = time.perf_counter() - begin
    return parts | {"whole": whole, "overhead": whole - sum(parts.values())}


if __name__ == "__main__":
    kind, *rest = sys.argv[1:]
    print(json.dumps({"generate": generate, "overhead": overhead}[kind](*rest)))
