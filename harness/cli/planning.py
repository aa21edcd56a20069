"""The command that says how many ratings are needed: plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import AsJson, Db, Suite
from harness.terminal import open_study, print_json, study_path, write_text


def plan(  # noqa: PLR0913 - one argument an option
    suite: Suite,
    criterion: Annotated[
        str, typer.Option("--criterion", "-c", help="What raters judge, as 'meaning'.")
    ],
    detect: Annotated[
        float,
        typer.Option(
            help="Difference of two checkpoints to be found, in points of the scale; "
            "of a win rate from 0.5 where outputs are compared."
        ),
    ],
    *,
    power: Annotated[float, typer.Option(help="Chance to find it.")] = 0.8,
    db: Db = None,
    figure: Annotated[
        Path | None,
        typer.Option(help="File for a page with the figure of power over prompts."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Say how many prompts and raters it takes to tell two checkpoints apart.

    From the ratings so far, or from typical values while nothing is rated.

    Example: harness plan modernize --criterion meaning --detect 0.3
    """
    from harness.plan import plan as make
    from harness.reporting.planned import plans_json, plans_text
    from harness.reporting.power import plans_html

    # Nothing need have been run yet: then typical values stand in.
    begun = db is not None or study_path(None, suite).is_file()
    study = open_study(db, suite, must_exist=True) if begun else None
    found = make(study, suite, criterion, detect, power=power)
    if figure is not None:
        write_text(figure, plans_html(found))
    if json:
        print_json(plans_json(found))
    else:
        typer.echo(plans_text(found), nl=False)
