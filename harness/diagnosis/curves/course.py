"""How a run went: its curves without what is no number, and their noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.logs import model

if TYPE_CHECKING:
    from harness.logs.model import Curve, Steps, TrainingLog, Values

FEWEST = 4
"""Values below which a curve has no shape."""
MAD = 1.4826
"""Times the median absolute deviation is the standard deviation of a normal."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """The finite values of a curve."""

    steps: Steps
    """Ascending."""
    values: Values
    """Shape of `steps`."""

    def __len__(self) -> int:
        """How many values there are."""
        return len(self.values)

    @property
    def last(self) -> float:
        """The last value."""
        return float(self.values[-1])

    @property
    def end(self) -> float:
        """The level that it ends at: the median of the last tenth, three or more."""
        return float(np.median(self.values[-self.last_tenth :]))

    @property
    def last_tenth(self) -> int:
        """Values at the end that its level is taken from: a tenth, three or more."""
        return min(len(self), max(3, len(self) // 10))

    @property
    def best(self) -> int:
        """The place of the lowest value, of equal ones the first."""
        return int(np.argmin(self.values))

    @property
    def noise(self) -> float:
        """Standard deviation of single values about the trend; 0 below five values.

        From second differences, which a straight trend does not change; robust, so
        that a bend or a spike does not count.
        """
        if len(self) <= FEWEST:
            return 0.0
        bends = np.diff(self.values, n=2) / np.sqrt(6)
        return float(MAD * np.median(np.abs(bends)))

    def since(self, share: float) -> Line:
        """The part after this share of the steps, with the value before it."""
        start = self.steps[0] + share * (self.steps[-1] - self.steps[0])
        first = max(0, int(np.searchsorted(self.steps, start, side="right")) - 1)
        return Line(self.steps[first:], self.values[first:])

    def at(self, step: float) -> float:
        """The value at a step, between two by a straight line."""
        return float(np.interp(step, self.steps, self.values))


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What a log says of the run, as the checks read it."""

    log: TrainingLog
    """The log itself, what is no number included."""
    train: Line | None
    """Training loss; None where there is no finite value."""
    held_out: Line | None
    """Held-out loss, likewise."""
    rate: Line | None
    """Learning rate, likewise."""
    norm: Line | None
    """Norm of the gradient, likewise."""
    epoch: Line | None
    """Passes through the data, likewise."""

    @property
    def base(self) -> float | None:
        """Held-out loss before the first step; None where it was not measured."""
        line = self.held_out
        return None if line is None or line.steps[0] > 0 else float(line.values[0])

    @property
    def loss(self) -> Line | None:
        """Held-out loss where it has a shape, else training loss."""
        enough = self.held_out is not None and len(self.held_out) >= FEWEST
        return self.held_out if enough else self.train

    @property
    def peak_rate(self) -> float | None:
        """The highest learning rate; None where none was logged."""
        return None if self.rate is None else float(self.rate.values.max())

    @property
    def passes(self) -> float | None:
        """Passes through the data; None where they were not logged."""
        return None if self.epoch is None else float(self.epoch.values.max())


def course_of(log: TrainingLog) -> Course:
    """The run as the checks read it."""
    return Course(
        log=log,
        train=_without_zeros(line_of(log, model.TRAIN_LOSS)),
        held_out=line_of(log, model.EVAL_LOSS),
        rate=line_of(log, model.LEARNING_RATE),
        norm=line_of(log, model.GRAD_NORM),
        epoch=line_of(log, model.EPOCH),
    )


def _without_zeros(train: Line | None) -> Line | None:
    """The training loss without exact zeros, which filters log in place of NaN."""
    if train is None or not (train.values != 0).any():
        return None
    known = train.values != 0
    return Line(train.steps[known], train.values[known])


def line_of(log: TrainingLog, name: str) -> Line | None:
    """The finite values of a curve; None where there are none."""
    curve: Curve | None = log.curves.get(name)
    if curve is None:
        return None
    known: np.ndarray[Any, np.dtype[np.bool_]] = np.isfinite(curve.values)
    if not known.any():
        return None
    return Line(curve.steps[known], curve.values[known])
