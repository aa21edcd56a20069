"""Outputs from checkpoint to checkpoint, for a terminal, as Markdown and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from harness.reporting.as_markdown import fenced, plain
from harness.reporting.formats import (
    counted,
    number,
    on_one_line,
    places,
    printed,
    shortened,
    visible,
)
from harness.reporting.wording import BANNER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from harness.differences import Piece
    from harness.reporting.histories import (
        Against,
        History,
        ItemHistories,
        Samples,
        Written,
    )
    from harness.types import Json

WIDTH = 100
EXCERPT = 600
"""Letters shown of a text that is laid over nothing, and of prompts."""
AROUND = 80
"""Letters shown before and after a change, where much stayed the same."""
MARKS = {"same": ("", ""), "removed": ("[-", "-]"), "added": ("{+", "+}")}
"""Those of `git diff --word-diff`."""
OVER: dict[Against, str] = {
    "previous": "the checkpoint before",
    "first": "the first checkpoint",
    "reference": "the reference",
}
NOTHING = "(nothing)"


def heading(found: Samples) -> str:
    """Which items these are, and what each output is laid over."""
    task, over = on_one_line(found.task), OVER[found.against]
    return (
        f"How outputs of {task} changed: {found.chosen}. Marked: changes from {over}."
    )


def series_of(item: ItemHistories, history: History) -> str:
    """The series, where there are several, and the sample, likewise; else empty."""
    parts = []
    if len({one.series for one in item.histories}) > 1:
        parts.append(on_one_line(history.series))
    if len({one.sample for one in item.histories}) > 1:
        parts.append(f"sample {history.sample}")
    return ", ".join(parts)


def judgements(found: Samples, one: Written) -> list[str]:
    """`bleu 43.2` for each metric, `meaning 3.50 (2 ratings)` for each criterion."""
    parts = [
        f"{on_one_line(label)} {_number(one.scores[signature])}"
        for signature, label in found.metrics.items()
        if signature in one.scores
    ]
    for criterion in found.criteria:
        if rated := one.ratings.get(criterion):
            mean, ratings = _number(rated.mean), counted(rated.raters, "rating")
            parts.append(f"{on_one_line(criterion)} {mean} ({ratings})")
    return parts


def judged(found: Samples, one: Written) -> str:
    """The judgements on one line; empty where nothing is known."""
    return " · ".join(judgements(found, one))


def remark(one: Written) -> str:
    """What is to say of an output beside its text; empty if nothing."""
    if one.same_since is not None:
        return f"unchanged since {on_one_line(one.same_since)}"
    parts = []
    if one.not_compared:
        over = on_one_line(one.over or "")
        parts.append(f"not compared with {over}: {one.not_compared}")
    elif one.over is not None and not one.pieces:
        parts.append(f"as {on_one_line(one.over)}")
    if not one.text.strip():
        parts.append("only white space" if one.text else "empty")
    if one.finish == "length":
        parts.append("cut off")
    return ", ".join(parts)


def samples_json(found: Sequence[Samples]) -> str:
    """The histories as JSON; pieces are pairs of kind and text."""
    made = [
        {
            **asdict(replace(one, items=())),
            "items": [_item_json(item) for item in one.items],
        }
        for one in found
    ]
    return json.dumps(made, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def samples_text(found: Sequence[Samples]) -> str:
    """The histories as plain text; outputs cannot send the terminal commands."""
    return printed(_parts(found), width=WIDTH)


def samples_markdown(found: Sequence[Samples]) -> str:
    """The histories as GitHub-flavoured Markdown; texts stay text."""
    return "\n".join(_lines(found)) + "\n"


def _number(value: float) -> str:
    return number(value, places([value]))


def _item_json(item: ItemHistories) -> Json:
    histories = [
        {
            "series": one.series,
            "sample": one.sample,
            "texts": one.texts,
            "outputs": [_output_json(output) for output in one.outputs],
        }
        for one in item.histories
    ]
    return {**asdict(replace(item, histories=())), "histories": histories}


def _output_json(one: Written) -> Json:
    pieces = [[piece.kind, piece.text] for piece in one.pieces]
    return {**asdict(replace(one, pieces=())), "pieces": pieces}


def _parts(found: Sequence[Samples]) -> Iterator[RenderableType]:
    from rich.text import Text

    for one in found:
        if one.simulated:
            yield f"{BANNER}\n"
        yield Text(heading(one))
        for item in one.items:
            yield Text(f"\n\nitem {on_one_line(item.item)}")
            yield _row("  prompt", shortened(on_one_line(item.prompt), EXCERPT))
            for text in item.references[:1]:
                yield _row("  wanted", shortened(on_one_line(text), EXCERPT))
            for history in item.histories:
                if name := series_of(item, history):
                    yield Text(f"\n  {name}")
                for output in history.outputs:
                    yield from _output(one, output)
        yield ""


def _output(found: Samples, one: Written) -> Iterator[RenderableType]:
    from rich.text import Text

    yield Text(f"\n  {on_one_line(one.checkpoint)}  {remark(one)}".rstrip())
    if one.same_since is None:
        yield _row("", visible(_marked_text(one)))
    if said := judged(found, one):
        yield _row("  scores", said)


def _row(name: str, text: str) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(width=8)
    table.add_column(width=WIDTH - 9, overflow="fold")
    table.add_row(name, Text(text))
    return table


def _marked_text(one: Written) -> str:
    if not one.pieces:
        return shortened(one.text, EXCERPT) or NOTHING
    last = len(one.pieces) - 1
    made = []
    for at, piece in enumerate(one.pieces):
        begin, end = MARKS[piece.kind]
        made.append(begin + _around(piece, at == 0, at == last) + end)
    return "".join(made)


def _around(piece: Piece, first: bool, last: bool) -> str:  # noqa: FBT001 - of a stretch
    """A stretch, without what is far from any change."""
    text = piece.text
    if piece.kind != "same" or len(text) <= 3 * AROUND:
        return text
    begin = "" if first else text[:AROUND]
    end = "" if last else text[-AROUND:]
    left = len(text) - len(begin) - len(end)
    return f"{begin} … ({left:,} letters alike) … {end}"


def _lines(found: Sequence[Samples]) -> Iterator[str]:
    for one in found:
        if one.simulated:
            yield from (f"> {BANNER}", "")
        yield from (f"# {plain(one.task)}", "", plain(heading(one)), "")
        for item in one.items:
            yield from (f"## Item {plain(item.item)}", "", "Prompt:", "")
            yield from (*fenced(item.prompt), "")
            for text in item.references[:1]:
                yield from ("Reference:", "", *fenced(text), "")
            for history in item.histories:
                if name := series_of(item, history):
                    yield from (f"### {plain(name)}", "")
                for output in history.outputs:
                    yield from _output_lines(one, output)


def _output_lines(found: Samples, one: Written) -> Iterator[str]:
    parts = (judged(found, one), remark(one))
    said = "".join(f" · {plain(part)}" for part in parts if part)
    yield from (f"**{plain(one.checkpoint)}**{said}", "")
    if one.same_since is not None:
        return
    if not one.pieces:
        yield from (*fenced(one.text or NOTHING), "")
        return
    yield from ("> " + "".join(map(_marked_markdown, one.pieces)), "")


def _marked_markdown(piece: Piece) -> str:
    """Line breaks are written out, since Markdown takes them for spaces."""
    tag = {"same": "", "removed": "del", "added": "ins"}[piece.kind]
    return "<br>".join(_tagged(line, tag) for line in visible(piece.text).split("\n"))


def _tagged(line: str, tag: str) -> str:
    """A stretch of one line, its spaces at either end outside the tag."""
    core = plain(line)
    marked = f"<{tag}>{core}</{tag}>" if core and tag else core
    before = " " * line[:1].isspace()
    after = " " * (bool(core) and line[-1:].isspace())
    return before + marked + after
