"""The report for a terminal, at most 100 columns wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.reporting.apart import difference, of_the_closest
from harness.reporting.cautions import closest_metric, of_values
from harness.reporting.configurations import configurations
from harness.reporting.formats import (
    MISSING,
    number,
    on_one_line,
    printed,
    with_interval,
)
from harness.reporting.methods import in_short
from harness.reporting.partings import all_said
from harness.reporting.rater_tables import (
    means_table,
    of_recount,
    recount_tables,
    severity_table,
    work_tables,
)
from harness.reporting.tables import Column, columns
from harness.reporting.together import saved_in_short, together_tables
from harness.reporting.trust import LEVELS, TITLES, at_levels
from harness.reporting.wording import (
    BANNER,
    ceiling_cell,
    ceilings,
    clusters,
    no_ceiling,
    of_preferences,
    of_reliability,
    own_agreement,
    percent,
    subtitle,
    who_rated,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType
    from rich.table import Table as RichTable

    from harness.reporting.model import MetricAgreement, Report, TaskReport
    from harness.reporting.rater_tables import Table
    from harness.types import Estimate

WIDTH = 100
NAME_WIDTH = 30
PAIR_WIDTH = 40
"""Letters shown of two names."""
EXCERPT = 85
"""Letters shown of a prompt or an output."""

LEGEND = (
    "* best   ↓ less is better   ± half the width of the 95 % interval "
    "(both ends: --format md)"
)


def text(report: Report) -> str:
    """The report as plain text; outputs cannot send the terminal commands."""
    return printed(_all_parts(report), width=WIDTH)


def _all_parts(report: Report) -> Iterator[RenderableType]:
    if report.simulated:
        yield f"{BANNER}\n"
    if not report.tasks:
        yield "The study has no outputs yet. Next: harness run."
    for task in report.tasks:
        yield from _parts(task)
        yield ""


def _parts(task: TaskReport) -> Iterator[RenderableType]:
    yield f"{on_one_line(task.task)}: {subtitle(task)}\n"
    yield from (f"{sentence}\n" for sentence in task.sentences)
    for table in _value_tables(task):
        yield table
        yield ""
    if task.checkpoints and columns(task):
        yield f"{LEGEND}\n"
    for said in of_values(task):
        yield f"{said}\n"
    yield from _together(task)
    yield from _preferences(task)
    if task.partings:
        yield "Where metric and ratings part ways over training"
        yield from all_said(task)
        yield ""
    yield from _configurations(task)
    yield from _agreement(task)
    yield from _disagreements(task)
    yield f"Raters: {who_rated(task)}"
    yield from _raters(task)
    for note in task.notes:
        yield f"Note: {on_one_line(note)}"
    for line in in_short(task):
        yield f"Protocol of {on_one_line(line)}"


def _value_tables(task: TaskReport) -> Iterator[RichTable]:
    """Checkpoints down, metrics across, in as many tables as the width asks for."""
    labels = [checkpoint.label for checkpoint in task.checkpoints]
    labels += [baseline.name for baseline in task.baselines]
    names = [_name(label) for label in labels]
    room = WIDTH - max(map(len, names), default=0)
    chunk: list[tuple[Column, list[str]]] = []
    used = 0
    for column in columns(task):
        cells = [_cell(column, label) for label in labels]
        width = 2 + max(map(len, [column.heading, *cells]))
        if chunk and used + width > room:
            yield _table(names, chunk)
            chunk, used = [], 0
        chunk.append((column, cells))
        used += width
    if chunk:
        yield _table(names, chunk)


def _table(
    names: Sequence[str], chunk: Sequence[tuple[Column, list[str]]]
) -> RichTable:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    for column, _ in chunk:
        table.add_column(Text(column.heading), justify="right", no_wrap=True)
    for row, name in enumerate(names):
        table.add_row(Text(name), *(Text(cells[row]) for _, cells in chunk))
    return table


def _cell(column: Column, label: str) -> str:
    estimate = column.cells.get(label)
    if estimate is None or estimate.value is None:
        return MISSING
    value = number(estimate.value, column.decimals)
    star = "*" if label in column.best else " "
    return f"{value}{star}{_half_width(estimate, column.decimals)}".rstrip()


def _half_width(estimate: Estimate, decimals: int) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f" ±{number((estimate.high - estimate.low) / 2, decimals)}"


def _configurations(task: TaskReport) -> Iterator[RenderableType]:
    found = configurations(task)
    if found is None:
        return
    yield "How the series differ (best results: --format md)"
    rows = [
        (name, *(row.settings[place] for row in found.rows))
        for place, name in enumerate(found.settings)
    ]
    yield _plain_table(("", *(_name(row.series) for row in found.rows)), rows)
    yield ""


def _together(task: TaskReport) -> Iterator[RenderableType]:
    for found in together_tables(task):
        yield from drawn(found, PAIR_WIDTH)
        yield ""
    if said := saved_in_short(task):
        yield f"{said}\n"


def _preferences(task: TaskReport) -> Iterator[RenderableType]:
    for one in task.preferred:
        noun = task.raters.noun
        yield f"What {noun} prefer on {on_one_line(one.criterion.name)}"
        rows = [
            (
                _name(label),
                percent(found.win_rate),
                with_interval(found.strength),
                f"{found.win_rate.n:,}",
            )
            for label, found in one.checkpoints.items()
        ]
        yield _plain_table(("", "win rate", "strength", "comparisons"), rows)
        yield from map(on_one_line, of_preferences(task, one))
        yield ""


def _agreement(task: TaskReport) -> Iterator[RenderableType]:
    for criterion in task.criteria:
        name = on_one_line(criterion.name)
        yield f"Agreement with {task.raters.noun} on {name}"
        yield own_agreement(task, criterion.name)
        if said := closest_metric(task, criterion.name):
            yield said
        found = [one for one in task.agreement if one.criterion == criterion.name]
        if found:
            yield from _trust(task, found)
        yield from _ceiling(task, criterion.name)
        if said := clusters(task, criterion.name):
            yield f"\n{on_one_line(said)}"
        yield ""


def _trust(
    task: TaskReport, found: Sequence[MetricAgreement]
) -> Iterator[RenderableType]:
    """Kendall's tau at each level, then what else one would choose a metric by."""
    levels = [level for level, _ in LEVELS]
    tau = {level: (level, "kendall") for level in levels}
    others = {TITLES[name]: (levels[0], name) for name in ("pairwise_accuracy", "spa")}
    others |= {
        "acc*_eq within items": ("within items", "acc_star_eq"),
        "PDP of all outputs": ("all outputs", "pdp"),
    }
    for first, shown in (("Kendall's tau", tau), ("Others: --format md", others)):
        rows = []
        for one in found:
            own = at_levels(one)
            cells = [with_interval(own[level][name]) for level, name in shown.values()]
            rows.append((_name(task.metric(one.signature).label), *cells))
        yield ""
        yield _plain_table((first, *shown), rows)


