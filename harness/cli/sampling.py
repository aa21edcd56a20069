"""The command that shows outputs from checkpoint to checkpoint: samples."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import AsJson, Db, PageFormat
from harness.cli.reporting import named_tasks
from harness.terminal import open_study, progress_bars, write_text


class Picked(StrEnum):
    """Which items are shown; those of `harness.reporting.histories.Pick`."""

    FIRST = "first"
    CHANGED = "changed"
    RATED = "rated"
    RANDOM = "random"


class LaidOver(StrEnum):
    """What outputs are laid over; those of `harness.reporting.histories.Against`."""

    PREVIOUS = "previous"
    FIRST = "first"
    REFERENCE = "reference"


def samples(  # noqa: PLR0913 - one argument an option
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[SUITE|TASK]", help="Whose outputs; all tasks if none is named."
        ),
    ] = None,
    *,
    item: Annotated[
        list[str], typer.Option(help="Key of an item; may be given several times.")
    ] = [],  # noqa: B006 - typer copies it
    pick: Annotated[
        Picked,
        typer.Option(
            help="Otherwise the first items, those whose words changed most from "
            "checkpoint to checkpoint, those rated most, or some at random."
        ),
    ] = Picked.FIRST,
    limit: Annotated[int, typer.Option(min=1, help="At most so many of them.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Seed of items at random.")] = 0,
    against: Annotated[
        LaidOver, typer.Option(help="What the words of each output are compared with.")
    ] = LaidOver.PREVIOUS,
    checkpoint: Annotated[
        list[str],
        typer.Option(help="Only this one, NAME or SERIES/NAME; several times."),
    ] = [],  # noqa: B006 - typer copies it
    db: Db = None,
    format: Annotated[PageFormat, typer.Option(help="Form of what is shown.")] = (  # noqa: A002 - the option's name
        PageFormat.TEXT
    ),
    json: AsJson = False,
    out: Annotated[
        Path | None, typer.Option(help="File to write; otherwise it is printed.")
    ] = None,
) -> None:
    """Show how outputs for one prompt changed from checkpoint to checkpoint.

    Example: harness samples --db results/demo.db --format html --out samples.html
    """
    from harness.reporting import render_samples
    from harness.samples import Wish
    from harness.samples import samples as make

    study = open_study(db, name, must_exist=True)
    wish = Wish(
        items=tuple(item),
        pick=pick.value,
        limit=limit,
        against=against.value,
        checkpoints=tuple(checkpoint),
        seed=seed,
    )
    with progress_bars() as progress:
        found = make(study, named_tasks(study, name), wish, progress=progress)
    written = render_samples(found, "json" if json else format.value)
    if out is None:
        typer.echo(written, nl=False)
    else:
        write_text(out, written)
