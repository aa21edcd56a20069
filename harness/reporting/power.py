"""Plans as a page with their figures of power over prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.reporting import planned
from harness.reporting.figures import Look, layout
from harness.reporting.formats import counted
from harness.reporting.page import environment, figures_json, joined, plotly, policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go

    from harness.reporting.plans import Curve, Plan


def plans_html(plans: Sequence[Plan]) -> str:
    """The plans as one page that works without a network; names are escaped."""
    from markupsafe import Markup

    scripts = [plotly(), joined(["page.js"])]
    figures = {
        f"power-{at}": power_figure(plan).to_plotly_json()
        for at, plan in enumerate(plans)
    }
    return (
        environment()
        .get_template("plan.html")
        .render(
            plans=plans,
            planned=planned,
            simulated=any(plan.basis.simulated for plan in plans),
            policy=policy(scripts),
            style=Markup(joined(["style.css"])),  # noqa: S704 - our own file
            scripts=[Markup(script) for script in scripts],  # noqa: S704 - likewise
            figures=Markup(figures_json(figures)),  # noqa: S704 - escaped for scripts
        )
    )


def power_figure(plan: Plan) -> go.Figure:
    """Power over prompts like these, a line for each number of raters.

    Lines with the metric are thin.
    """
    import plotly.graph_objects as go

    figure = go.Figure(layout=layout())
    order = list(dict.fromkeys(curve.raters for curve in plan.curves))
    for curve in plan.curves:
        figure.add_trace(_line(curve, order.index(curve.raters)))
    grey = {"dash": "dot", "width": 1, "color": "#888888"}
    note = {"text": f"{plan.power:g}", "font": {"size": 10}}
    figure.add_hline(plan.power, line=grey, annotation=note)
    if plan.total <= plan.curves[0].prompts[-1]:
        all_of_them = {"text": f"all {plan.total:,}", "font": {"size": 10}}
        figure.add_vline(plan.total, line=grey, annotation=all_of_them)
    title = {"text": "prompts rated", "standoff": 6, "font": {"size": 11}}
    figure.update_xaxes(title=title)
    figure.update_yaxes(range=[0, 1.02], title={"text": "power", "font": {"size": 11}})
    return figure


def _line(curve: Curve, place: int) -> go.Scatter:
    import plotly.graph_objects as go

    name = counted(curve.raters, "rater")
    name += ", with a metric" if curve.metric else ""
    look, width = Look.of(place), 1 if curve.metric else 2.5
    return go.Scatter(
        x=list(curve.prompts),
        y=list(curve.power),
        mode="lines",
        name=name,
        line={"color": look.colour, "dash": look.dash, "width": width},
        meta={"series": place, "role": "values"},
        text=[name] * len(curve.prompts),
        hovertemplate="%{text}<br>%{x:,} prompts: %{y:.2f}<extra></extra>",
    )
