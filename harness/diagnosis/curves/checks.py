"""All checks of a training log, and which of them it does not allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.diagnosis.curves.course import course_of
from harness.diagnosis.curves.generalising import (
    data_exhausted,
    generalisation_gap,
    noisy_labels,
    overfitting,
)
from harness.diagnosis.curves.learning import (
    against_the_start,
    improvement,
    rise,
    still_improving,
)
from harness.diagnosis.curves.numbers import finite_values, logged_zeros
from harness.diagnosis.curves.rates import first_steps, peak_rate, spikes, stalled
from harness.diagnosis.model import Check, Findings, NotChecked

if TYPE_CHECKING:
    from harness.logs.model import TrainingLog

CHECKS = {
    "finite_values": finite_values,
    "logged_zeros": logged_zeros,
    "against_the_start": against_the_start,
    "rise_at_the_start": rise,
    "loss_improvement": improvement,
    "still_improving": still_improving,
    "peak_learning_rate": peak_rate,
    "first_steps": first_steps,
    "stalled_at_high_rate": stalled,
    "loss_spikes": spikes,
    "overfitting": overfitting,
    "generalisation_gap": generalisation_gap,
    "training_above_held_out_loss": noisy_labels,
    "data_exhausted": data_exhausted,
}
"""Name to what makes the check, or says what the log lacks for it."""


def check_curves(log: TrainingLog) -> Findings:
    """What the losses, rates and norms of one run show."""
    course = course_of(log)
    made: list[Check] = []
    missing: list[NotChecked] = []
    for name, check in CHECKS.items():
        found = check(course)
        if isinstance(found, Check):
            made.append(found)
        else:
            missing.append(NotChecked(name, found))
    missing += [NotChecked("training_log", problem) for problem in log.problems]
    return Findings(tuple(made), tuple(missing))
