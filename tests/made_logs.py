"""Training logs made by hand: a healthy run, and what faults make of its curves."""

import numpy as np

from harness.logs import Curve, TrainingLog

STEPS = 240
BASE = 3.1
"""Held-out loss of the base model."""


def a_log(*, settings=None, problems=(), **curves):
    """A log of curves, each a pair of steps and values."""
    made = {
        name: Curve(name, np.array(steps, np.int64), np.array(values, float))
        for name, (steps, values) in curves.items()
    }
    return TrainingLog("made.csv", "csv", made, settings or {}, tuple(problems))


def logged():
    """Steps at which the training loss was logged."""
    return np.arange(5, STEPS + 1, 5)


def evaluated():
    """Steps at which the held-out loss was measured."""
    return np.arange(0, STEPS + 1, 30)


def rates(peak=3e-3, *, warmup=24):
    """Warmed up, then down to 0 along half a cosine."""
    steps = logged()
    rising = np.minimum(1, steps / warmup) if warmup else np.ones(len(steps))
    falling = np.cos(np.pi / 2 * np.maximum(steps - warmup, 0) / (STEPS - warmup)) ** 2
    return steps, peak * np.where(steps < warmup, rising, falling)


def falling(steps, start, end, over):
    """From start towards end."""
    return end + (start - end) * np.exp(-np.asarray(steps) / over)


def a_run(train, held_out, *, noise=0.08, seed=0, **curves):
    """A log of both losses as functions of the step, with noise on the training's."""
    rng = np.random.default_rng(seed)
    steps = logged()
    values = train(steps) * np.exp(rng.normal(0, noise, len(steps)))
    found = {"train_loss": (steps, values), "learning_rate": rates()} | curves
    return a_log(eval_loss=(evaluated(), held_out(evaluated())), **found)


def healthy(**given):
    """A run that learns and levels off."""
    return a_run(
        lambda steps: falling(steps, 2.8, 1.45, 40),
        lambda steps: falling(steps, BASE, 1.4, 45),
        **given,
    )


def learned_by_heart(**given):
    """The training loss goes to nothing, the held-out loss up again."""
    return a_run(
        lambda steps: falling(steps, 3.0, 0.003, 25),
        lambda steps: falling(steps, BASE, 1.8, 20) + 0.25 * steps / STEPS,
        **given,
    )


def noisy_answers(**given):
    """The training loss stays far above the held-out loss."""
    return a_run(
        lambda steps: falling(steps, 4.5, 2.8, 60),
        lambda steps: falling(steps, BASE, 1.75, 60),
        **given,
    )


def rate_too_low(**given):
    """Both losses fall in proportion to what the rates add up to."""
    steps, rate = rates(3e-6)
    spent = np.cumsum(rate) / rate.sum()
    return a_run(
        lambda steps: np.full(len(steps), 2.7),
        lambda at: BASE - 0.08 * np.interp(at, steps, spent),
        learning_rate=(steps, rate),
        **given,
    )


def rate_too_high(**given):
    """Both losses rise first, and come down with the rate."""

    def loss(steps):
        return np.where(steps < 15, BASE, falling(steps, 4.4, 2.0, 170))

    return a_run(loss, loss, learning_rate=rates(3e-2), **given)


def ended_early(**given):
    """A rate that is usual, and a loss that was falling fast when training ended."""
    return a_run(
        lambda steps: 3.0 - 0.15 * steps / STEPS,
        lambda steps: BASE - 0.16 * steps / STEPS,
        learning_rate=(logged(), np.full(len(logged()), 2e-4)),
        **given,
    )


def no_numbers():
    """NaN at once, which the trainer's filter logs as 0."""
    steps = logged()
    train, norm = np.zeros(len(steps)), np.full(len(steps), np.nan)
    train[0], norm[0] = 3599.6, 11.0
    held_out = np.full(len(evaluated()), np.nan)
    held_out[0] = BASE
    return a_log(
        train_loss=(steps, train),
        grad_norm=(steps, norm),
        eval_loss=(evaluated(), held_out),
    )


def harmed_at_first():
    """Full rate from the first step, at which the loss jumps."""
    steps = logged()
    train = falling(steps, 2.8, 1.45, 40)
    train[1:4] += 1.2
    return a_log(
        train_loss=(steps, train),
        eval_loss=(evaluated(), falling(evaluated(), BASE, 1.4, 45)),
        learning_rate=rates(warmup=0),
    )


def broke_down():
    """Only a training loss, which rises without end."""
    steps = logged()
    return a_log(train_loss=(steps, 2.5 * np.exp(steps / 100)))
