"""What training logged of each series, beside what metrics and raters say."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from harness.logs.model import (
    EVAL_ACCURACY,
    EVAL_LOSS,
    GRAD_NORM,
    LEARNING_RATE,
    TRAIN_ACCURACY,
    TRAIN_LOSS,
)
from harness.reporting.formats import MISSING, number, on_one_line, places
from harness.reporting.rater_tables import Table
from harness.reporting.tables import columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.logs import Curve
    from harness.reporting.model import CheckpointReport, TaskReport
    from harness.study.training_logs import SeriesLog

LABELS = {
    TRAIN_LOSS: "training loss",
    EVAL_LOSS: "held-out loss",
    LEARNING_RATE: "learning rate",
    GRAD_NORM: "gradient norm",
    TRAIN_ACCURACY: "training accuracy",
    EVAL_ACCURACY: "held-out accuracy",
}
MOST_POINTS = 1_000
"""Points of a curve that a report holds; the study has all."""
MOST_MARKS = 200
"""Points without a number that are kept besides."""
ROWS = 40
"""Checkpoints of a series in a table."""


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """One quantity that training logged."""

    series: str
    """The training run."""
    run: str
    """Name of the folder that the log was found for."""
    form: str
    """What kind of log it is from, as `tensorboard`."""
    name: str
    """`train_loss`, `eval_loss`, ...; else the log's own name."""
    points: int
    """How many were logged."""
    steps: tuple[int, ...]
    """Those of the points that are kept, ascending."""
    values: tuple[float, ...]
    """Likewise; NaN and infinities as logged."""
    lost: int
    """How many of all points are NaN or infinite."""

    @property
    def label(self) -> str:
        """What it is called in words."""
        return LABELS.get(self.name, on_one_line(self.name))

    @property
    def is_loss(self) -> bool:
        """Whether less of it is better, and it is drawn."""
        return "loss" in self.name.lower()

    @property
    def finite(self) -> list[tuple[int, float]]:
        """Steps and values that are numbers."""
        points = zip(self.steps, self.values, strict=True)
        return [(step, value) for step, value in points if np.isfinite(value)]

    @property
    def marks(self) -> list[tuple[int, float]]:
        """Steps and values that are none."""
        points = zip(self.steps, self.values, strict=True)
        return [(step, value) for step, value in points if not np.isfinite(value)]


def learning_curves(logs: Iterable[SeriesLog]) -> tuple[LearningCurve, ...]:
    """The curves of all series, training loss and held-out loss first.

    Of a long curve the lowest and the highest of each stretch are kept.
    """
    found = []
    for log in logs:
        known = [name for name in LABELS if name in log.curves]
        others = sorted(log.curves.keys() - LABELS.keys())
        found += [_kept(log, log.curves[name]) for name in (*known, *others)]
    return tuple(found)


def _kept(log: SeriesLog, curve: Curve) -> LearningCurve:
    finite = np.isfinite(curve.values)
    lost = np.flatnonzero(~finite)
    chosen = np.sort(
        np.concatenate([_extremes(curve, np.flatnonzero(finite)), lost[:MOST_MARKS]])
    ).astype(int)
    return LearningCurve(
        series=log.series,
        run=PurePath(log.place).name,
        form=log.form,
        name=curve.name,
        points=len(curve.steps),
        steps=tuple(curve.steps[chosen].tolist()),
        values=tuple(curve.values[chosen].tolist()),
        lost=len(lost),
    )


def _extremes(curve: Curve, of: np.ndarray) -> np.ndarray:
    """Places of the first, the last, and each stretch's lowest and highest value."""
    if len(of) <= MOST_POINTS:
        return of
    kept = {int(of[0]), int(of[-1])}
    for part in np.array_split(of, MOST_POINTS // 2 - 1):
        values = curve.values[part]
        kept |= {int(part[values.argmin()]), int(part[values.argmax()])}
    return np.array(sorted(kept))


def learning_tables(task: TaskReport) -> list[Table]:
    """For each series, what was logged by each checkpoint beside its results."""
    tables = []
    for series in dict.fromkeys(curve.series for curve in task.learning):
        own = [c for c in task.checkpoints if c.series == series and c.step is not None]
        if own:
            losses = [c for c in task.learning if c.series == series and c.is_loss]
            tables.append(_table(task, series, losses, own[:ROWS]))
    return tables


def _table(
    task: TaskReport,
    series: str,
    losses: Sequence[LearningCurve],
    own: Sequence[CheckpointReport],
) -> Table:
    found = columns(task)
    steps = [-1, *(checkpoint.step or 0 for checkpoint in own)]
    rows = []
    for checkpoint, (before, step) in zip(own, pairwise(steps), strict=True):
        cells = [_last(curve, before, step) for curve in losses]
        for column in found:
            cell = column.checkpoints.get(checkpoint.label)
            value = None if cell is None else cell.value
            cells.append(MISSING if value is None else number(value, column.decimals))
        rows.append([f"{step:,}", *cells])
    heads = [*(_heading(c, losses) for c in losses), *(c.heading for c in found)]
    title = f"{on_one_line(series)}: losses as last logged by each checkpoint"
    return Table(title, ["step", *heads], rows)


def _heading(curve: LearningCurve, among: Sequence[LearningCurve]) -> str:
    alone = len({other.run for other in among}) == 1
    return curve.label if alone else f"{curve.label} ({on_one_line(curve.run)})"


def _last(curve: LearningCurve, before: int, step: int) -> str:
    """The last value after one checkpoint and by the next; NaN is said."""
    logged = zip(curve.steps, curve.values, strict=True)
    values = [value for at, value in logged if before < at <= step]
    if not values:
        return MISSING
    if not np.isfinite(values[-1]):
        return _said(values[-1])
    return number(values[-1], places([value for _, value in curve.finite]))


def learning_notes(task: TaskReport) -> list[str]:
    """Where held-out loss is lowest, and what is no number, as sentences."""
    several = len({(curve.series, curve.run) for curve in task.learning}) > 1
    notes = []
    for curve in task.learning:
        whose = curve.label[:1].upper() + curve.label[1:]
        if several:
            whose += f" of {on_one_line(curve.series)}"
        finite = curve.finite
        if curve.name == EVAL_LOSS and len(finite) > 1:
            step, low = min(finite, key=lambda point: point[1])
            last, end = finite[-1]
            decimals = places([value for _, value in finite])
            notes.append(
                f"{whose} is lowest at step {step:,} ({number(low, decimals)})"
                + ("." if step == last else f"; {number(end, decimals)} at the end.")
            )
        if curve.lost:
            step, value = curve.marks[0]
            notes.append(
                f"{whose} is no number at {curve.lost:,} of {curve.points:,} logged "
                f"steps, first at step {step:,} ({_said(value)})."
            )
    return notes


def _said(value: float) -> str:
    if np.isnan(value):
        return "NaN"
    return "infinite" if value > 0 else "minus infinite"
