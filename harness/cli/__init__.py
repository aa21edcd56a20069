"""The command line: `harness VERB`."""

from __future__ import annotations

import sys

import typer

from harness.cli import (
    checking,
    diagnosing,
    gating,
    planning,
    records,
    reporting,
    sampling,
    verbs,
    watching,
)
from harness.cli.starting import start_quickly
from harness.errors import HarnessError

app = typer.Typer(
    name="harness",
    help="Evaluate fine-tuned language models with metrics and people in tandem.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    verbs.run,
    watching.watch,
    verbs.score,
    verbs.rate,
    reporting.report,
    verbs.compare,
    sampling.samples,
    planning.plan,
    gating.gate,
    diagnosing.diagnose,
    checking.check_data,
    verbs.demo,
    records.init,
    records.export,
):
    app.command()(command)
app.add_typer(records.importing, name="import")
app.add_typer(records.listing, name="list")


INTERRUPTED = 130
"""Exit code after Ctrl-C."""


def main() -> None:
    """Run the command line; every known failure is one line and exit code 2."""
    start_quickly()
    try:
        app(prog_name="harness")
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            typer.echo(
                "Interrupted. All that was finished is stored; the same command goes "
                "on from there.",
                err=True,
            )
        raise
    except (HarnessError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
