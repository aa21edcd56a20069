"""A comparison of two checkpoints, for a terminal and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from harness.reporting.as_json import combined_json
from harness.reporting.as_text import PAIR_WIDTH, drawn
from harness.reporting.formats import (
    MISSING,
    arrow,
    interval,
    number,
    on_one_line,
    places,
    printed,
    shortened,
)
from harness.reporting.together import tables_of
from harness.reporting.wording import BANNER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from harness.reporting.compared import Changed, Compared, Comparison
    from harness.types import Json

WIDTH = 100
EXCERPT = 600
"""Letters shown of a text."""
LEGEND = (
    "95 % intervals by paired bootstrap over shared items and p by approximate "
    "randomisation;\nof ratings both by t, together with scores; p adjusted for the "
    "number of rows (Holm)"
)


def comparison_json(comparisons: Sequence[Comparison]) -> Json:
    """The comparisons as plain values, each row with its verdict."""
    return [
        {
            **asdict(one),
            "combined": [combined_json(row) for row in one.combined],
            "rows": [
                {
                    **asdict(row),
                    "difference": row.difference.as_json(),
                    "better": row.better,
                }
                for row in one.rows
            ],
        }
        for one in comparisons
    ]


def comparison_text(comparisons: Sequence[Comparison]) -> str:
    """The comparisons as plain text; outputs cannot send the terminal commands."""
    return printed(_parts(comparisons), width=WIDTH)


def _parts(comparisons: Sequence[Comparison]) -> Iterator[RenderableType]:
    for one in comparisons:
        if one.simulated:
            yield f"{BANNER}\n"
        first, second = on_one_line(one.first), on_one_line(one.second)
        yield f"{on_one_line(one.task)}: {second} minus {first}\n"
        yield _table(one)
        yield f"\n{LEGEND}\n"
        for table in tables_of(one.combined, one.helper):
            yield from drawn(table, PAIR_WIDTH)
            yield ""
        for row in one.rows:
            if row.difference.value is None:
                yield f"{on_one_line(row.label)}: {on_one_line(row.difference.method)}"
        for note in one.notes:
            yield f"Note: {on_one_line(note)}"
        if one.changed_by is None:
            yield "By no metric has a shared item changed."
            continue
        [by] = [row.label for row in one.rows if row.signature == one.changed_by]
        yield f"Items that changed most by {on_one_line(by)}:\n"
        for changed in one.changed:
            yield _about(changed)
            yield _side_by_side(changed, first, second)
            yield ""


def _table(one: Comparison) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("")
    for heading in ("difference", "interval", "p", "won / tied / lost", "n"):
        table.add_column(heading, justify="right")
    table.add_column("better")
    for row in one.rows:
        table.add_row(*map(Text, _cells(row, one)))
    return table


def _cells(row: Compared, one: Comparison) -> list[str]:
    estimate = row.difference
    decimals = places([estimate.value, estimate.low, estimate.high])
    items = estimate.n + estimate.dropped
    counts = f"{row.wins} / {row.ties} / {row.losses}"
    winner = {"first": one.first, "second": one.second, None: "not clear"}[row.better]
    if not row.directed:
        winner = MISSING
    return [
        on_one_line(row.label) + arrow(row),
        number(estimate.value, decimals, sign=True),
        interval(estimate, decimals, sign=True),
        number(row.p_holm, 4),
        MISSING if row.wins is None else counts,
        f"{estimate.n} of {items}" if estimate.dropped else str(estimate.n),
        on_one_line(winner),
    ]


def _about(changed: Changed) -> str:
    lines = [
        f"{number(changed.gain, 2, sign=True)}  item {on_one_line(changed.item)}",
        f"  prompt  {_excerpt(changed.prompt)}",
    ]
    lines += [f"  wanted  {_excerpt(text)}" for text in changed.references[:1]]
    return "\n".join(lines)


def _side_by_side(changed: Changed, first: str, second: str) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2), pad_edge=True, width=WIDTH)
    for name in (first, second):
        table.add_column(Text(name), ratio=1, overflow="fold")
    table.add_row(*(Text(_excerpt(text)) for text in (changed.first, changed.second)))
    return table


def _excerpt(text: str) -> str:
    return shortened(on_one_line(text), EXCERPT)
