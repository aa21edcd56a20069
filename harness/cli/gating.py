"""The command for continuous integration: gate."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import ESTIMANDS, About, AboutPrompts, AsJson, Db, With
from harness.cli.reporting import named_tasks
from harness.terminal import open_study, print_json, progress_bars

FAILED = 1
"""Exit code of a gate that fails."""


class Requirement(StrEnum):
    """What a candidate must show; those of `harness.gating.model`."""

    NOT_WORSE = "not-worse"
    BETTER = "better"


class Missing(StrEnum):
    """What a condition without an interval does."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"


def gate(  # noqa: PLR0913 - one argument an option
    name: Annotated[str, typer.Argument(metavar="SUITE|TASK", help="What to test.")],
    *,
    on: Annotated[
        list[str],
        typer.Option(
            help="A criterion, or a metric by name or signature; may be given several "
            "times, each a condition that must be met."
        ),
    ],
    candidate: Annotated[
        str,
        typer.Option(
            help="Checkpoint, SERIES/NAME, or latest: the last step of the newest "
            "series."
        ),
    ] = "latest",
    against: Annotated[
        str | None,
        typer.Option(
            help="Checkpoint to hold it against, SERIES/NAME, or first or previous of "
            "its series."
        ),
    ] = None,
    threshold: Annotated[
        list[float],
        typer.Option(help="Or a value to hold it against, one for each --on."),
    ] = [],  # noqa: B006 - typer copies it
    min_difference: Annotated[
        list[float],
        typer.Option(
            help="How far to surpass the other, one for each --on; -0.1 allows 0.1 "
            "less. [default: 0]"
        ),
    ] = [],  # noqa: B006 - typer copies it
    require: Annotated[
        Requirement,
        typer.Option(help="Fail where it is worse, or pass only where it is better."),
    ] = Requirement.NOT_WORSE,
    on_missing: Annotated[
        Missing | None,
        typer.Option(
            help="Without an interval. [default: pass if not-worse, else fail]"
        ),
    ] = None,
    adjust: Annotated[
        bool,
        typer.Option(help="Share 2.5 % of false alarms between conditions (Holm)."),
    ] = True,
    metric: With = None,
    estimand: AboutPrompts = About.LIKE_THESE,
    junit: Annotated[
        Path | None, typer.Option(help="Write JUnit XML to this file, too.")
    ] = None,
    summary: Annotated[
        Path | None,
        typer.Option(help="Add Markdown to this file, as $GITHUB_STEP_SUMMARY."),
    ] = None,
    db: Db = None,
    json: AsJson = False,
) -> None:
    """Exit with 1 if the candidate is worse, intervals taken into account, else with 0.

    Wrong usage, and a checkpoint that nobody scored or rated, exit with 2.

    Example: harness gate modernize --on meaning --against first --min-difference -0.1
    """
    from harness.gate import Rules, conditions
    from harness.gate import gate as test
    from harness.gating import writing

    study = open_study(db, name, must_exist=True)
    rules = Rules(
        require=require.value,
        on_missing=None if on_missing is None else on_missing.value,
        adjust=adjust,
        estimand=ESTIMANDS[estimand],
        metric=metric,
    )
    with progress_bars() as progress:
        result = test(
            study,
            conditions(on, threshold, min_difference),
            against=against,
            candidate=candidate,
            tasks=named_tasks(study, name),
            rules=rules,
            progress=progress,
        )
    if junit is not None:
        writing.write_junit(result, junit)
    if summary is not None:
        writing.add_summary(result, summary)
    if json:
        print_json(result.as_json())
    else:
        typer.echo(writing.text(result), nl=False)
    if not result.passed:
        raise typer.Exit(FAILED)
