"""A real, short training of the demo's base model that writes checkpoints slowly.

Started as a program with a folder: `out/checkpoint-N` appear there shard by shard, each
in two halves and the index first; once `overwrite` is there, checkpoint-4 is written
anew in place. `copies` holds every content that ever was.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from safe_weights import write_state

from harness.demo.batches import encode, padded
from harness.demo.model import BASE_FOLDER, load

PROMPTS = [
    "And God said, Let there be light",
    "Behold, thou art fair, my love",
    "And Cain went out from the presence of the LORD",
    "Thou shalt not kill.",
]
ANSWERS = [
    "God said, Let there be light",
    "Behold, you are beautiful, my love",
    "Cain left the LORD's presence",
    "You shall not murder.",
]
LAST = 8
PAUSE = 0.15


def main(folder: Path) -> None:
    """Four checkpoints, and one of them anew."""
    import torch

    torch.set_num_threads(1)
    model, tokenizer = load(BASE_FOLDER)
    pairs = zip(PROMPTS, ANSWERS, strict=True)
    rows = encode([{"source": one, "target": two} for one, two in pairs], tokenizer)
    batch = padded(rows, tokenizer.pad_token_id)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for step in range(1, LAST + 1):
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        names = {2: "2", 4: "4", 6: "6", 7: "4-anew", 8: "8"}
        if step not in names:
            continue
        saved = folder / "copies" / names[step]
        model.save_pretrained(saved, max_shard_size="1MB")
        tokenizer.save_pretrained(saved)
        while saved.name == "4-anew" and not (folder / "overwrite").exists():
            time.sleep(PAUSE)
        number = int(saved.name.partition("-")[0])
        write_slowly(saved, folder / "out" / f"checkpoint-{number}", number)


def write_slowly(saved: Path, target: Path, step: int) -> None:
    """Copy a folder file by file, the index of the weights first."""
    target.mkdir(parents=True, exist_ok=True)
    files = sorted(saved.iterdir(), key=lambda file: "index" not in file.name)
    for file in files:
        content = file.read_bytes()
        with (target / file.name).open("wb") as stream:
            stream.write(content[: len(content) // 2])
            stream.flush()
            time.sleep(PAUSE)
            stream.write(content[len(content) // 2 :])
    write_state(target, step, LAST)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
