"""Serve the rating page on this machine until it is interrupted."""

from __future__ import annotations

import socket
import webbrowser
from contextlib import suppress
from dataclasses import dataclass
from getpass import getuser
from ipaddress import ip_address
from threading import Thread
from typing import TYPE_CHECKING

from harness.campaign import Campaign, has_outputs, open_campaign
from harness.errors import StudyError, UsageError
from harness.study import StudyFile
from harness.study.raters import add_rater
from harness.task import load_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from harness.task import Task

SECONDS_TO_FINISH = 3


@dataclass(frozen=True, slots=True)
class Serving:
    """How the page is served."""

    host: str = "127.0.0.1"
    """Address to listen at; one of this machine alone."""
    port: int = 7860
    """Port to listen at; 0 takes any that is free."""
    raters: tuple[str, ...] = ()
    """Who gets a link; empty for the user who is logged in."""
    open_browser: bool = True
    """Whether to open the first rater's link."""


def serve(
    study_path: Path | str,
    suite: str,
    serving: Serving = Serving(),  # noqa: B008 - frozen
    *,
    say: Callable[[str], None],
) -> None:
    """Serve the rating page of a suite's tasks until Ctrl-C.

    Args:
        study_path: the study file, with outputs.
        suite: path or bundled name of a suite or task.
        serving: where, and for whom.
        say: gets each line that the user should read, links included.

    Raises:
        UsageError: the host is no loopback address, the port is taken, or no task
            of the suite says anything about rating.
        StudyError: the study cannot be opened, or has nothing to rate.
    """
    # Gradio takes seconds to import; what can be wrong is said before.
    refuse_public(serving.host)
    study = StudyFile(study_path, must_exist=True)
    campaigns = open_campaigns(study, load_tasks(suite), say)
    names = serving.raters or (getuser(),)
    invites = {name: add_rater(study, name) for name in names}
    study.close()
    with _listen(serving.host, serving.port) as listener:
        _run(study_path, campaigns, listener, invites, serving, say)


def refuse_public(host: str) -> None:
    """Let only addresses pass that other machines cannot reach.

    Raises:
        UsageError: others could reach it.
    """
    try:
        local = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise UsageError(
            f"The rating page is served on this machine alone, and {host} can be "
            "reached from others. Leave --host out, and let raters elsewhere in "
            "through an SSH tunnel."
        )


def open_campaigns(
    study: StudyFile, tasks: Sequence[Task], say: Callable[[str], None]
) -> list[Campaign]:
    """The campaigns of those tasks that ask for ratings and have outputs.

    Raises:
        UsageError: no task says anything about rating.
        StudyError: none that does has outputs.
    """
    asking = [task for task in tasks if task.file.rating is not None]
    if not asking:
        names = ", ".join(task.name for task in tasks)
        raise UsageError(
            f"Nothing to rate: no section 'rating:' in the task file of {names}."
        )
    ready = [task for task in asking if has_outputs(study, task.name)]
    if not ready:
        raise StudyError(
            f"{study.path} has no outputs of {', '.join(t.name for t in asking)} to "
            "rate. Generate some first: harness run"
        )
    for task in asking:
        if task not in ready:
            say(f"{task.name}: no outputs yet, left out")
    campaigns = [open_campaign(study, task) for task in ready]
    for campaign in campaigns:
        say(
            f"{campaign.name}: {len(campaign.items)} prompts, "
            f"raters per output: {campaign.raters_per_output}"
        )
    return campaigns


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"Port {port} of {host} cannot be used ({error}). Name another one with "
            "--port, or 0 for any that is free."
        ) from error


def _run(  # noqa: PLR0913, PLR0917 - what has been made ready
    study_path: Path | str,
    campaigns: Sequence[Campaign],
    listener: socket.socket,
    invites: dict[str, str],
    serving: Serving,
    say: Callable[[str], None],
) -> None:
    import uvicorn

    from ui.app import LOOPBACK_NAMES, create_app

    app = create_app(study_path, campaigns, hosts=(*LOOPBACK_NAMES, serving.host))
    host = f"[{serving.host}]" if ":" in serving.host else serving.host
    root = f"http://{host}:{listener.getsockname()[1]}"
    links = {name: f"{root}/i/{invite}" for name, invite in invites.items()}
    for name, link in links.items():
        say(f"Link for {name}: {link}")
    say("Stop with Ctrl-C. Every answer is stored at once; links stay valid.")
    if serving.open_browser:
        # Some browsers hold the caller until they are closed.
        first = next(iter(links.values()))
        Thread(target=webbrowser.open, args=[first], daemon=True).start()
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=SECONDS_TO_FINISH,
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