def _ceiling(task: TaskReport, criterion: str) -> Iterator[RenderableType]:
    found = ceilings(task, criterion)
    if found:
        rows = [
            (
                _name(task.metric(one.signature).label),
                with_interval(one.ceiling.metric),
                with_interval(one.ceiling.rater),
                ceiling_cell(one.ceiling.difference),
            )
            for one in found
        ]
        yield ""
        yield _plain_table(("Human ceiling", "metric", "a rater", "difference"), rows)
    elif why := no_ceiling(task, criterion):
        yield f"\n{why}"


def _raters(task: TaskReport) -> Iterator[RenderableType]:
    for table in work_tables(task, brief=True):
        yield from drawn(table)
    for one in task.reliability:
        # What the first sentence says stands beside the metrics' agreement.
        _, *sentences = of_reliability(task, one)
        if sentences or one.adjusted:
            yield f"\nRaters on {on_one_line(one.criterion)}"
            yield from sentences
        for found in (severity_table(task, one), means_table(task, one)):
            if found:
                yield from drawn(found)
    if said := of_recount(task):
        yield f"\n{said}"
    for table in recount_tables(task):
        yield from drawn(table)
    if task.campaigns or task.reliability:
        yield ""


def drawn(table: Table, longest: int = NAME_WIDTH) -> Iterator[RenderableType]:
    """A table with its title and note; cells of texts have so many letters at most."""
    rows = [
        [_name(c, longest) if isinstance(c, str) else with_interval(c) for c in row]
        for row in table.rows
    ]
    yield f"\n{on_one_line(table.title)}"
    yield _plain_table([_name(head) for head in table.heads], rows)
    if table.note:
        yield table.note


def _plain_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> RichTable:
    from rich.table import Table
    from rich.text import Text

    first, *others = heads
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _disagreements(task: TaskReport) -> Iterator[RenderableType]:
    from rich.text import Text

    shown: set[tuple[str, str]] = set()
    for one in of_the_closest(task):
        if (one.criterion, one.higher) in shown:
            continue
        shown.add((one.criterion, one.higher))
        output = one.output
        yield Text(f"Furthest apart: {on_one_line(difference(task, one))}")
        place = f"{output.checkpoint}, item {output.item}"
        yield Text(f"  where   {_excerpt(place)}")
        yield Text(f"  prompt  {_excerpt(output.prompt)}")
        for reference in output.references[:1]:
            yield Text(f"  wanted  {_excerpt(reference)}")
        yield Text(f"  output  {_excerpt(output.text)}\n")


def _name(label: str, longest: int = NAME_WIDTH) -> str:
    line = on_one_line(label)
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _excerpt(untrusted: str) -> str:
    line = on_one_line(untrusted)
    return line if len(line) <= EXCERPT else f"{line[: EXCERPT - 1]}…"
