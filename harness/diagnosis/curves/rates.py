"""The learning rate as it was logged, and what the loss does under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.model import Check, Example

if TYPE_CHECKING:
    from harness.diagnosis.curves.course import Course, Line
    from harness.diagnosis.model import CauseName
    from harness.logs.model import Values

HIGHEST = 2e-2
"""Peak rate above every band known for Adam, whatever the model's size."""
LOWEST = 1e-7
"""Peak rate below every band known."""
ADAM = ("adam", "lamb", "lion")
FIRST_SHARE = 0.1
"""Part of a run in which warm-up would lie."""
AT_ONCE = 1e-3
"""Rate from which on Adam needs warm-up. Its first steps move every weight by about the
rate (Kingma and Ba 2015, 2.1), and weights begin with a deviation of about 0.02 (GPT-2,
Llama): from here on a step moves them by a twentieth of it, and wherever that is done
it is done after warm-up. So one harmless run in twenty looks like this: 3.0."""
AT_START = 2
"""Last step whose rate shows that there was no warm-up, however short."""
JUMP = 1.15
"""Times the first loss that an early one reaches where the first steps do harm."""
HALF = 0.5
"""Share of the peak down to which a rate is high; share of a loss that is much."""
STOOD = 0.02
"""Share of a loss that is no change worth the name."""
FEWEST = 4
"""Held-out losses at a high rate that show whether they fall."""
SPIKE_MADS = 6.0
SPIKE_TIMES = 2.0
"""A spike is above both: so many deviations, and so many times, the local median."""
MANY = 3
WINDOW = 11
SHOWN = 3
NO_HELD_OUT = "the log has no held-out loss: evaluate during training"
NO_RATE = "the log has no learning rate; --config FILE gives it"


def peak_rate(course: Course) -> Check | str:
    """The highest learning rate, against the widest band there is for Adam.

    The bands by method and size are the configuration's; of a model of unknown size
    only a rate outside all of them tells.
    """
    rate = course.peak_rate
    if rate is None:
        return NO_RATE
    if rate == 0 and course.rate is not None and len(course.rate) == 1:
        return "the only learning rate in the log is 0, as warm-up begins"
    if not _is_adam(course):
        return "the bands are those of Adam, and the log names another optimizer"
    weights: dict[CauseName, float] = {}
    if rate > HIGHEST:
        weights = {"learning_rate_too_high": 3.3, "learning_rate_too_low": -3.0}
    elif rate < LOWEST:
        weights = {"learning_rate_too_low": 3.3, "learning_rate_too_high": -3.0}
    return Check(
        name="peak_learning_rate",
        area="curves",
        status="warning" if weights else "fine",
        value=rate,
        threshold=f"{LOWEST:g} to {HIGHEST:g}",
        source="measured here: the best rate of a 1 M-parameter model is 3e-3; TRL "
        "and axolotl defaults for larger ones are 2e-5 to 2e-4",
        says=f"The learning rate peaks at {rate:.3g}.",
        weights=weights,
    )


def _is_adam(course: Course) -> bool:
    named = course.log.settings.get("optim") or course.log.settings.get("optimizer")
    return not isinstance(named, str) or any(one in named.lower() for one in ADAM)


def first_steps(course: Course) -> Check | str:
    """Whether training begins at full rate, whether that is high, and a loss jumps."""
    rate, train = course.rate, course.train
    if rate is None:
        return NO_RATE
    if train is None or len(train) < WINDOW:
        return "the log has too few training losses to see its first steps"
    full = bool(rate.values[0] >= 0.99 * rate.values.max())
    seen = full and rate.steps[0] <= AT_START and _is_adam(course)
    high = bool(seen and rate.values.max() >= AT_ONCE)
    jump = _jump(train)
    harmed = full and jump > JUMP
    weights: dict[CauseName, float] = {"no_warmup": 1.5 if full else -3.0}
    if harmed:
        weights = {"no_warmup": 3.2, "learning_rate_too_high": 1.0}
    elif high:
        weights = {"no_warmup": 3.0}
    return Check(
        name="first_steps",
        area="curves",
        status="warning" if harmed or high else "notice" if full else "fine",
        value=jump,
        threshold=f"at full learning rate {JUMP:g} × the first loss, or a rate of "
        f"{AT_ONCE:g} and more with Adam",
        source="Gotmare et al. 2019; Kingma and Ba 2015; Google tuning playbook",
        says=(
            f"Training begins at the full learning rate ({rate.values[0]:.3g})"
            if full
            else "The learning rate is warmed up"
        )
        + f"; the loss of the first tenth reaches {jump:.2f} times the first.",
        weights=weights,
    )


