"""Curves and samples for TensorBoard, W&B, MLflow and trackio, written once."""

from __future__ import annotations

from typing import TYPE_CHECKING

# Imported so that they can be found by name.
import harness.integrations.mlflow
import harness.integrations.tensorboard
import harness.integrations.trackio
import harness.integrations.wandb  # noqa: F401
from harness.integrations.points import history_of
from harness.integrations.tracker import trackers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.integrations.points import Known
    from harness.integrations.tracker import Tracker
    from harness.study import StudyFile


def trackers_named(
    specs: Sequence[str], tensorboard: Path | None = None
) -> list[Tracker]:
    """The trackers that `--track NAME:PLACE` and `--tensorboard DIR` mean.

    Raises:
        MissingPackage: a tracker's package is not installed.
        NotFound: no tracker has that name; the nearest is suggested.
        UsageError: the place is missing or not as it must be.
    """
    named = [*specs, *([f"tensorboard:{tensorboard}"] if tensorboard else [])]
    found = []
    for spec in dict.fromkeys(named):
        name, _, place = spec.partition(":")
        found.append(trackers[name](place))
    return found


def write_to_trackers(
    study: StudyFile,
    tasks: Sequence[str],
    trackers: Sequence[Tracker],
    known: Known | None = None,
) -> list[str]:
    """Write what the trackers lack of a study; may be called after every checkpoint.

    Args:
        study: where the results are.
        tasks: names of the tasks to show.
        trackers: as `trackers_named` gives them.
        known: a dictionary that is kept between calls, so that values of checkpoints
            that have not changed are computed once; None: all are computed.

    Returns:
        What was written, and what was left out, a line each.

    Raises:
        UsageError: a tracker refuses; says why.
    """
    if not trackers:
        return []
    history = history_of(study, tasks, known)
    told = [
        f"{tracker.write(study, history):,} values written to {tracker.key}"
        for tracker in trackers
    ]
    if history.stepless:
        told.append(
            f"Not in curves, for want of a step: {', '.join(history.stepless[:5])}"
            + ", ..." * (len(history.stepless) > 5)  # noqa: PLR2004 - as many as named
        )
    return told
