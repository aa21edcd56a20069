"""Training runs that are done once: finished ones are found again, others redone."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.demo.training import Plan, Rows

MARKER = "tandem-demo.json"
"""In the run's folder: its settings, and whether it came to its end."""


def once(
    folder: Path,
    plan: Plan,
    rows: Rows,
    train: Callable[[], list[Path]],
    *,
    start: Path | None = None,
) -> list[Path]:
    """The checkpoints of the run in the folder, trained unless they are there.

    Args:
        folder: where the run keeps its checkpoints and curves; made if missing.
        plan: as in training.
        rows: the training data, of which a hash is kept to know the run again.
        train: does the run, and returns its checkpoints.
        start: the weights that it begins with, unless they follow from the plan.

    Returns:
        The folders of the checkpoints, in the order of training.

    Raises:
        UsageError: the plan is impossible, or the folder holds checkpoints that
            or curves that were not made here; those are never deleted.
    """
    if plan.steps < 1 or plan.checkpoints < 2:  # noqa: PLR2004 - the first and last
        raise UsageError(
            f"a run of {plan.steps} steps and {plan.checkpoints} checkpoints is too "
            "small: at least 1 step and 2 checkpoints are needed"
        )
    marker = folder / MARKER
    begun = _hash(start.read_bytes()) if start else "random weights"
    data = json.dumps([dict(row) for row in rows], sort_keys=True).encode()
    settings = {**asdict(plan), "start": begun, "data": _hash(data)}
    kept = [folder / f"checkpoint-{step}" for step in plan.kept]
    finished = _read(marker) == {"settings": settings, "finished": True}
    if finished and all(checkpoint.is_dir() for checkpoint in kept):
        return kept
    _clear(folder, marker)
    _write(marker, settings, finished=False)
    trained = train()
    _write(marker, settings, finished=True)
    return trained


def _hash(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()


def _read(marker: Path) -> Any:
    try:
        return json.loads(marker.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def _write(marker: Path, settings: dict[str, Any], *, finished: bool) -> None:
    text = json.dumps({"settings": settings, "finished": finished}, indent=2)
    marker.write_text(text + "\n", encoding="utf-8")


def _clear(folder: Path, marker: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    old = [*sorted(folder.glob("checkpoint-*")), *folder.glob("runs")]
    if old and not marker.exists():
        raise UsageError(
            f"{folder} holds {old[0].name} of another run; "
            "name a folder that is empty or does not exist"
        )
    for part in old:
        shutil.rmtree(part)