def _jump(train: Line) -> float:
    end = train.steps[0] + FIRST_SHARE * (train.steps[-1] - train.steps[0])
    early = train.values[train.steps <= max(end, train.steps[2])]
    start = float(train.values[0])
    return float(early.max()) / start if start > 0 else 1.0


def stalled(course: Course) -> Check | str:
    """Whether the loss stood still while the rate was high, and fell only with it.

    Weights that are thrown about at each step get no further than the frequency of
    words; a rate that comes down lets the loss fall again. A loss that had fallen by
    half before it stood is the ordinary end of the part of a run at constant rate.
    """
    if course.rate is None:
        return NO_RATE
    if course.held_out is None:
        return NO_HELD_OUT
    at_high, after = _high_and_after(course.rate, course.held_out)
    if len(at_high) < FEWEST or not len(after):
        return f"it needs {FEWEST} held-out losses at a high rate, and some after it"
    early, late = (float(part.min()) for part in np.array_split(at_high, 2))
    lowest = float(after.min())
    fell = min(early, late) - lowest > max(STOOD * early, 2 * course.held_out.noise)
    much = lowest > HALF * course.held_out.values[0]
    stalled = late > (1 - STOOD) * early and fell and much
    return Check(
        name="stalled_at_high_rate",
        area="curves",
        status="warning" if stalled else "fine",
        value=late / early if early > 0 else 1.0,
        threshold=f"the second half at a high rate took off less than {STOOD:.0%}, "
        f"what came after it more, and over {HALF:.0%} of the first loss is left",
        source="measured here: 4.83 to 4.87 and then 4.62 at ten times the best rate",
        says=f"While the rate was above {HALF:.0%} of its peak the held-out loss came "
        f"to {early:.4g} in the first half of that time and to {late:.4g} in the "
        f"second; after it to {lowest:.4g}.",
        weights={"learning_rate_too_high": 2.0} if stalled else {},
    )


def _high_and_after(rate: Line, held_out: Line) -> tuple[Values, Values]:
    """Held-out losses while the rate was above half of its peak, and after that."""
    high = rate.steps[rate.values >= HALF * max(0.0, rate.values.max())]
    if not len(high):
        return high.astype(float), high.astype(float)
    at_high = (held_out.steps >= max(high[0], 1)) & (held_out.steps <= high[-1])
    return held_out.values[at_high], held_out.values[held_out.steps > high[-1]]


def spikes(course: Course) -> Check | str:
    """Losses far above their neighbours."""
    train = course.train
    if train is None or len(train) < 2 * WINDOW:
        return "the log has too few training losses for spikes"
    steps = spike_steps(course)
    many = len(steps) >= MANY
    return Check(
        name="loss_spikes",
        area="curves",
        status="notice" if many else "fine",
        value=float(len(steps)),
        threshold=f"{MANY} losses over {SPIKE_MADS:g} deviations and "
        f"{SPIKE_TIMES:g} times the local median",
        source="Lightning SpikeDetection (2 times); measured here",
        says=f"{len(steps):,} training losses are far above their neighbours.",
        examples=tuple(
            Example(f"step {step}", f"train_loss = {train.at(step):.4g}")
            for step in steps[:SHOWN]
        ),
        weights={
            "learning_rate_too_high": 1.0,
            "batch_too_small": 1.0,
            "malformed_data": 0.5,
        }
        if many
        else {},
    )


def spike_steps(course: Course) -> list[int]:
    """Steps whose training loss is far above its neighbours'."""
    train = course.train
    if train is None or len(train) < 2 * WINDOW:
        return []
    return [int(step) for step in train.steps[_is_spike(train.values)]]


def _is_spike(values: Values) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    padded = np.pad(values, WINDOW // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)
    middle = np.median(windows, axis=1)
    spread = np.median(np.abs(windows - middle[:, None]), axis=1)
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = (
        values > middle + SPIKE_MADS * spread
    ) & (values > SPIKE_TIMES * middle)
    return found
