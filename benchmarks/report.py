"""How long the report of a large study takes, and how much memory.

A study with random texts, scores and ratings is written: 100 checkpoints on 10,000
items, each output scored by 10 metrics and rated once, by one of 50 raters. Then
`harness report` runs once for each format, each time in a process of its own, of which
the seconds from start to end and the most memory are taken.

    python benchmarks/report.py
    python benchmarks/report.py --checkpoints 25 --ratings 4
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.append(sys.path.pop(0))  # Python's `statistics` before the benchmark's

import numpy as np

from harness.identity import content_hash
from harness.metrics import describe
from harness.metrics.imported import ImportedMetric
from harness.study import StudyFile
from harness.study.checkpoints import store_checkpoint
from harness.study.file import now
from harness.study.items import store_items, store_task
from harness.study.outputs import Evaluation, output_id, store_evaluation
from harness.study.scores import store_metric
from harness.types import Item

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TASK = "large"
CRITERION = "quality"
FORMATS = ("text", "md", "json", "html")
WORDS = np.array([f"{a}{b}{c}" for a in "bdkt" for b in "aeiou" for c in "lmnrs"])


def main() -> None:
    """Write the study, report it in each format, and print what that took."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        file = options.keep or Path(folder) / "large.db"
        if not file.exists():
            _tell("writing the study")
            write(file, options)
        found = {}
        for form in options.formats:
            _tell(f"report as {form}")
            found[form] = measured(file, form, Path(folder) / "report")
    print(json.dumps(found, indent=2) if options.json else _table(found))


def measured(file: Path, form: str, out: Path) -> dict[str, float]:
    """Seconds, processor seconds, and the most memory in GB, of one report."""
    command = [sys.executable, "-m", "harness", "report", "--db", str(file)]
    begin = time.perf_counter()
    process = subprocess.Popen([*command, "--format", form, "--out", str(out)])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begin
    if process.returncode:
        sys.exit(f"the report as {form} failed")
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "peak_gb": round(used.ru_maxrss * unit / 1e9, 3),
        "megabytes": round(out.stat().st_size / 1e6, 2),
    }


