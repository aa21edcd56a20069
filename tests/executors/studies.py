"""Tasks and checkpoints that are run by executors, and what their studies hold."""

import json
import time
from contextlib import closing, suppress
from pathlib import Path
from sqlite3 import connect

from fakes import write_task

from harness.api import Study

BACKEND = Path(__file__).with_name("told_backend.py")
ITEMS, SAMPLES = 40, 2
PATIENCE = 90.0
"""Seconds for what takes some ten on an idle machine."""
TABLES = {
    "outputs": "id, item, checkpoint, sample, settings, text, finish, prompt_tokens, "
    "new_tokens, truncated",
    "likelihoods": "item, checkpoint, target, nll, tokens, words, bytes, truncated, "
    "settings, reason, policy",
    "scores": "checkpoint, item, output, signature, value, tally, reason",
}
"""What executors must agree in: all but the numbers of rows and runs."""


def write_suite(folder, **keys):
    """A task of many items with outputs and likelihoods."""
    rows = [
        {"id": f"q{n}", "question": f"question {n}", "answer": f"calm {n}"}
        for n in range(ITEMS)
    ]
    settings = {"samples": SAMPLES, "temperature": 1, "seed": 3, "max_new_tokens": 8}
    keys = {"generation": settings, "metrics": ["chrf", "perplexity"], **keys}
    return write_task(folder, rows, **keys)


def write_told(folder, **told):
    """A checkpoint folder; returns how a user names it."""
    folder.mkdir(parents=True)
    (folder / "told.json").write_text(json.dumps(told))
    return f"{BACKEND}:{folder}"


def rows(study, table):
    """A study's rows, sorted; none of a study that is being made."""
    if not Path(study).exists():
        return []
    with closing(connect(study)) as db:
        if not db.execute(
            "SELECT 1 FROM sqlite_master WHERE name = ?", [table]
        ).fetchall():
            return []
        return sorted(db.execute(f"SELECT {TABLES[table]} FROM {table}"), key=repr)  # noqa: S608 - names above


def run(path, suite, checkpoints, **how):
    study = Study(path)
    try:
        return study.run(suite, checkpoints, **how)
    finally:
        study.file.close()


def assert_alike(one, other):
    for table in TABLES:
        assert rows(one, table) == rows(other, table), table


def count(study, table="outputs"):
    return len(rows(study, table))


def alive(folder):
    """Workers of a checkpoint that still run."""
    pids = [int(one) for one in (folder / ".pids").read_text().split()]
    return [pid for pid in pids if is_running(pid)]


def is_running(pid):
    with suppress(FileNotFoundError, ProcessLookupError):
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
        return stat.rsplit(")", 1)[1].split()[0] not in {"Z", "X"}
    return False


def assert_workers_end(folder):
    end = time.monotonic() + PATIENCE
    while alive(folder):
        assert time.monotonic() < end
        time.sleep(0.1)
