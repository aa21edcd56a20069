"""How often a diagnosis names the right cause first, on runs with injected faults.

Two tasks are trained with each fault of `parts/faults.py`, on three seeds: `modernize`,
on which thresholds are chosen, and `voice_commands`, on which they are scored. Healthy
runs count, too: nothing may be named there. Seeds 10 to 12 of `voice_commands` were
scored first; what was missed there was mended on other runs of `modernize`, from its
base model and from scratch, before any run of seeds from 20 on was looked at.

    python benchmarks/diagnosis.py train --task modernize --seeds 0 1 2
    python benchmarks/diagnosis.py train score rivals --rivals venv/bin

`train` skips runs that are there, `score` counts how often the harness is right, with
the run's settings and without them, and `rivals` asks finetune-doctor, runmedic,
trainproof and gradsnitch in the folder of programs that is named.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.append(sys.path.pop(0))  # Python's `statistics` before the benchmark's

from parts.faults import FAULTS
from parts.naming import OURS, Naming, first_cause, judged, table
from parts.rivals import RIVALS, first_named
from parts.spoilt import RECIPES, train_run

RUNS = Path("results") / "diagnosis"
ORDER = [fault.name for fault in FAULTS]
INDEX = "runs.jsonl"
"""One line for each run that came to its end."""


def main() -> None:
    """Do the steps that were asked for."""
    options = _options()
    namings: list[Naming] = []
    for step in options.steps:
        namings += STEPS[step](options)
    if namings and options.json:
        print(json.dumps([asdict(naming) for naming in namings], indent=2))
    elif namings:
        print(table(namings))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument(
        "steps", nargs="*", choices=[*STEPS], default=["train", "score"]
    )
    parser.add_argument("--task", choices=list(RECIPES), default="voice_commands")
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12])
    parser.add_argument("--faults", nargs="+", default=[one.name for one in FAULTS])
    parser.add_argument("--runs", type=Path, default=RUNS, metavar="FOLDER")
    parser.add_argument("--rivals", type=Path, metavar="FOLDER")
    parser.add_argument("--json", action="store_true", help="each run by itself")
    return parser.parse_args()


def _train(options: argparse.Namespace) -> list[Naming]:
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
    return []


def _score(options: argparse.Namespace) -> list[Naming]:
    """What the harness names, with the settings and without."""
    folder = options.runs / options.task
    runs = _chosen(options)
    namings = []
    for tool, diagnosing in OURS.items():
        names = {
            run["run"]: [first_cause(diagnosing(folder / run["run"]))] for run in runs
        }
        namings += judged(tool, runs, names)
    return namings


def _rivals(options: argparse.Namespace) -> list[Naming]:
    """What other tools name."""
    if options.rivals is None:
        raise SystemExit("--rivals FOLDER says where the other tools' programs are")
    folder = options.runs / options.task
    accepted = {fault.name: fault.accepted for fault in FAULTS}
    runs = _chosen(options)
    namings = []
    for tool, asking in RIVALS.items():
        names = {
            run["run"]: first_named(
                tool,
                asking(options.rivals, folder / run["run"]),
                accepted[run["fault"]],
            )
            for run in runs
        }
        namings += judged(tool, runs, names)
    return namings


STEPS = {"train": _train, "score": _score, "rivals": _rivals}


def _chosen(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The finished runs of the seeds and faults that were asked for, healthy first."""
    return sorted(
        (
            run
            for run in _runs(options.runs / options.task)
            if run["seed"] in options.seeds and run["fault"] in options.faults
        ),
        key=lambda run: ORDER.index(run["fault"]),
    )


def _runs(folder: Path) -> list[dict[str, Any]]:
    index = folder / INDEX
    lines = index.read_text(encoding="utf-8").splitlines() if index.exists() else []
    return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main()