def write(file: Path, options: argparse.Namespace) -> None:
    """A study of the wanted size, written as its own tables are."""
    study = StudyFile(file)
    # What is written refers to what was written before.
    study.db.execute("PRAGMA foreign_keys = OFF")
    rng = np.random.default_rng(7)
    items = _items(options.items)
    store_items(study, TASK, items)
    truths = study.mapping("SELECT id, refs_hash FROM items")
    metrics = [ImportedMetric(f"metric_{at}") for at in range(options.metrics)]
    for metric in metrics:
        store_metric(study, describe(metric))
    campaign = _campaign(study, options.raters)
    for number in range(options.checkpoints):
        checkpoint = _checkpoint(study, number)
        ids = [output_id(item.id, checkpoint, 0, "imported") for item in items]
        quality = rng.normal(number / options.checkpoints, 1, size=len(items))
        with study.transaction():
            _write_outputs(study, checkpoint, dict(zip(ids, items, strict=True)), rng)
            for at, metric in enumerate(metrics):
                noise = rng.normal(size=len(items))
                _write_scores(
                    study,
                    (checkpoint, metric.signature),
                    [(item.id, truths[item.id]) for item in items],
                    ids,
                    quality + noise * (1 + at / 5),
                )
            for nth in range(options.ratings):
                raters = rng.integers(options.raters // options.ratings, size=len(ids))
                raters = 1 + raters * options.ratings + nth
                given = quality + rng.normal(size=len(ids)) + raters % 5 / 5
                values = np.clip(np.round(3 + given), 1, 5)
                _write_ratings(study, campaign, ids, raters, values)
    study.close()


def _items(number: int) -> list[Item]:
    """In the order of their ids, so that the indexes grow at their ends."""
    rng = np.random.default_rng(3)
    items = [
        Item(
            id=content_hash(TASK, str(at)),
            task=TASK,
            key=str(at),
            prompt=" ".join(rng.choice(WORDS, 12)),
            references=(" ".join(rng.choice(WORDS, 12)),),
        )
        for at in range(number)
    ]
    return sorted(items, key=lambda item: item.id)


def _checkpoint(study: StudyFile, number: int) -> str:
    step = 100 * (number + 1)
    checkpoint = store_checkpoint(
        study,
        series="run",
        name=f"step-{step}",
        step=step,
        backend="replay",
        fingerprint=str(number),
    )
    version = store_task(study, TASK, "# written by a benchmark\n", None)
    settings = "imported"
    store_evaluation(
        study, Evaluation(checkpoint.id, TASK, version, settings, settings, samples=1)
    )
    return checkpoint.id


def _campaign(study: StudyFile, raters: int) -> int:
    protocol = {
        "task": TASK,
        "scheme": "imported",
        "criteria": [{"name": CRITERION, "question": "How good is it?"}],
        "points": 5,
    }
    campaign = {
        "id": 1,
        "task": TASK,
        "name": "imported",
        "scheme": "imported",
        "protocol": json.dumps(protocol),
        "hash": content_hash(protocol),
        "created": now(),
    }
    study.insert("campaigns", [campaign])
    people = [
        {"id": at + 1, "name": f"r{at + 1}", "kind": "imported", "created": now()}
        for at in range(raters)
    ]
    study.insert("raters", people)
    return 1


def _write_outputs(
    study: StudyFile,
    checkpoint: str,
    items: dict[str, Item],
    rng: np.random.Generator,
) -> None:
    texts = WORDS[rng.integers(len(WORDS), size=(len(items), 12))]
    rows: Iterator[tuple[Any, ...]] = (
        (id_, item.id, checkpoint, 0, "imported", " ".join(text), "imported", "")
        for (id_, item), text in zip(items.items(), texts, strict=True)
    )
    study.db.conn.executemany(
        "INSERT INTO outputs (id, item, checkpoint, sample, settings, text, finish, "
        "created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def _write_scores(
    study: StudyFile,
    of: tuple[str, str],
    items: list[tuple[str, str]],
    outputs: list[str],
    values: Floats,
) -> None:
    tallies = np.stack([values, np.ones(len(values))], axis=1)
    rows = (
        (*of, item, truth, output, value, tally.tobytes())
        for (item, truth), output, value, tally in zip(
            items, outputs, values.tolist(), tallies, strict=True
        )
    )
    study.db.conn.executemany(
        "INSERT INTO scores (checkpoint, signature, item, key, output, value, tally) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def _write_ratings(
    study: StudyFile,
    campaign: int,
    outputs: list[str],
    raters: NDArray[np.int64],
    values: Floats,
) -> None:
    [first] = study.column("SELECT 1 + ifnull(max(id), 0) FROM assignments")
    numbers = range(first, first + len(outputs))
    study.db.conn.executemany(
        "INSERT INTO assignments (id, campaign, rater, token, state, probability) "
        "VALUES (?, ?, ?, ?, 'rated', 1)",
        zip(
            numbers,
            [campaign] * len(outputs),
            raters.tolist(),
            map(str, numbers),
            strict=True,
        ),
    )
    study.db.conn.executemany(
        "INSERT INTO assignment_outputs (assignment, position, output) "
        "VALUES (?, 0, ?)",
        zip(numbers, outputs, strict=True),
    )
    study.db.conn.executemany(
        "INSERT INTO ratings (assignment, output, criterion, value, created) "
        "VALUES (?, ?, ?, ?, '')",
        zip(numbers, outputs, [CRITERION] * len(outputs), values.tolist(), strict=True),
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--checkpoints", type=int, default=100)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--metrics", type=int, default=10)
    parser.add_argument("--ratings", type=int, default=1, help="of each output")
    parser.add_argument("--raters", type=int, default=50)
    parser.add_argument("--formats", nargs="*", default=FORMATS, choices=FORMATS)
    parser.add_argument("--keep", type=Path, help="study to write, or to use again")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _table(found: dict[str, dict[str, float]]) -> str:
    lines = ["| Format | Seconds | Processor seconds | Peak memory, GB |"]
    lines += ["| --- | --- | --- | --- |"]
    lines += [
        f"| {form} | {one['seconds']:.1f} | {one['cpu_seconds']:.1f} | "
        f"{one['peak_gb']:.2f} |"
        for form, one in found.items()
    ]
    return "\n".join(lines)


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
