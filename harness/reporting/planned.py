"""A plan as people read it: sentences, tables for a terminal, and JSON."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from harness.reporting.formats import MISSING, counted, number, on_one_line, printed
from harness.reporting.wording import BANNER
from harness.stats.sharpened import EXACTLY_THESE, LIKE_THESE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from harness.reporting.plans import Basis, Need, Plan
    from harness.types import Json

WIDTH = 100
STEPS = (10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1000, 1500, 2000)
"""Prompts of the table of power."""
MOST_STEPS = 9
OVERLAP = "15 to 20 %"
SHARED = 0.95
"""How far raters must have rated both outputs, to need no word on it."""


def plans_json(plans: Sequence[Plan]) -> Json:
    """The plans as plain values, each with its sentences."""
    return [{**one.as_json(), "sentences": sentences(one)} for one in plans]


def plans_text(plans: Sequence[Plan]) -> str:
    """The plans as plain text; names cannot send the terminal commands."""
    return printed(_parts(plans), width=WIDTH)


def title(plan: Plan) -> str:
    """What is planned, in one line."""
    what = "a difference of" if plan.kind == "difference" else "a win rate of"
    size = plan.detect if plan.kind == "difference" else plan.detect + 0.5
    return (
        f"{on_one_line(plan.task)}, {on_one_line(plan.criterion)}: {what} {size:g} "
        f"found with power {plan.power:g} (two-sided, 5 %)"
    )


def sentences(plan: Plan) -> list[str]:
    """What to do, and what it rests on."""
    said = [_advice(plan), _basis(plan), *_unknown(plan)]
    if plan.basis.metric is not None:
        said.append(_metric(plan))
    said += _too_few(plan)
    said.append(
        "At a given number of ratings, one rater of more prompts finds more than "
        f"several raters of fewer. Let a second one rate {OVERLAP} of the outputs "
        "none the less: only that shows how far raters agree."
    )
    said.append(
        "Each plan is for one look at the end; who looks after every few ratings "
        "needs more."
    )
    return said


def headings(plan: Plan) -> dict[str, str]:
    """Each estimand, as its table is called."""
    these = f"Exactly these {plan.total:,} prompts"
    return {LIKE_THESE: "Prompts like these", EXACTLY_THESE: these}


def cells(plan: Plan, need: Need) -> list[str]:
    """Prompts, their range, ratings and minutes."""
    if need.prompts is None:
        return ["never", MISSING, MISSING, MISSING]
    high = "never" if need.high is None else f"{need.high:,}"
    low = MISSING if need.low is None else f"{need.low:,}"
    return [
        f"{need.prompts:,}" + "+" * (need.prompts > plan.total),
        f"{low}–{high}",
        number(need.ratings, 0),
        number(need.minutes, 0),
    ]


def columns(plan: Plan) -> list[str]:
    """Headings of `cells`."""
    ratings = "ratings" if plan.kind == "difference" else "comparisons"
    return ["prompts", "range", ratings, "minutes"]


def power_steps(plan: Plan) -> list[tuple[int, list[float]]]:
    """Prompts, and the power of each curve with so many."""
    first = plan.curves[0]
    last = first.prompts[-1]
    steps = [step for step in STEPS if first.prompts[0] <= step <= last]
    skip = ceil(len(steps) / MOST_STEPS)
    chosen = steps[::-1][::skip][::-1] if steps else [last]
    return [
        (step, [_at(one.prompts, one.power, step) for one in plan.curves])
        for step in chosen
    ]


def _at(prompts: Sequence[int], power: Sequence[float], step: int) -> float:
    import numpy as np

    return float(np.interp(step, prompts, power))


def _parts(plans: Sequence[Plan]) -> Iterator[RenderableType]:
    if any(plan.basis.simulated for plan in plans):
        yield f"{BANNER}\n"
    for plan in plans:
        yield f"{title(plan)}\n"
        for sentence in sentences(plan):
            yield on_one_line(sentence)
        for estimand, heading in headings(plan).items():
            yield f"\n{heading}\n"
            yield _needs(plan, [n for n in plan.needs if n.estimand == estimand])
        if any((n.prompts or 0) > plan.total for n in plan.needs):
            yield f"\n+ more than the {plan.total:,} prompts of the task"
        yield "\nPower over prompts like these\n"
        yield _power(plan)
        yield ""


def _table(*headings: str) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _needs(plan: Plan, needs: Sequence[Need]) -> Table:
    helped = sorted({need.metric for need in needs})
    first, *others = columns(plan)
    names = [first, *others]
    if len(helped) > 1:
        names += [f"{first} with {on_one_line(plan.basis.metric or '')}", *others]
    table = _table("raters", *names)
    for raters in sorted({need.raters for need in needs}):
        row = [need for need in needs if need.raters == raters]
        table.add_row(str(raters), *(cell for n in row for cell in cells(plan, n)))
    return table


def _power(plan: Plan) -> Table:
    names = [
        f"{counted(one.raters, 'rater')}{', metric' * one.metric}"
        for one in plan.curves
    ]
    table = _table("prompts", *names)
    for step, power in power_steps(plan):
        table.add_row(f"{step:,}", *(f"{one:.2f}" for one in power))
    return table


def _points(plan: Plan, value: float) -> str:
    return f"{value:.2g}" if plan.kind == "difference" else f"{0.5 + value:.2f}"


def _advice(plan: Plan) -> str:
    one = plan.need(1)
    takes = "no number of prompts does"
    if one.prompts is not None:
        takes = f"it takes {one.prompts:,} prompts"
    (_, alone), *others = plan.finds
    what = "about" if plan.kind == "difference" else "a win rate of about"
    more = ", ".join(f"by {raters} {_points(plan, value)}" for raters, value in others)
    return (
        f"With one rater of each output {takes}. The campaign's "
        f"{counted(plan.wanted, 'prompt')} rated by 1 find {what} "
        f"{_points(plan, alone)} ({more})."
    )


def _basis(plan: Plan) -> str:
    basis = plan.basis
    sizes = (
        f"true differences vary by {basis.item_sd:.2g} from prompt to prompt (standard "
        f"deviation), and one rater adds {basis.rater_sd:.2g}"
    )
    if not basis.measured:
        return (
            f"Too little is rated to tell how ratings vary, so that this rests on "
            f"typical values, {basis.source}, on this scale: {sizes}. They may be far "
            "off: plan again when some 20 prompts are rated."
        )
    pooled = f", {basis.pairs} pairs of checkpoints pooled" if basis.pairs > 1 else ""
    return (
        f"From {counted(basis.prompts, 'rated prompt')}{pooled}: {sizes}. The range is "
        "what these ratings leave open (95 %)."
    )


def _unknown(plan: Plan) -> Iterator[str]:
    basis = plan.basis
    if basis.measured and not basis.split:
        yield (
            "Hardly any output has several raters: what more raters are worth is a "
            "typical value, not measured here."
        )
    if basis.severity_sd and basis.shared is not None and basis.shared < SHARED:
        yield (
            f"Raters differ in severity by {basis.severity_sd:.2g}, and both outputs "
            f"of a prompt had the same raters in {basis.shared:.0%} only. Where the "
            "same rater sees both, severity cancels and fewer prompts do."
        )


def _metric(plan: Plan) -> str:
    basis, name = plan.basis, on_one_line(plan.basis.metric or "")
    if not basis.measured:
        return (
            f"A metric is taken to explain {basis.r2:.0%} of the differences that one "
            "rater sees; lexical ones were measured to explain 0 to 30 %."
        )
    if not any(need.metric for need in plan.needs):
        return (
            "No metric explains anything of people's differences on held-out prompts."
        )
    return (
        f"{name} explains {basis.r2:.0%} of the differences that one rater sees, on "
        "prompts that it was not chosen on. Where many more prompts are scored than "
        f"rated, it is worth {counted(basis.worth, 'prompt')} of one rater. "
        f"{_to_be_used(basis)}"
    )


def _to_be_used(basis: Basis) -> str:
    """How reports, comparisons and gates come to use the metric that is planned with.

    They may not look for the best one themselves: that would be settled by the ratings.
    """
    if basis.metric == basis.default:
        return "Reports, comparisons and gates use it without being told."
    name = on_one_line(basis.metric or "")
    other = "no metric" if basis.default is None else on_one_line(basis.default)
    return (
        f"Reports, comparisons and gates use {other} unless you name it, before the "
        f"ratings that it is to help: --with {name} (in a task file draw_by: {name}, "
        "for the owner's page)."
    )


def _too_few(plan: Plan) -> Iterator[str]:
    needed = plan.need(1, metric=True).prompts
    if needed is not None and needed > plan.total:
        yield (
            f"The task has {counted(plan.total, 'prompt')}: for prompts like these, "
            "others like them must be added, or more raters asked."
        )
    these = [n for n in plan.needs if n.estimand == EXACTLY_THESE and not n.metric]
    never = [n.raters for n in these if n.prompts is None]
    if never:
        enough = [n.raters for n in these if n.prompts is not None]
        then = f"{enough[0]} can" if enough else f"nor can {never[-1]}"
        yield (
            f"Even all {plan.total:,} prompts never reach the power about exactly "
            f"these with {counted(never[0], 'rater')} of each output; {then}."
        )
