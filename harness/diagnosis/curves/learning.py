"""Whether the loss falls, how far, and whether it falls still."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.curves.rates import HIGHEST, LOWEST
from harness.diagnosis.model import Check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.diagnosis.curves.course import Course, Line
    from harness.diagnosis.model import CauseName, Status

WORSE = 1.05
"""Times the base model's loss from which on a run made it worse."""
KNEW = 4.6
"""Loss of the base model, in nats a token, from which on there is nothing to destroy:
as if a hundred tokens were alike. Guessing among a vocabulary of 500 to 150,000 tokens
costs 6 to 12, trained models 1 to 4."""
BREAKDOWN = 2.0
"""Times the loss at the start from which on training broke down."""
LITTLE = 0.10
"""Improvement of the loss below which a run hardly learned."""
LINEAR = 0.5
"""Improvement of the second half over that of the first, from which on a curve does
not level off: measured here 1.0 at a thousandth of the best rate, 0.3 at the best."""
NEARLY_NOTHING = 0.02
BY_HEART = 0.5
"""Fall of the training loss that is learning, whatever the held-out loss does."""
LATE = 0.75
"""Share of the run after which improvement is late."""
STILL = 0.05
"""Loss that the last quarter took off, over which the run had not ended."""
NO_BASE = (
    "the log has no held-out loss at step 0: evaluate the base model first "
    "(transformers: eval_on_start=True)"
)
SHORT = "the log has fewer than four losses"
FEWEST = 4


def against_the_start(course: Course) -> Check | str:
    """The end of the run against the untouched model, or against its own start."""
    base, held_out = course.base, course.held_out
    if base is None or held_out is None or len(held_out) <= 1:
        return _against_own_start(course)
    ratio = held_out.last / base if base > 0 else 1.0
    worse = ratio > WORSE
    # Overfitting ends above the base, too, but with a training loss far below it.
    learned = course.train is not None and course.train.end < base
    weights: Mapping[CauseName, float] = (
        {}
        if not worse
        else {"diverged": 2.0, "overfitting": 1.0}
        if learned
        else {"diverged": 4.0, "learning_rate_too_high": 4.0, "no_warmup": 0.5}
    )
    return Check(
        name="against_the_start",
        area="curves",
        status="failure" if worse else "fine",
        value=ratio,
        threshold=f"{WORSE:g} × the held-out loss of step 0",
        source="measured here; Karpathy 2019, A recipe for training neural networks",
        says=f"The held-out loss ends at {held_out.last:.4g}; before the first step "
        f"it was {base:.4g}.",
        weights=weights or {"diverged": -2.0},
    )


def _against_own_start(course: Course) -> Check | str:
    """Without the base model's loss only a breakdown is seen."""
    train = course.train
    if train is None or len(train) < FEWEST:
        return NO_BASE
    start = float(train.values[0])
    ratio = train.end / start if start > 0 else 1.0
    broke = ratio > BREAKDOWN
    return Check(
        name="against_the_start",
        area="curves",
        status="failure" if broke else "fine",
        value=ratio,
        threshold=f"{BREAKDOWN:g} × the first training loss",
        source="axolotl 0.19, loss_watchdog_threshold",
        says=f"The training loss ends at {train.end:.4g}; the first was {start:.4g}. "
        "The base model was not evaluated.",
        weights={"diverged": 4.0, "learning_rate_too_high": 3.5} if broke else {},
    )


def rise(course: Course) -> Check | str:
    """Whether both losses rose before they fell, if they did.

    A rate that is too high first destroys what the base model knew; with the rate the
    loss then comes down again. A rise of the held-out loss alone is overfitting.
    """
    train, held_out, base = course.train, course.held_out, course.base
    if train is None or held_out is None or base is None or len(held_out) <= 1:
        return NO_BASE
    peak = int(held_out.values.argmax())
    top = float(held_out.values[peak])
    trained = train.at(float(held_out.steps[peak]))
    rose = top > WORSE * base and trained > WORSE * base
    return Check(
        name="rise_at_the_start",
        area="curves",
        status="failure" if rose else "fine",
        value=top / base if base > 0 else 1.0,
        threshold=f"both losses over {WORSE:g} × the held-out loss of step 0",
        source="measured here: 1.2 to 1.6 at ten and thirty times the best rate",
        says=f"The held-out loss was {base:.4g} before the first step and is highest "
        f"at step {held_out.steps[peak]:,} ({top:.4g}); the training loss was "
        f"{trained:.4g} there.",
        weights={"learning_rate_too_high": 4.5, "no_warmup": 1.0, "diverged": 2.0}
        if rose
        else {"learning_rate_too_high": -1.0}
        if base < KNEW
        else {},
    )


