"""All metrics and ratings over training on one axis, under the losses."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from harness.reporting.figures import Look, escaped, layout, series_of
from harness.reporting.formats import with_interval
from harness.reporting.losses import add_losses
from harness.reporting.tables import columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import plotly.graph_objects as go

    from harness.reporting.estimates import Estimator
    from harness.reporting.model import CheckpointReport, TaskReport
    from harness.reporting.tables import Column
    from harness.types import Estimate, Json

MOST_SERIES = 6
"""Series that get a figure; panels of each metric show all."""
INK = "#1c2127"
"""Colour of ratings, which so stand apart from the metrics."""
FAINT = 0.35
"""Opacity of a line that does not surely change."""
SHADED = 3
"""Stretches of partings that are shaded."""
NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Scale:
    """How values of a metric or criterion lie on the common axis."""

    worst: float
    """The worst value of all checkpoints with steps."""
    height: float
    """What is as long as the axis, in units of the value; below 0 turns it."""
    offset: float
    """Where the worst value lies: 0, or above where the values fill less."""
    sure: bool
    """Whether best and worst surely differ."""

    def at(self, value: float) -> float:
        """Where a value lies: 0 at the worst of what surely differs, 1 at the best."""
        return (value - self.worst) / self.height + self.offset


@dataclass(frozen=True, slots=True)
class Curves:
    """All metrics and criteria over one series."""

    series: str
    """Its name."""
    figure: go.Figure
    """A line for each, ratings in ink."""
    losses: bool = False
    """Whether losses stand above them."""


def reaches(
    estimator: Estimator,
    metrics: Mapping[str, Mapping[str, Estimate]],
    human: Mapping[str, Mapping[str, Estimate]],
) -> dict[tuple[bool, str], Estimate]:
    """How far the best of the checkpoints with steps is above the worst.

    Args:
        estimator: makes the intervals of the paired differences.
        metrics: id of the checkpoint to signature to value.
        human: id of the checkpoint to criterion to mean rating.

    Returns:
        Whether raters judged, and the criterion or signature, to best minus worst.
        Metrics without direction are left out, and what has fewer than two values.
    """
    with_steps = [c.id for c in estimator.evidence.checkpoints if c.step is not None]
    found = {}
    for criterion in estimator.evidence.mean_ratings:
        if ends := _ends(with_steps, human, criterion):
            lead = estimator.rating_lead(criterion, *ends)
            found[True, criterion] = lead.difference
    for signature, metric in estimator.metrics.items():
        ends = _ends(with_steps, metrics, signature) if metric.directed else None
        if ends:
            best, worst = ends if metric.higher_is_better else ends[::-1]
            found[False, signature] = estimator.metric_lead(signature, best, worst)
    return found


def _ends(
    checkpoints: Sequence[str], values: Mapping[str, Mapping[str, Estimate]], name: str
) -> tuple[str, str] | None:
    """The checkpoints of the highest and the lowest value."""
    known = {
        checkpoint: values[checkpoint][name].value or 0.0
        for checkpoint in checkpoints
        if name in values[checkpoint] and values[checkpoint][name].value is not None
    }
    if len(known) < 2:  # noqa: PLR2004 - highest and lowest
        return None
    return max(known, key=known.__getitem__), min(known, key=known.__getitem__)


def curves(task: TaskReport) -> list[Curves]:
    """One figure for each of the first series with steps or losses; else empty."""
    found = [c for c in columns(task) if (c.rated, c.key) in task.reaches]
    drawn = []
    for series in series_of(task):
        own = [c for c in task.checkpoints if c.series == series and c.step is not None]
        losses = [c for c in task.learning if c.series == series and c.is_loss]
        if losses or (len({checkpoint.step for checkpoint in own}) > 1 and found):
            figure = _figure(task, found, series, own)
            if losses:
                add_losses(figure, losses)
            drawn.append(Curves(series, figure, losses=bool(losses)))
    return drawn[:MOST_SERIES]


def scale_of(task: TaskReport, column: Column) -> Scale:
    """The scale of a metric or criterion, one for all series.

    Best and worst surely differ if their paired difference is above 0 in an interval
    that is Bonferroni-adjusted for the choice of these two checkpoints. Then they are
    at 1 and 0. Else the axis is as long as the difference that would be sure, so that
    noise is never drawn as large as a change.
    """
    labels = [c.label for c in task.checkpoints if c.step is not None]
    known = [cell for label in labels if (cell := column.checkpoints.get(label))]
    values = [column.sign * cell.value for cell in known if cell.value is not None]
    reach = max(values) - min(values)
    pairs = len(values) * (len(values) - 1) / 2
    wider = NORMAL.inv_cdf(1 - 0.025 / pairs) / NORMAL.inv_cdf(0.975)
    noise = wider * _half(task.reaches[column.rated, column.key])
    # Metrics of all outputs together have no paired interval here.
    noise = noise or sum(sorted(map(_half, known))[-2:])
    height = max(reach, noise) or 1.0
    return Scale(
        worst=column.sign * min(values),
        height=column.sign * height,
        offset=(1 - reach / height) / 2,
        sure=reach > noise > 0,
    )


def _half(estimate: Estimate) -> float:
    if estimate.low is None or estimate.high is None:
        return 0.0
    return (estimate.high - estimate.low) / 2


def _figure(
    task: TaskReport,
    found: Sequence[Column],
    series: str,
    own: Sequence[CheckpointReport],
) -> go.Figure:
    import plotly.graph_objects as go

    figure = go.Figure(layout=layout())
    places = {True: 0, False: 0}
    for column in found:
        # Lines keep their looks over all series.
        place = places[column.rated]
        places[column.rated] += 1
        shown = [c for c in own if _known(column, c)]
        if shown:
            figure.add_trace(_line(column, scale_of(task, column), shown, place))
    stretches = dict.fromkeys(p.steps for p in task.partings if p.series == series)
    for start, end in list(stretches)[:SHADED]:
        figure.add_vrect(
            start, end, fillcolor="#888888", opacity=0.14, line_width=0, layer="below"
        )
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "itemwidth": 40}
    figure.update_layout(showlegend=True, legend=legend)
    figure.update_xaxes(title={"text": "step", "standoff": 4, "font": {"size": 11}})
    figure.update_yaxes(
        tickvals=[0, 0.5, 1], ticktext=["worst", "", "best"], zeroline=False
    )
    return figure


def _known(column: Column, checkpoint: CheckpointReport) -> bool:
    cell = column.checkpoints.get(checkpoint.label)
    return cell is not None and cell.value is not None


def _line(
    column: Column, scale: Scale, shown: Sequence[CheckpointReport], place: int
) -> go.Scatter:
    import plotly.graph_objects as go

    cells = [column.checkpoints[checkpoint.label] for checkpoint in shown]
    spans = [_span(scale, cell) for cell in cells]
    look = Look.of(place)
    colour = INK if column.rated else look.colour
    return go.Scatter(
        x=[checkpoint.step for checkpoint in shown],
        y=[value for _, value, _ in spans],
        error_y=_bars(spans, colour, column),
        mode="lines+markers",
        name=escaped(column.heading) + ("" if scale.sure else " (not sure)"),
        opacity=1 if scale.sure else FAINT,
        line={"color": colour, "width": 3 if column.rated else 1.6, "dash": look.dash},
        marker={
            "color": colour,
            "size": 9 if column.rated else 7,
            "symbol": look.symbol if column.rated else f"{look.symbol}-open",
        },
        meta={"series": place, "role": "people" if column.rated else "values"},
        text=[
            f"{escaped(checkpoint.label)}<br>{escaped(column.heading)} "
            f"{with_interval(cell, column.decimals)}<br>n = {cell.n:,}"
            for checkpoint, cell in zip(shown, cells, strict=True)
        ],
        hovertemplate="%{text}<extra></extra>",
    )


def _bars(
    spans: Sequence[tuple[float, float, float]], colour: str, column: Column
) -> dict[str, Json]:
    return {
        "array": [high - value for _, value, high in spans],
        "arrayminus": [value - low for low, value, _ in spans],
        "color": colour,
        "thickness": 1.6 if column.rated else 0.8,
        "width": 0,
    }


def _span(scale: Scale, cell: Estimate) -> tuple[float, float, float]:
    """Low, value and high on the common axis."""
    value = scale.at(cell.value or 0.0)
    if cell.low is None or cell.high is None:
        return value, value, value
    low, high = sorted((scale.at(cell.low), scale.at(cell.high)))
    return low, value, high
