"""A comparison of two checkpoints, for a terminal and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from harness.reporting.formats import interval, number, on_one_line, places, printed
from harness.reporting.wording import BANNER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from harness.compare import Changed, Compared, Comparison
    from harness.types import Json

WIDTH = 100
LEGEND = (
    "95 % intervals by paired bootstrap over shared items; p by approximate "
    "randomisation,\nadjusted for the number of rows (Holm)"
)


def comparison_json(comparisons: Sequence[Comparison]) -> Json:
    """The comparisons as plain values, each row with its verdict."""
    return [
        {
            **asdict(one),
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
        for row in one.rows:
            if one.changed and row.signature == one.changed_by:
                yield f"Changed most by {on_one_line(row.name)}; above 0 is better:\n"
        for changed in one.changed:
            yield _side_by_side(changed, first, second)


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
    winner = {"first": one.first, "second": one.second, None: "not clear"}[row.better]
    arrow = "" if row.higher_is_better else " ↓"
    return [
        on_one_line(row.name) + arrow,
        number(estimate.value, decimals, sign=True),
        interval(estimate, decimals, sign=True),
        number(row.p_holm, 4),
        f"{row.wins} / {row.ties} / {row.losses}",
        str(estimate.n),
        on_one_line(winner),
    ]


def _side_by_side(changed: Changed, first: str, second: str) -> str:
    lines = [
        f"{number(changed.gain, 2, sign=True)}  item {on_one_line(changed.item)}",
        f"  prompt  {on_one_line(changed.prompt)}",
    ]
    lines += [f"  wanted  {on_one_line(text)}" for text in changed.references[:1]]
    lines += [
        f"  {first}: {on_one_line(changed.first)}",
        f"  {second}: {on_one_line(changed.second)}",
    ]
    return "\n".join(lines) + "\n"
