"""How long evaluating a checkpoint takes, against other ways to do the same work.

The work is fixed: a random GPT-2 of 12 million parameters on 200 prompts of mixed
length, 48 new tokens; and the demo's fine-tune on its 200 held-out verses, where
answers end by themselves. Each is generated, scored by BLEU and chrF with intervals,
and read whole for its rolling perplexity, by

(a) lm-evaluation-harness: the whole command, `--lm-eval` names its program;
(b) a bare loop over `model.generate` in batches sorted by length: the generation alone.

All are run by turns in each round; the figures are medians.

    python benchmarks/generation.py --lm-eval lm-eval-venv/bin/lm_eval
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.append(sys.path.pop(0))  # Python's `statistics` before the benchmark's
from statistics import median

import yaml
from parts.material import (
    demo_checkpoints,
    gpt2_checkpoint,
    rows_of_demo,
    rows_of_gpt2,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BATCH = 16
INSIDE = Path(__file__).parent / "parts" / "inside.py"
HARNESS = Path(sys.executable).with_name("harness")


@dataclass(frozen=True)
class Work:
    """What is evaluated on what."""

    name: str
    """`gpt2` or `demo`."""
    checkpoints: tuple[Path, ...]
    """Folders; the last is the one that is run alone."""
    task: Path
    """Folder with task.yaml for the harness and one for lm-eval."""


def main() -> None:
    """Run all by turns and print the medians."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        _tell("making the models and the prompts")
        works = _works(place, options.demo or place / "demo")
        times: dict[str, list[float]] = {}
        _warm_up(works, place, options.lm_eval)
        for number in range(options.rounds):
            _tell(f"round {number + 1} of {options.rounds}")
            for work in works:
                for name, seconds in _round(work, place, options.lm_eval).items():
                    times.setdefault(name, []).append(seconds)
    middle = {name: median(seconds) for name, seconds in times.items()}
    figures = _figures(middle)
    print(json.dumps(figures, indent=2) if options.json else _table(middle, figures))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--lm-eval", type=Path, help="lm-evaluation-harness's program")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--demo", type=Path, help="folder to keep the demo's run in")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _works(place: Path, demo: Path) -> list[Work]:
    works = [
        Work("gpt2", (gpt2_checkpoint(place / "gpt2"),), place / "gpt2_task"),
        Work("demo", tuple(demo_checkpoints(demo)), place / "demo_task"),
    ]
    _write_task(works[0], rows_of_gpt2(), max_new_tokens=48)
    _write_task(works[1], rows_of_demo(), max_new_tokens=96)
    return works


def _write_task(
    work: Work, rows: Iterable[Mapping[str, str]], *, max_new_tokens: int
) -> None:
    """The same task for both harnesses: rows have `prompt`, `target`, `document`."""
    work.task.mkdir()
    data = work.task / "data.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    task = {
        "name": work.name,
        "data": data.name,
        "prompt": "{{ prompt }}",
        "references": ["target"],
        "generation": {"max_new_tokens": max_new_tokens, "stop": ["\n"]},
        "metrics": [
            "bleu",
            "chrf",
            {"perplexity": {"of": "document", "column": "document"}},
        ],
    }
    shared = {
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data)}},
        "test_split": "test",
    }
    generate = shared | {
        "task": f"{work.name}_generate",
        "output_type": "generate_until",
        "doc_to_text": "{{prompt}}",
        "doc_to_target": "{{target}}",
        "generation_kwargs": {
            "until": ["\n"],
            "max_gen_toks": max_new_tokens,
            "do_sample": False,
        },
        "metric_list": [{"metric": "bleu"}, {"metric": "chrf"}],
    }
    rolling = shared | {
        "task": f"{work.name}_rolling",
        "output_type": "loglikelihood_rolling",
        "doc_to_text": "",
        "doc_to_target": "{{document}}",
        "metric_list": [{"metric": "word_perplexity"}, {"metric": "bits_per_byte"}],
    }
    other = work.task / "lm_eval"
    other.mkdir()
    for name, content in (
        (work.task / "task.yaml", task),
        (other / "generate.yaml", generate),
        (other / "rolling.yaml", rolling),
    ):
        name.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _warm_up(works: Iterable[Work], place: Path, lm_eval: Path | None) -> None:
    """Have files in the disk's cache, and data sets in lm-eval's."""
    for work in works:
        _timed(_harness(work, place, work.checkpoints[-1:]), place)
        if lm_eval:
            _timed(_lm_eval(work, lm_eval, work.checkpoints[-1]), place)


