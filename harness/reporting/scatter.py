"""The figure of rated outputs: a metric against the raters, by plotly."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.reporting.disagreements import closest
from harness.reporting.figures import Look, escaped, layout, series_of
from harness.reporting.formats import on_one_line, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go

    from harness.reporting.model import RatedOutput, TaskReport

MOST_POINTS = 2_000
"""Points of a figure; of more outputs, so many are drawn at random."""

SPREAD = 0.025
"""Share of the range by which points are moved at most, so that equal ones show."""

HOVER_LETTERS = 400
HOVER_WIDTH = 60

Columns = dict[str, list[list[float | None]]]
"""Metric or criterion to the values of each trace's points."""


@dataclass(frozen=True)
class Scatter:
    """Rated outputs, with all that is needed to show another pair."""

    figure: go.Figure
    """The pair that is shown first; a trace for each series."""
    metrics: Columns
    """Scores, by signature."""
    criteria: Columns
    """Ratings, by criterion."""
    drawn: list[list[RatedOutput]]
    """The outputs that each trace's points stand for."""
    jitter: list[list[tuple[float, float]]]
    """How far each trace's points are moved, as shares of the most, -1 to 1."""
    shown: tuple[str, str]
    """Signature and criterion of the first pair."""
    points: int
    """Points drawn."""
    outputs: int
    """Rated outputs."""


def scatter(task: TaskReport, seed: int = 0) -> Scatter | None:
    """Rated outputs by the closest metric and the first criterion that has one.

    Args:
        task: what was rated.
        seed: seed of the draw of points and of their jitter.

    Returns:
        None where no metric can be held against the ratings.
    """
    shown = _first_pair(task)
    if shown is None:
        return None
    rng = np.random.default_rng(seed)
    traces = _traces(task, rng)
    signatures = dict.fromkeys(one.signature for one in task.agreement)
    made = Scatter(
        figure=_axes(task, *shown),
        metrics={
            signature: [[o.scores.get(signature) for o in trace] for trace in traces]
            for signature in signatures
        },
        criteria={
            criterion.name: [
                [o.ratings.get(criterion.name) for o in trace] for trace in traces
            ]
            for criterion in task.criteria
        },
        drawn=traces,
        jitter=[
            rng.uniform(-1, 1, (len(trace), 2)).round(2).tolist() for trace in traces
        ],
        shown=shown,
        points=sum(map(len, traces)),
        outputs=len(task.rated),
    )
    for place, trace in enumerate(traces):
        made.figure.add_trace(_points(made, trace, place))
    return made


def _first_pair(task: TaskReport) -> tuple[str, str] | None:
    for criterion in task.criteria:
        best = closest(task.agreement, criterion.name)
        if best is not None:
            return best.signature, criterion.name
    return None


def _traces(task: TaskReport, rng: np.random.Generator) -> list[list[RatedOutput]]:
    """The outputs of each series, all or at most as many as a figure bears."""
    chosen = np.arange(len(task.rated))
    if len(chosen) > MOST_POINTS:
        chosen = np.sort(rng.choice(chosen, MOST_POINTS, replace=False))
    place = {name: number for number, name in enumerate(series_of(task))}
    series = {checkpoint.label: checkpoint.series for checkpoint in task.checkpoints}
    traces: list[list[RatedOutput]] = [[] for _ in place]
    for row in chosen.tolist():
        output = task.rated[row]
        traces[place[series[output.checkpoint]]].append(output)
    return traces


def _axes(task: TaskReport, signature: str, criterion: str) -> go.Figure:
    import plotly.graph_objects as go

    figure = go.Figure(layout=layout())
    figure.update_layout(hovermode="closest")
    label = escaped(task.metric(signature).label)
    figure.update_xaxes(title={"text": label, "standoff": 8})
    figure.update_yaxes(title={"text": escaped(criterion)})
    return figure


def _points(made: Scatter, trace: Sequence[RatedOutput], place: int) -> go.Scatter:
    import plotly.graph_objects as go

    signature, criterion = made.shown
    scores, ratings = made.metrics[signature], made.criteria[criterion]
    shifts, look = made.jitter[place], Look.of(place)
    return go.Scatter(
        x=_moved(scores, place, [x for x, _ in shifts]),
        y=_moved(ratings, place, [y for _, y in shifts]),
        customdata=list(zip(scores[place], ratings[place], strict=True)),
        mode="markers",
        marker={
            "color": look.colour,
            "size": 7,
            "opacity": 0.5,
            "symbol": look.symbol,
        },
        meta={"series": place, "role": "points"},
        text=[_hover(output) for output in trace],
        hovertemplate="metric %{customdata[0]:.4~g}, rating %{customdata[1]:.4~g}"
        "<br>%{text}<extra></extra>",
    )


def _moved(
    traces: Sequence[Sequence[float | None]], place: int, shifts: Sequence[float]
) -> list[float | None]:
    known = [value for trace in traces for value in trace if value is not None]
    most = SPREAD * (max(known) - min(known)) if known else 0.0
    return [
        None if value is None else value + most * shift
        for value, shift in zip(traces[place], shifts, strict=True)
    ]


def _hover(output: RatedOutput) -> str:
    """What appears over a point, in plotly's little HTML."""
    text = shortened(on_one_line(output.text), HOVER_LETTERS)
    lines = textwrap.wrap(text, HOVER_WIDTH) or ["(nothing)"]
    place = f"{output.checkpoint}, item {output.item}"
    return "<br>".join([f"<b>{escaped(place)}</b>", *map(escaped, lines)])
