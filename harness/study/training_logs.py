"""What training logged, kept with its series."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from harness.logs import Curve
from harness.logs.model import KNOWN
from harness.logs.names import MEAN
from harness.study.file import now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.logs import TrainingLog
    from harness.study.file import StudyFile

LOSS = "loss"
MOST_OTHERS = 20
"""Curves kept besides those of `KNOWN`, all of which are losses."""
CURRENT = """
    SELECT id, form FROM training_logs AS logs
    WHERE series = ? AND place = ? AND NOT EXISTS (
        SELECT 1 FROM training_logs AS newer WHERE newer.supersedes = logs.id
    )
"""


@dataclass(frozen=True, slots=True, eq=False)
class SeriesLog:
    """A log of one of a series' runs."""

    series: str
    """Name of the series."""
    place: str
    """Folder of the run."""
    form: str
    """What kind of log it is, as in `TrainingLog`."""
    curves: Mapping[str, Curve]
    """By name."""


def store_log(study: StudyFile, series: str, place: str, log: TrainingLog) -> int:
    """Keep the losses, rates and accuracies that training logged so far.

    A log that only went on gets the points that are new. If it is of another kind, or
    what was known is not how it begins, it is kept whole and supersedes what was known.

    Args:
        study: that knows the series.
        series: the training run.
        place: the run's folder, as a series may have several.
        log: as read now.

    Returns:
        How many points are new.
    """
    curves = _kept(log)
    if not curves:
        return 0
    with study.transaction():
        current = list(study.tuples(CURRENT, [series, place]))
        (known, form) = current[0] if current else (None, None)
        there = {} if known is None else _points(study, known)
        went_on = form == log.form and all(
            name in curves and _begins(curves[name], curve)
            for name, curve in there.items()
        )
        if known is None or not went_on:
            row = {"series": series, "place": place, "form": log.form}
            study.insert(
                "training_logs", [{**row, "supersedes": known, "created": now()}]
            )
            (number,) = study.column("SELECT max(id) FROM training_logs")
            there = {}
        else:
            number = known
        new = [
            {"log": number, "name": name, "step": step, "value": value}
            for name, curve in curves.items()
            for step, value in _after(curve, there.get(name))
        ]
        study.insert("training_points", new)
    return len(new)


def stored_logs(study: StudyFile, task: str) -> list[SeriesLog]:
    """The logs of the series that were evaluated on a task, by series and place."""
    rows = study.tuples(
        "SELECT series, place, form, name, step, value FROM learning_curves "
        "WHERE series IN (SELECT series FROM checkpoints JOIN evaluations "
        "ON evaluations.checkpoint = checkpoints.id WHERE task = ?) "
        "ORDER BY series, place, name, step",
        [task],
    )
    found = []
    for (series, place, form), own in groupby(rows, key=itemgetter(0, 1, 2)):
        curves = {
            name: _curve(name, [row[4:] for row in points])
            for name, points in groupby(own, key=itemgetter(3))
        }
        found.append(SeriesLog(series, place, form, curves))
    return found


def _kept(log: TrainingLog) -> dict[str, Curve]:
    losses = sorted(name for name in log.curves if LOSS in name.lower())
    others = [name for name in losses if name not in (*KNOWN, MEAN)][:MOST_OTHERS]
    return {name: log.curves[name] for name in (*KNOWN, *others) if name in log.curves}


def _points(study: StudyFile, log: int) -> dict[str, Curve]:
    rows = study.tuples(
        "SELECT name, step, value FROM training_points WHERE log = ? "
        "ORDER BY name, step",
        [log],
    )
    return {
        name: _curve(name, [row[1:] for row in points])
        for name, points in groupby(rows, key=itemgetter(0))
    }


def _curve(name: str, points: list[tuple[int, float | None]]) -> Curve:
    steps, values = zip(*points, strict=True)
    # NULL, which is how SQLite keeps NaN, becomes NaN again.
    return Curve(name, np.array(steps, np.int64), np.array(values, np.float64))


def _begins(curve: Curve, known: Curve) -> bool:
    size = len(known.steps)
    return np.array_equal(curve.steps[:size], known.steps) and np.array_equal(
        curve.values[:size], known.values, equal_nan=True
    )


def _after(curve: Curve, known: Curve | None) -> list[tuple[int, float]]:
    done = 0 if known is None else len(known.steps)
    steps, values = curve.steps[done:].tolist(), curve.values[done:].tolist()
    return list(zip(steps, values, strict=True))
