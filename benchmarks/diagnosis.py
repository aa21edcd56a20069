"""How often a diagnosis names the right cause first, on runs with injected faults.

Two tasks are trained with each fault of `parts/faults.py`, on three seeds: `modernize`,
on which thresholds are chosen, and `voice_commands`, on which they are scored. Healthy
runs count, too: nothing may be named there.

    python benchmarks/diagnosis.py train --task voice_commands --seeds 10 11 12
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.append(sys.path.pop(0))  # Python's `statistics` before the benchmark's

from parts.faults import FAULTS
from parts.spoilt import RECIPES, train_run

RUNS = Path("results") / "diagnosis"
INDEX = "runs.jsonl"
"""One line for each run that came to its end."""


def main() -> None:
    """Do the steps that were asked for."""
    options = _options()
    for step in options.steps:
        {"train": _train}[step](options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("steps", nargs="*", choices=["train"], default=["train"])
    parser.add_argument("--task", choices=list(RECIPES), default="voice_commands")
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12])
    parser.add_argument("--faults", nargs="+", default=[one.name for one in FAULTS])
    parser.add_argument("--runs", type=Path, default=RUNS, metavar="FOLDER")
    return parser.parse_args()


def _train(options: argparse.Namespace) -> None:
    """Train what is not there yet."""
    folder = options.runs / options.task
    finished = {run["run"] for run in _runs(folder)}
    for seed in options.seeds:
        for fault in FAULTS:
            name = f"{fault.name}-{seed}"
            if fault.name not in options.faults or name in finished:
                continue
            run = train_run(RECIPES[options.task], fault, seed, folder / name)
            with (folder / INDEX).open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(run) + "\n")
            print(json.dumps(run), file=sys.stderr, flush=True)


def _runs(folder: Path) -> list[dict[str, object]]:
    index = folder / INDEX
    lines = index.read_text(encoding="utf-8").splitlines() if index.exists() else []
    return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main()
