"""The upper panel of a figure over training: losses as they were logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.reporting.figures import DASHES, PALETTE, escaped

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go

    from harness.reporting.learning import LearningCurve

MOST_LINES = 6
"""Losses that are drawn."""
LOWER, UPPER, WHOLE = (0.0, 0.58), (0.66, 1.0), (0.0, 1.0)
"""Where the two panels stand, or the only one, in shares of the figure's height."""
WIDE = 50.0
"""How much larger than the lowest loss the highest is where the axis is logarithmic."""


def add_losses(figure: go.Figure, curves: Sequence[LearningCurve]) -> None:
    """Draw losses above what the figure shows, over the same steps.

    A point that is no number breaks its line and is marked at the panel's upper edge.
    """
    bare = not figure.data
    drawn = [curve for curve in curves if curve.is_loss][:MOST_LINES]
    finite = [value for curve in drawn for _, value in curve.finite]
    top = max(finite, default=1.0)
    several = len({curve.run for curve in drawn}) > 1
    for place, curve in enumerate(drawn):
        name = escaped(f"{curve.label} ({curve.run})" if several else curve.label)
        figure.add_trace(_line(curve, place, name))
        if curve.marks:
            figure.add_trace(_marks(curve, place, name, top))
    wide = finite and min(finite) > 0 and top > WIDE * min(finite)
    figure.update_layout(
        yaxis={"domain": LOWER, "visible": not bare},
        yaxis2={
            "domain": WHOLE if bare else UPPER,
            "anchor": "x",
            "title": {"text": "loss", "font": {"size": 11}},
            "type": "log" if wide else "linear",
            "zeroline": False,
            "nticks": 5,
            "automargin": True,
        },
    )


def _colour(place: int) -> int:
    """Metrics begin with the first colour, losses with the last."""
    return -1 - place + len(PALETTE)


def _line(curve: LearningCurve, place: int, name: str) -> go.Scatter:
    import plotly.graph_objects as go

    known = dict(curve.finite)
    few = len(known) <= 20  # noqa: PLR2004 - points that can be told apart
    return go.Scatter(
        x=list(curve.steps),
        y=[known.get(step) for step in curve.steps],
        yaxis="y2",
        mode="lines+markers" if few else "lines",
        name=name,
        line={
            "color": PALETTE[_colour(place)],
            "width": 1.6,
            "dash": DASHES[place % len(DASHES)],
        },
        marker={"color": PALETTE[_colour(place)], "size": 5},
        meta={"series": _colour(place), "role": "values"},
        hovertemplate=f"{name} %{{y:.4g}}<br>step %{{x:,}}<extra></extra>",
    )


def _marks(curve: LearningCurve, place: int, name: str, top: float) -> go.Scatter:
    import plotly.graph_objects as go

    return go.Scatter(
        x=[step for step, _ in curve.marks],
        y=[top for _ in curve.marks],
        yaxis="y2",
        mode="markers",
        name=f"{name}: no number",
        marker={
            "color": PALETTE[_colour(place)],
            "size": 9,
            "symbol": "x-thin-open",
            "line": {"width": 2},
        },
        meta={"series": _colour(place), "role": "values"},
        text=[f"{name} is {value} at step {step:,}" for step, value in curve.marks],
        hovertemplate="%{text}<extra></extra>",
    )
