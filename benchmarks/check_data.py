"""How long, and in how much memory, a million training examples are checked.

The examples are made up from a seed: prompts of about 100 characters and answers of
about 60 from a vocabulary with Zipf's frequencies; 1 % repeat others, 5 % differ
from others in a number, and 1 % stand in the held-out set of 500, too. The command runs
as users run it, with a tokenizer, a limit and held-out examples.

    python benchmarks/check_data.py --rows 1000000
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(sys.path.pop(0))  # Python's `statistics` before the benchmark's

import numpy as np

from harness.demo.model import BASE_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable

VOCABULARY = 30_000
HELD_OUT = 500
BLOCK = 10_000
LIMIT = 256
"""Tokens."""
FAULTS = {"repeated": 0.01, "leaked": 0.01, "numbered": 0.05}


def main() -> None:
    """Make the examples, check them, and print seconds, memory and what was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--clean", action="store_true", help="also write a clean copy")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        training, held_out = Path(folder, "train.jsonl"), Path(folder, "held_out.jsonl")
        make(options.rows, training, held_out)
        size = training.stat().st_size / 1e6
        command = [sys.executable, "-m", "harness", "check-data", str(training)]
        command += ["--held-out", str(held_out), "--limit", str(LIMIT), "--json"]
        command += ["--tokenizer", str(BASE_FOLDER)]
        if options.clean:
            command += ["--clean", str(Path(folder, "clean.jsonl"))]
        begun = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wall = time.perf_counter() - begun
        if not done.stdout:
            sys.exit(done.stderr)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"{options.rows:,} examples, {size:,.0f} MB, on {os.cpu_count()} cores")
        print(f"{wall:,.1f} s; processors {used.ru_utime + used.ru_stime:,.1f} s")
        print(f"peak memory {used.ru_maxrss / 2**20:.2f} GiB")
        for check in json.loads(done.stdout)["checks"]:
            if check["status"] != "fine":
                print(f"{check['status']:8} {check['name']}: {check['says']}")


def make(rows: int, training: Path, held_out: Path) -> None:
    """Write the examples of both files."""
    random = np.random.default_rng(0)
    letters = np.array([*"abcdefghijklmnopqrstuvwxyz"])
    words = np.array(
        [
            "".join(random.choice(letters, size))
            for size in random.integers(2, 9, VOCABULARY)
        ]
    )
    chances = 1 / np.arange(1, VOCABULARY + 1)
    chances /= chances.sum()

    def texts(number: int, least: int, most: int) -> list[str]:
        lengths = random.integers(least, most, number)
        drawn = iter(words[random.choice(VOCABULARY, lengths.sum(), p=chances)])
        return [" ".join(next(drawn) for _ in range(length)) for length in lengths]

    held = texts(HELD_OUT, 12, 25)
    _write(held_out, zip(held, texts(HELD_OUT, 6, 16), strict=True), "w")
    training.touch()
    earlier: list[tuple[str, str]] = []
    for start in range(0, rows, BLOCK):
        n = min(BLOCK, rows - start)
        pairs = [*zip(texts(n, 12, 25), texts(n, 6, 16), strict=True)]
        shares = [*FAULTS.values()]
        kinds = random.choice(["", *FAULTS], n, p=[1 - sum(shares), *shares])
        for place in np.flatnonzero(kinds != ""):
            if kinds[place] == "repeated" and earlier:
                pairs[place] = earlier[random.integers(len(earlier))]
            elif kinds[place] == "leaked":
                pairs[place] = held[random.integers(HELD_OUT)], pairs[place][1]
            elif kinds[place] == "numbered":
                number = random.integers(10, 10_000)
                prompt, answer = pairs[0]
                pairs[place] = f"{prompt} {number}", answer
        earlier = pairs
        _write(training, pairs, "a")


def _write(file: Path, pairs: Iterable[tuple[str, str]], mode: str) -> None:
    with file.open(mode, encoding="utf-8") as lines:
        for prompt, answer in pairs:
            lines.write(json.dumps({"prompt": prompt, "completion": answer}) + "\n")


if __name__ == "__main__":
    main()
