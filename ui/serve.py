"""Serve the rating page on this machine until it is interrupted."""

from __future__ import annotations

import os
import socket
import webbrowser
from contextlib import suppress
from ipaddress import ip_address
from threading import Thread
from typing import TYPE_CHECKING

from harness.campaign import Campaign, has_outputs, open_campaign
from harness.errors import StudyError, UsageError
from harness.leaks import tell_leaks
from harness.study import StudyFile
from harness.study.owners import invite_owner
from harness.study.raters import add_rater

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import uvicorn

    from harness.task import Task

SECONDS_TO_FINISH = 3


def serve(  # noqa: PLR0913 - one argument an option
    study_path: Path | str,
    tasks: Sequence[Task],
    *,
    raters: Sequence[str] = ("rater",),
    host: str = "127.0.0.1",
    port: int = 7860,
    open_browser: bool = True,
    tell: Callable[[str], None],
) -> None:
    """Serve the rating page of tasks until Ctrl-C.

    Args:
        study_path: the study file, with outputs.
        tasks: those that say nothing about rating, or have no outputs, are left out.
        raters: names of those who get a link, at least one.
        host: address to listen at; one that other machines cannot reach.
        port: port to listen at; 0 takes any that is free.
        open_browser: whether to open the first rater's link here.
        tell: gets each line that the user should read, links included.

    Raises:
        UsageError: the host is no loopback address, the port is taken, a rater's name
            is odd, or no task says anything about rating.
        StudyError: the study cannot be opened, or has nothing to rate.
    """
    # Gradio takes seconds to import; what can be wrong is said before.
    refuse_public(host)
    study = StudyFile(study_path, must_exist=True)
    campaigns = open_campaigns(study, tasks, tell)
    invites = {name: add_rater(study, name) for name in raters}
    owner = invite_owner(study)
    study.close()
    with _listen(host, port) as listener:
        address = f"[{host}]" if ":" in host else host
        root = f"http://{address}:{listener.getsockname()[1]}"
        links = {name: f"{root}/i/{invite}" for name, invite in invites.items()}
        server = _server(study_path, campaigns, host)
        for name, link in links.items():
            tell(f"Link for {name}: {link}")
        tell(f"Page for you: {root}/o/{owner}")
        tell("Stop with Ctrl-C. Every answer is stored at once, and links stay valid.")
        if open_browser and links:
            # Some browsers hold the caller until they are closed.
            first = next(iter(links.values()))
            Thread(target=webbrowser.open, args=[first], daemon=True).start()
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


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
    study: StudyFile, tasks: Sequence[Task], tell: Callable[[str], None]
) -> list[Campaign]:
    """The campaigns of those tasks that ask for ratings and have outputs.

    Raises:
        UsageError: no task says anything about rating.
        StudyError: none that does has outputs.
    """
    asking = [task for task in tasks if task.file.rating is not None]
    if not asking:
        names = ", ".join(task.name for task in tasks)
        if all(task.generation is None for task in tasks):
            raise UsageError(
                f"Nothing to rate: {names} asks for likelihoods alone (generation: "
                "none), so that there are no outputs."
            )
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
            tell(f"{task.name}: no outputs yet, left out")
    campaigns = [open_campaign(study, task) for task in ready]
    for campaign in campaigns:
        tell(
            f"{campaign.name}: {len(campaign.items)} prompts, "
            f"raters per output: {campaign.raters_per_output}"
        )
        tell_leaks(study, campaign, tell)
    return campaigns


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends at once only where a socket names its protocol; otherwise each
    # answer waits 40 ms for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        raise UsageError(
            f"Port {port} of {host} cannot be used ({error}). Name another one with "
            "--port, or 0 for any that is free."
        ) from error
    return listener


def _server(
    study_path: Path | str, campaigns: Sequence[Campaign], host: str
) -> uvicorn.Server:
    import uvicorn

    from ui.app import LOOPBACK_NAMES, create_app

    app = create_app(study_path, campaigns, hosts=(*LOOPBACK_NAMES, host))
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=SECONDS_TO_FINISH,
    )
    return uvicorn.Server(config)
