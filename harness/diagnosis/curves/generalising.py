"""Training loss beside held-out loss: learning by heart, noise, data at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.model import Check, Example

if TYPE_CHECKING:
    from harness.diagnosis.curves.course import Course, Line
    from harness.diagnosis.model import CauseName, Status

GL_WORTH_KNOWING, GL_TOO_MUCH = 2.0, 5.0
"""Prechelt's generalisation loss in per cent: worth knowing, and too much."""
GAP = 2.0
"""Times the training loss that a held-out loss is in a run that learns by heart."""
ABOVE = 1.15
"""Times the held-out loss from which on a training loss is above it."""
VERY = 10.0
"""Times the training loss from which on nothing but learning by heart is left."""
LAST = 2 / 3
MANY_PASSES = 3.0
OF_MEDIAN = 1.25
"""Standard error of a median of normal values over that of their mean."""
NEEDS_BOTH = "the log has no training loss and held-out losses side by side"
NEEDS_HELD_OUT = (
    "the log has fewer than three held-out losses: evaluate during training "
    "(transformers: eval_strategy='steps')"
)
FEWEST = 3


def generalisation_loss(held_out: Line) -> float:
    """Prechelt's GL: how far the last held-out loss is above the lowest, in %."""
    lowest = float(held_out.values.min())
    return 100 * (held_out.last / lowest - 1) if lowest > 0 else 0.0


def overfitting(course: Course) -> Check | str:
    """How far the held-out loss rose again, and which checkpoint was best."""
    held_out = course.held_out
    if held_out is None or len(held_out) < FEWEST:
        return NEEDS_HELD_OUT
    lost = generalisation_loss(held_out)
    best, noise = held_out.best, held_out.noise
    rise = held_out.last - float(held_out.values[best])
    clear = rise > 2 * noise
    falling = course.train is None or course.train.end < held_out.last
    status: Status = "fine"
    weights: dict[CauseName, float] = {"overfitting": -1.5}
    if clear and lost > GL_TOO_MUCH:
        status = "failure"
        weights = {
            "overfitting": 5.0,
            "too_few_examples": 2.0,
            "narrow_data": 2.0,
            "duplicate_data": 1.0,
            "unrepresentative_data": 1.0,
        }
        if not falling:
            weights = {"diverged": 2.0, "learning_rate_too_high": 2.0}
    elif clear and lost > GL_WORTH_KNOWING:
        status, weights = "notice", {"overfitting": 1.5, "too_few_examples": 0.5}
    return Check(
        name="overfitting",
        area="curves",
        status=status,
        value=lost,
        threshold=f"{GL_TOO_MUCH:g} % above the lowest, over twice the noise",
        source="Prechelt 1998, GL; measured here: healthy runs 0, overfitted 9 to 49",
        says=f"The held-out loss is lowest at step {held_out.steps[best]:,} "
        f"({held_out.values[best]:.4g}) and ends {lost:.1f} % above it"
        f" ({held_out.last:.4g}){_noise_said(held_out)}.",
        examples=_best_examples(held_out) if status != "fine" else (),
        weights=weights,
    )


def as_good(held_out: Line) -> list[int]:
    """Steps whose loss is the lowest within twice the noise of a single one."""
    limit = held_out.values.min() + 2 * held_out.noise
    return [int(step) for step in held_out.steps[held_out.values <= limit]]


def _noise_said(held_out: Line) -> str:
    if not held_out.noise:
        return "; there are too few evaluations to know their noise"
    steps = as_good(held_out)
    alike = f"; steps {steps[0]:,} to {steps[-1]:,} are as good within noise"
    return alike if len(steps) > 1 else "; no other is as good within noise"


def _best_examples(held_out: Line) -> tuple[Example, ...]:
    chosen = sorted({held_out.best, len(held_out) - 1})
    return tuple(
        Example(
            f"step {held_out.steps[one]}", f"eval_loss = {held_out.values[one]:.4g}"
        )
        for one in chosen
    )