def improvement(course: Course) -> Check | str:
    """How much of the loss the whole run took off."""
    line = course.loss
    if line is None or len(line) < FEWEST:
        return SHORT
    gained = gain(line)
    # A training loss that fell by itself is learning, though nothing that generalises.
    by_heart = course.train is not None and gain(course.train) > BY_HEART
    little = gained < LITTLE and not by_heart
    # A good base model improves little, too, but soon; a low rate ever on.
    late = _late_share(course, line)
    status: Status = "fine"
    weights: dict[CauseName, float] = {"learning_rate_too_low": -2.0}
    if little and gained > 0 and late < LINEAR:
        status = "notice"
        weights = {"learning_rate_too_low": 1.0, "under_trained": 0.5}
    elif little:
        status, weights = "warning", _of_little(course, gained)
    return Check(
        name="loss_improvement",
        area="curves",
        status=status,
        value=gained,
        threshold=f"{LITTLE:.0%} of the loss at the start, of which the second half of "
        f"the run brought {LINEAR:.0%} of what the first did",
        source="measured here: healthy runs 49 % and more, rates far too low 9 % and "
        "less",
        says=f"The {_which(course)} loss changed by {-gained:+.1%}, from "
        f"{line.values[0]:.4g} to {line.end:.4g}; its second half brought {late:.0%} "
        "of what the first did.",
        weights=weights,
    )


def _late_share(course: Course, line: Line) -> float:
    """Improvement after half of what the rates add up to, over that before.

    Without rates steps are counted. Learning that has begun to end is far below 1;
    a rate that is too low leaves the loss falling on in proportion to it.
    """
    half = (line.steps[0] + line.steps[-1]) / 2
    rate = course.rate
    if rate is not None and len(rate) > FEWEST and rate.values.sum() > 0:
        spent = np.cumsum(rate.values * np.diff(rate.steps, prepend=0))
        half = float(np.interp(spent[-1] / 2, spent, rate.steps))
    middle = line.at(half)
    before, after = float(line.values[0]) - middle, middle - line.last
    return max(0.0, after / before) if before > 0 else 1.0


def gain(line: Line) -> float:
    """The share of the first loss that the last is lower by; below 0 it is higher."""
    start = float(line.values[0])
    return (start - min(line.end, line.last)) / start if start > 0 else 0.0


def _of_little(course: Course, gained: float) -> dict[CauseName, float]:
    """What too little improvement speaks for, by the rate if that was logged."""
    if gained < -NEARLY_NOTHING:
        return {"learning_rate_too_high": 3.0, "learning_rate_too_low": -2.0}
    rate = course.peak_rate
    if rate is not None and rate > HIGHEST:
        return {"learning_rate_too_high": 4.0, "under_trained": 1.0}
    if rate is not None and rate < LOWEST:
        return {"learning_rate_too_low": 5.0, "under_trained": 2.0}
    return {
        "learning_rate_too_low": 3.5,
        "under_trained": 3.0,
        "learning_rate_too_high": 1.5,
    }


def still_improving(course: Course) -> Check | str:
    """Whether the last quarter of the run took off as much as a longer one would."""
    line = course.loss
    if line is None or len(line) < FEWEST:
        return SHORT
    late = line.since(LATE)
    before = late.values[0]
    fell = float(before - late.last)
    share = fell / before if before > 0 else 0.0
    clear = fell > 2 * line.noise
    still = clear and share > STILL
    stopped = course.rate is not None and _decayed(course.rate)
    return Check(
        name="still_improving",
        area="curves",
        status="notice" if still else "fine",
        value=share,
        threshold=f"{STILL:.0%} of the loss in the last quarter, over twice its noise",
        source="measured here",
        says=f"In the last quarter of the run the {_which(course)} loss changed by "
        f"{-share:+.1%}"
        + (", so that a longer run would be better." if still else "."),
        weights={"under_trained": 1.0 if stopped else 2.0, "overfitting": -2.0}
        if still
        else {"under_trained": -1.0},
    )


def _decayed(rate: Line) -> bool:
    """Whether the learning rate was brought down, as at the end of a planned run."""
    return rate.last < float(rate.values.max()) / 4


def _which(course: Course) -> str:
    return "held-out" if course.loss is course.held_out else "training"
