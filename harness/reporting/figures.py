"""Figures, by plotly: every metric and criterion over the checkpoints."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.reporting.formats import on_one_line, with_interval
from harness.reporting.tables import columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go

    from harness.reporting.model import CheckpointReport, TaskReport
    from harness.reporting.tables import Column
    from harness.types import Estimate, Json

PALETTE = ("#1255a3", "#d76214", "#057e60", "#9f3b7f", "#725400", "#755fdb")
"""Colours that the common kinds of colour blindness tell apart, one a series."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")
"""With lines and marks of their own, no series is told by its colour alone."""

MOST_NAMES = 8
"""Checkpoints without steps up to which their names stand at the axis."""

NAME_LETTERS = 40


@dataclass(frozen=True, slots=True)
class Look:
    """How one series is drawn; 36 of them differ."""

    colour: str
    """For paper; the page has its own for the dark."""
    dash: str
    """Of its line."""
    symbol: str
    """Of its points."""

    @classmethod
    def of(cls, place: int) -> Look:
        """That of the series with this number, from 0."""
        turn = (place + place // len(PALETTE)) % len(DASHES)
        return cls(PALETTE[place % len(PALETTE)], DASHES[turn], SYMBOLS[turn])


@dataclass(frozen=True)
class Panel:
    """One metric or criterion over the checkpoints."""

    title: str
    """Its name."""
    rated: bool
    """Whether raters gave it."""
    figure: go.Figure
    """Lines with intervals, one a series."""


def series_of(task: TaskReport) -> list[str]:
    """Names of the series, in the order of their colours."""
    return list(dict.fromkeys(checkpoint.series for checkpoint in task.checkpoints))


def trends(task: TaskReport) -> list[Panel]:
    """Each criterion and metric over training steps; empty for one checkpoint.

    Checkpoints without steps stand side by side where none has a step, and are left
    out where others have.
    """
    if len(task.checkpoints) < 2:  # noqa: PLR2004 - a change needs two
        return []
    stepwise = any(checkpoint.step is not None for checkpoint in task.checkpoints)
    shown = [c for c in task.checkpoints if c.step is not None or not stepwise]
    return [
        Panel(column.heading, column.rated, _trend(task, column, shown, stepwise))
        for column in columns(task)
        if any(_value(column, checkpoint) is not None for checkpoint in shown)
    ]


def layout() -> dict[str, Json]:
    """What all figures look like; the page adds its colours for light and dark."""
    return {
        "template": "none",
        "showlegend": False,
        "margin": {"l": 48, "r": 12, "t": 8, "b": 42},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 12},
        "hoverlabel": {"align": "left"},
        "xaxis": {"showgrid": False, "zeroline": False, "ticks": "outside"},
        "yaxis": {"zeroline": False, "nticks": 5, "automargin": True},
    }


def escaped(untrusted: str) -> str:
    """The text as plotly must get it, since it reads a little HTML everywhere."""
    return html.escape(on_one_line(untrusted))


def _trend(
    task: TaskReport,
    column: Column,
    shown: Sequence[CheckpointReport],
    stepwise: bool,  # noqa: FBT001 - a property of the task
) -> go.Figure:
    import plotly.graph_objects as go

    figure = go.Figure(layout=layout())
    for place, series in enumerate(series_of(task)):
        own = [
            checkpoint
            for checkpoint in shown
            if checkpoint.series == series and _value(column, checkpoint) is not None
        ]
        if stepwise and len(own) > 1:
            figure.add_traces([_band(column, own, place), _line(column, own, place)])
        elif own:
            figure.add_trace(_points(column, own, place, stepwise=stepwise))
    for baseline in task.baselines:
        trivial = column.cells.get(baseline.name)
        if trivial is not None and trivial.value is not None:
            line = {"dash": "dot", "width": 1, "color": "#888888"}
            note = {"text": "copy", "font": {"size": 10}}
            figure.add_hline(trivial.value, line=line, annotation=note)
    if stepwise:
        title = {"text": "step", "standoff": 6, "font": {"size": 11}}
        figure.update_xaxes(title=title, nticks=5)
    else:
        few = len(task.checkpoints) <= MOST_NAMES
        figure.update_xaxes(showticklabels=few, type="category", automargin=True)
    return figure


def _line(column: Column, own: Sequence[CheckpointReport], place: int) -> go.Scatter:
    trace = _points(column, own, place, stepwise=True)
    trace.mode = "lines+markers"
    trace.error_y = None
    look = Look.of(place)
    trace.line = {"color": look.colour, "width": 2, "dash": look.dash}
    return trace


def _points(
    column: Column, own: Sequence[CheckpointReport], place: int, *, stepwise: bool
) -> go.Scatter:
    """Points with their intervals as bars."""
    import plotly.graph_objects as go

    cells = [column.cells[checkpoint.label] for checkpoint in own]
    ends = [_ends(cell) for cell in cells]
    look = Look.of(place)
    return go.Scatter(
        x=[c.step if stepwise else _short(c.label) for c in own],
        y=[value for _, value, _ in ends],
        error_y={
            "array": [high - value for _, value, high in ends],
            "arrayminus": [value - low for low, value, _ in ends],
            "color": look.colour,
            "thickness": 1.2,
            "width": 0,
        },
        mode="markers",
        marker={"color": look.colour, "size": 6, "symbol": look.symbol},
        meta={"series": place, "role": "values"},
        text=[
            f"{escaped(checkpoint.label)}<br>{with_interval(cell, column.decimals)}"
            f"<br>n = {cell.n:,}"
            for checkpoint, cell in zip(own, cells, strict=True)
        ],
        hovertemplate="%{text}<extra></extra>",
    )


def _band(column: Column, own: Sequence[CheckpointReport], place: int) -> go.Scatter:
    import plotly.graph_objects as go

    steps = [checkpoint.step for checkpoint in own]
    ends = [_ends(column.cells[checkpoint.label]) for checkpoint in own]
    highs, lows = [high for *_, high in ends], [low for low, *_ in ends]
    colour = Look.of(place).colour
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return go.Scatter(
        x=[*steps, *reversed(steps)],
        y=[*highs, *reversed(lows)],
        mode="lines",
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},0.15)",
        line={"width": 0},
        hoverinfo="skip",
        meta={"series": place, "role": "band"},
    )


def _value(column: Column, checkpoint: CheckpointReport) -> float | None:
    cell = column.cells.get(checkpoint.label)
    return None if cell is None else cell.value


def _ends(cell: Estimate) -> tuple[float, float, float]:
    """Low, value and high; all alike where there is no interval."""
    value = cell.value or 0.0
    low = value if cell.low is None else cell.low
    return low, value, value if cell.high is None else cell.high


def _short(label: str) -> str:
    line = on_one_line(label)
    return html.escape(line if len(line) <= NAME_LETTERS else f"{line[:NAME_LETTERS]}…")