def generalisation_gap(course: Course) -> Check | str:
    """How many times the training loss the held-out loss is at the end."""
    train, held_out = course.train, course.held_out
    if train is None or held_out is None:
        return NEEDS_BOTH
    ratio = held_out.last / train.end if train.end > 0 else np.inf
    wide = ratio > GAP and _learned(course)
    weights: dict[CauseName, float] = {}
    if wide:
        weights = {
            "overfitting": 4.0 if ratio > VERY else 2.0,
            "too_few_examples": 2.5 if ratio > VERY else 1.5,
            "narrow_data": 1.0,
            "truncation": 1.0,
            "unrepresentative_data": 1.0,
            "label_noise": -2.0,
        }
    return Check(
        name="generalisation_gap",
        area="curves",
        status="warning" if wide else "fine",
        value=float(ratio),
        threshold=f"{GAP:g} × the training loss",
        source="measured here",
        says=f"The held-out loss ends at {held_out.last:.4g}, {ratio:.3g} times the "
        f"training loss ({train.end:.4g}).",
        weights=weights,
    )


def _learned(course: Course) -> bool:
    """Whether the training loss fell at all."""
    train = course.train
    return train is not None and train.end < 0.9 * float(train.values[0])


def noisy_labels(course: Course) -> Check | str:
    """Whether training loss ends above held-out loss.

    A logged training loss is the mean of a window, which lags while the loss falls:
    the last quarter of them is held against the held-out loss at which it began.
    """
    train, held_out = course.train, course.held_out
    if train is None or held_out is None or len(held_out) < FEWEST:
        return NEEDS_BOTH
    late = max(FEWEST, len(train) // 4)
    level = float(np.median(train.values[-late:]))
    before = held_out.at(float(train.steps[-min(late, len(train))]))
    ratio = level / before if before > 0 else 1.0
    error = OF_MEDIAN * train.noise / late**0.5 + held_out.noise
    noisy = ratio > ABOVE and level - before > 2 * error
    smoothed = _regularised(course)
    return Check(
        name="training_above_held_out_loss",
        area="curves",
        status="warning" if noisy else "fine",
        value=ratio,
        threshold=f"{ABOVE:g} × the held-out loss when its last quarter began",
        source="measured here: 1.25 and 1.6 with half of the answers shuffled, healthy "
        "runs 1.03 and less",
        says=f"The last quarter of the training loss is at {level:.4g}, {ratio:.2f} "
        f"times the held-out loss before it ({before:.4g}).",
        weights={"label_noise": 1.5 if smoothed else 3.5} if noisy else {},
    )


def _regularised(course: Course) -> bool:
    """Whether the log names what raises the training loss alone."""
    settings = course.log.settings
    names = [
        key for key in settings if "dropout" in key or key == "label_smoothing_factor"
    ]
    values = [settings[name] for name in names]
    return any(isinstance(value, int | float) and value > 0 for value in values)


def data_exhausted(course: Course) -> Check | str:
    """Whether more passes lower the training loss and the held-out loss no more."""
    train, held_out, passes = course.train, course.held_out, course.passes
    if passes is None:
        return "the log has no epochs"
    if train is None or held_out is None or len(held_out) < FEWEST:
        return NEEDS_BOTH
    start = held_out.since(LAST)
    gained = (start.values[0] - held_out.last) / max(start.values[0], 1e-12)
    learned = 1 - train.end / max(train.at(float(start.steps[0])), 1e-12)
    spent = passes >= MANY_PASSES and gained < 0.01 and learned > 0.1  # noqa: PLR2004
    return Check(
        name="data_exhausted",
        area="curves",
        status="notice" if spent else "fine",
        value=passes,
        threshold=f"{MANY_PASSES:g} passes, the last third of which took 1 % or less "
        "off the held-out loss and 10 % or more off the training loss",
        source="measured here",
        says=f"{passes:.1f} passes through the data; the last third of the run "
        f"changed the held-out loss by {-gained:+.1%}, the training loss by "
        f"{-learned:+.1%}.",
        weights={"too_few_examples": 2.0, "overfitting": 1.5} if spent else {},
    )
