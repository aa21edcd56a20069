"""Losses and gradients that are no numbers, and zeros that hide them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.diagnosis.model import Check, Example
from harness.logs import model

if TYPE_CHECKING:
    from harness.diagnosis.curves.course import Course
    from harness.diagnosis.model import CauseName

    Flags = np.ndarray[Any, np.dtype[np.bool_]]

WATCHED = (model.TRAIN_LOSS, model.EVAL_LOSS, model.GRAD_NORM)
SHOWN = 3
NO_LOSS = "the log has no loss; --log FILE names another"
FEW_ZEROS = 2
"""Losses of exactly 0 that are too many for chance."""


def finite_values(course: Course) -> Check | str:
    """Losses and gradient norms that are NaN or infinite."""
    curves = [course.log.curves[name] for name in WATCHED if name in course.log.curves]
    if not any(curve.name != model.GRAD_NORM for curve in curves):
        return NO_LOSS
    found = [
        Example(f"step {step}", f"{curve.name} = {value}")
        for curve in curves
        for step, value in zip(curve.steps.tolist(), curve.values.tolist(), strict=True)
        if not np.isfinite(value)
    ]
    bad = [c for c in curves if c.name != model.GRAD_NORM or not _scaled(course)]
    many = any(not np.isfinite(curve.values).all() for curve in bad)
    first = f"the first at {found[0].where} ({found[0].text})" if found else ""
    return Check(
        name="finite_values",
        area="curves",
        status="failure" if many else "notice" if found else "fine",
        value=float(len(found)),
        threshold="any",
        source="IEEE 754: what follows a NaN is NaN",
        says=f"{len(found):,} logged losses or gradient norms are no finite numbers, "
        f"{first}."
        if found
        else "All logged losses and gradient norms are finite.",
        examples=tuple(found[:SHOWN]),
        weights={"non_finite": 7.0, "learning_rate_too_high": 1.5, "diverged": 2.0}
        if many
        else {}
        if found
        else {"non_finite": -3.0},
    )


def _scaled(course: Course) -> bool:
    """Whether single infinite norms are normal: a loss scaler skips those steps."""
    norm = course.log.curves.get(model.GRAD_NORM)
    if norm is None or norm.values.size == 0:
        return False
    finite = np.isfinite(norm.values)
    return bool(finite[-1]) and bool(finite.mean() > 0.9)  # noqa: PLR2004 - nearly all


def logged_zeros(course: Course) -> Check | str:
    """Losses of exactly 0, which trainers log in place of NaN.

    transformers' `logging_nan_inf_filter`, on by default, adds 0 for each loss that is
    no number; the gradient's norm or the held-out loss gives it away.
    """
    curve = course.log.curves.get(model.TRAIN_LOSS)
    if curve is None:
        return "the log has no training loss"
    zeros = curve.values == 0
    many = int(zeros.sum()) >= FEW_ZEROS
    telling = [
        name
        for name in (model.GRAD_NORM, model.EVAL_LOSS)
        if name in course.log.curves
        and not np.isfinite(course.log.curves[name].values).all()
    ]
    weights: dict[CauseName, float] = {
        "non_finite": 7.0 if telling else 4.0,
        "malformed_data": 1.5,
    }
    beside = f" while {' and '.join(telling)} is no number" if telling else ""
    steps = curve.steps[zeros]
    return Check(
        name="logged_zeros",
        area="curves",
        status="failure" if many else "fine",
        value=float(zeros.sum()),
        threshold=f"{FEW_ZEROS} losses of exactly 0",
        source="transformers 5, TrainingArguments.logging_nan_inf_filter; measured "
        "here",
        says=f"{len(steps):,} training losses are exactly 0{beside}, from step "
        f"{steps[0]:,} on: a filter logs 0 for NaN."
        if many
        else "No run of training losses of exactly 0.",
        examples=tuple(
            Example(f"step {step}", "train_loss = 0.0") for step in steps[:SHOWN]
        ),
        weights=weights if many else {},
    )
