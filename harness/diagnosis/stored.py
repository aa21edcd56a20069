"""The curves that a study keeps of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.gating.naming import newest_series
from harness.logs import TrainingLog, merged
from harness.study.training_logs import stored_logs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.study import StudyFile


def stored_training(study: StudyFile, tasks: Sequence[str]) -> TrainingLog | None:
    """What the newest series of the tasks logged; None where nothing is kept of it.

    The curves are those of the run that the diagnosed outputs are from, but without
    the settings that its own log may hold.
    """
    series = newest_series(study, tasks)
    kept = {
        log.place: TrainingLog(f"{log.place} (kept in the study)", log.form, log.curves)
        for task in tasks
        for log in stored_logs(study, task)
        if log.series == series
    }
    return merged(list(kept.values()))
