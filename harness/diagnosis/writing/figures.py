"""The curves of a run, drawn and annotated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.curves.course import course_of
from harness.diagnosis.curves.rates import spike_steps
from harness.logs import model
from harness.reporting.figures import DASHES, PALETTE, layout

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from harness.diagnosis.curves.course import Course, Line
    from harness.logs import TrainingLog

MOST_POINTS = 2_000
"""Points drawn of a curve; of longer ones every so many."""
WIDE = 20.0
"""Largest loss over the smallest, from which on the axis is logarithmic."""
DECADES = 3
"""Powers of ten from which on only they have ticks."""
GREY = "#888888"
NOTED = 3
"""Spikes and steps without a number that are marked."""
LABELS = {model.TRAIN_LOSS: "training", model.EVAL_LOSS: "held out"}


@dataclass(frozen=True, slots=True)
class Drawn:
    """One figure and what it shows."""

    title: str
    """What its curves are."""
    figure: go.Figure
    """With its notes."""
    names: tuple[str, ...]
    """Of its curves, in the order of their colours."""


def drawn(log: TrainingLog) -> list[Drawn]:
    """Losses, learning rate and gradient norm, as far as they were logged."""
    course = course_of(log)
    losses = {model.TRAIN_LOSS: course.train, model.EVAL_LOSS: course.held_out}
    known = {LABELS[name]: line for name, line in losses.items() if line is not None}
    found = []
    if known:
        figure = _figure(known)
        _note_losses(figure, course)
        found.append(Drawn("Loss", figure, tuple(known)))
    for title, line in (("Learning rate", course.rate), ("Gradient norm", course.norm)):
        if line is not None and len(line) > 1:
            found.append(Drawn(title, _figure({title: line}), ()))
    return found


def _figure(lines: dict[str, Line]) -> go.Figure:
    import plotly.graph_objects as go

    figure = go.Figure(layout=layout())
    for place, (name, line) in enumerate(lines.items()):
        every = max(1, -(-len(line) // MOST_POINTS))
        few = len(line) <= 50  # noqa: PLR2004 - so that single points are seen
        figure.add_trace(
            go.Scatter(
                x=line.steps[::every].tolist(),
                y=line.values[::every].tolist(),
                mode="lines+markers" if few else "lines",
                name=name,
                line={"color": PALETTE[place], "width": 2, "dash": DASHES[place]},
                marker={"color": PALETTE[place], "size": 5},
                meta={"series": place, "role": "values"},
                hovertemplate=f"{name}<br>step %{{x:,}}: %{{y:.4g}}<extra></extra>",
            )
        )
    values = np.concatenate([line.values for line in lines.values()])
    if values.min() > 0 and values.max() > WIDE * values.min():
        low, high = np.log10(values.min()) - 0.1, np.log10(values.max()) + 0.1
        tick = "D2" if high - low < DECADES else 1
        figure.update_yaxes(type="log", range=[float(low), float(high)], dtick=tick)
    title = {"text": "step", "standoff": 6, "font": {"size": 11}}
    figure.update_xaxes(title=title, nticks=6)
    return figure


def _note_losses(figure: go.Figure, course: Course) -> None:
    """Best step, the base model's loss, spikes, and where numbers end."""
    held_out = course.held_out
    if held_out is not None and len(held_out) > 1:
        step = int(held_out.steps[held_out.best])
        _mark(figure, step, "lowest held-out loss", "dash")
    if course.base is not None:
        figure.add_hline(course.base, line={"dash": "dot", "width": 1, "color": GREY})
        # On a logarithmic axis plotly places shapes by value, but texts by logarithm.
        logarithmic = figure.layout.yaxis.type == "log"
        figure.add_annotation(
            text="base model",
            x=1,
            xref="paper",
            xanchor="right",
            y=float(np.log10(course.base)) if logarithmic else course.base,
            yanchor="bottom",
            showarrow=False,
            font={"size": 10},
        )
    for step in spike_steps(course)[:NOTED]:
        _mark(figure, step, "spike", "dot")
    for step in _numberless(course)[:1]:
        _mark(figure, step, "no number from here", "solid")


def _mark(figure: go.Figure, step: int, text: str, dash: str) -> None:
    figure.add_vline(
        step,
        line={"dash": dash, "width": 1, "color": GREY},
        annotation={"text": text, "font": {"size": 10}, "textangle": -90},
        annotation_position="bottom left",
    )


def _numberless(course: Course) -> list[int]:
    """Steps at which a loss or norm is no number."""
    curves = course.log.curves
    watched = (model.TRAIN_LOSS, model.EVAL_LOSS, model.GRAD_NORM)
    return sorted(
        int(step)
        for name in watched
        if name in curves
        for step in curves[name].steps[~np.isfinite(curves[name].values)]
    )