def _round(work: Work, place: Path, lm_eval: Path | None) -> dict[str, float]:
    """Seconds of everything once, by name."""
    last = work.checkpoints[-1:]
    found = {f"harness_{work.name}": _timed(_harness(work, place, last), place)}
    if lm_eval:
        seconds = [
            _timed(_lm_eval(work, lm_eval, one), place) for one in work.checkpoints
        ]
        found[f"lm_eval_{work.name}"] = seconds[-1]
    if len(work.checkpoints) > 1:
        found["harness_sweep5"] = _timed(_harness(work, place, work.checkpoints), place)
        if lm_eval:
            found["lm_eval_sweep5"] = sum(seconds)
    inside = _inside(place, "generate", str(last[0]), str(work.task), str(BATCH))
    found[f"generation_{work.name}"] = inside["harness"]
    found[f"bare_{work.name}"] = inside["bare"]
    if work.name == "gpt2":
        found["overhead_s"] = _overhead(work, place)
    return found


def _harness(work: Work, place: Path, checkpoints: Iterable[Path]) -> list[str]:
    named = [part for one in checkpoints for part in ("--checkpoint", str(one))]
    task = str(work.task / "task.yaml")
    return [str(HARNESS), "run", task, *named, "--db", str(_new(place))]


def _lm_eval(work: Work, program: Path, checkpoint: Path) -> list[str]:
    return [
        *(str(program), "--model", "hf", "--device", "cpu"),
        *("--model_args", f"pretrained={checkpoint},dtype=float32"),
        *("--tasks", f"{work.name}_generate,{work.name}_rolling"),
        *("--include_path", str(work.task / "lm_eval")),
        *("--batch_size", str(BATCH)),
    ]


def _overhead(work: Work, place: Path) -> float:
    """Seconds of the command outside imports and the model."""
    arguments = _harness(work, place, work.checkpoints[-1:])[1:]
    return float(_inside(place, "overhead", *arguments)["overhead"])


def _inside(place: Path, *arguments: str) -> Any:
    # As the command itself has it; the bare loop profits as much.
    waiting = {"OMP_WAIT_POLICY": "PASSIVE"}
    done = _started([sys.executable, str(INSIDE), *arguments], place, waiting)
    return json.loads(done.stdout.splitlines()[-1])


def _timed(command: list[str], place: Path) -> float:
    begin = time.perf_counter()
    _started(command, place)
    return time.perf_counter() - begin


def _started(
    command: list[str], place: Path, settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    environment = (
        os.environ
        | (settings or {})
        | {
            "HF_HUB_OFFLINE": "1",
            "HF_HOME": str(place / "hf"),
            "TOKENIZERS_PARALLELISM": "false",
        }
    )
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return done


def _new(place: Path) -> Path:
    handle, name = tempfile.mkstemp(suffix=".db", dir=place)
    os.close(handle)
    Path(name).unlink()
    return Path(name)


def _figures(seconds: Mapping[str, float]) -> dict[str, float]:
    found = {
        f"lm_eval_over_harness_{name}": seconds[f"lm_eval_{name}"]
        / seconds[f"harness_{name}"]
        for name in ("gpt2", "demo", "sweep5")
        if f"lm_eval_{name}" in seconds
    }
    for name in ("gpt2", "demo"):
        ratio = seconds[f"generation_{name}"] / seconds[f"bare_{name}"]
        found[f"harness_over_bare_{name}"] = ratio
    found["overhead_s"] = seconds["overhead_s"]
    return {name: round(value, 3) for name, value in found.items()}


def _table(seconds: Mapping[str, float], figures: Mapping[str, float]) -> str:
    lines = ["| Measured | Seconds, median |", "| --- | --- |"]
    lines += [f"| `{name}` | {value:.2f} |" for name, value in seconds.items()]
    lines += ["", "| Figure | Value |", "| --- | --- |"]
    lines += [f"| `{name}` | {value:.2f} |" for name, value in figures.items()]
    return "\n".join(lines)


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
