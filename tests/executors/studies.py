"""Tasks and checkpoints that are run by executors, and what their studies hold."""

import json
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

from fakes import write_task

BACKEND = Path(__file__).with_name("told_backend.py")
ITEMS, SAMPLES = 40, 2
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
