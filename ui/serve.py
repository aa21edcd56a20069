"""Serve the rating page on this machine until it is interrupted."""

from __future__ import annotations

import os
import socket
import webbrowser
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

from harness.campaign import Campaign, has_outputs, open_campaign
from harness.errors import StudyError, UsageError
from harness.leaks import tell_leaks
from harness.plan import outlook
from harness.study import StudyFile
from harness.study.owners import invite_owner
from harness.study.raters import add_rater
from ui.password import Password, password_for
from ui.site import Site, is_local, root, site

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import uvicorn

    from harness.task import Task

EARLIER = """
    SELECT name FROM campaigns WHERE task = ? AND scheme <> 'imported' ORDER BY id
"""
ACTIVE = (
    "  prompts on which a metric puts checkpoints far apart come more often (draw: "
    "active); on real ratings that needed more of them than draw: random"
)
SECONDS_TO_FINISH = 3
SECONDS_IDLE = 75
"""Longer than most raters look at an output, so that they need not connect anew."""


def serve(  # noqa: PLR0913 - one argument an option
    study_path: Path | str,
    tasks: Sequence[Task],
    *,
    raters: Sequence[str] = ("rater",),
    host: str = "127.0.0.1",
    port: int = 7860,
    public_url: str = "",
    root_path: str | None = None,
    open_browser: bool = True,
    tell: Callable[[str], None],
) -> None:
    """Serve the rating page of tasks until Ctrl-C.

    Args:
        study_path: the study file, with outputs.
        tasks: those that say nothing about rating, or have no outputs, are left out.
        raters: names of those who get a link, at least one.
        host: address to listen at; if other machines can reach it, a password is
            needed, see `ui.password.password_for`.
        port: port to listen at; 0 takes any that is free.
        public_url: under which raters reach a proxy or tunnel that leads here; links
            begin with it. See `ui.site.Site` for what is believed of proxies.
        root_path: what stands before every path in the browser, whether or not the
            proxy strips it; None for the path of `public_url`.
        open_browser: whether to open the first rater's link here.
        tell: gets each line that the user should read, links included.

    Raises:
        UsageError: others can reach the host and there is no password, an address or
            the prefix is none, the port is taken, a rater's name is odd, or no task
            says anything about rating.
        StudyError: the study cannot be opened, or has nothing to rate.
    """
    # Gradio takes seconds to import; what can be wrong is said before.
    where = site(host, public_url, root_path)
    password = password_for(host)
    study = StudyFile(study_path, must_exist=True)
    campaigns = open_campaigns(study, tasks, tell)
    invites = {name: add_rater(study, name) for name in raters}
    owner = invite_owner(study)
    study.close()
    with _listen(host, port) as listener:
        begin = root(where, host, listener.getsockname()[1])
        links = {name: f"{begin}/i/{invite}" for name, invite in invites.items()}
        server = _server(study_path, campaigns, where, password)
        for name, link in links.items():
            tell(f"Link for {name}: {link}")
        tell(f"Page for you: {begin}/o/{owner}")
        if not is_local(host) and not where.public.startswith("https:"):
            tell(
                "Mind: without https others in the network can read along. Better is a "
                "proxy with https and --public-url, or an SSH tunnel."
            )
        tell("Stop with Ctrl-C. Every answer is stored at once, and links stay valid.")
        if open_browser and links:
            # Some browsers hold the caller until they are closed.
            first = next(iter(links.values()))
            Thread(target=webbrowser.open, args=[first], daemon=True).start()
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


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
    before = {task.name: study.column(EARLIER, [task.name]) for task in ready}
    campaigns = [open_campaign(study, task) for task in ready]
    for task, campaign in zip(ready, campaigns, strict=True):
        earlier = before[campaign.task]
        if earlier and campaign.name not in earlier:
            tell(
                f"{campaign.name} is a new campaign, for what is asked has changed. "
                f"Answers so far stay in {earlier[-1]}."
            )
        tell(
            f"{campaign.name}: {len(campaign.items)} prompts, "
            f"raters per output: {campaign.raters_per_output}"
        )
        tell(f"  {outlook(study, task, len(campaign.items))}")
        if campaign.plan.draw == "active":
            tell(ACTIVE)
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
    study_path: Path | str,
    campaigns: Sequence[Campaign],
    where: Site,
    password: Password | None,
) -> uvicorn.Server:
    import uvicorn

    from ui.app import create_app

    app = create_app(study_path, campaigns, site=where, password=password)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=where.behind_proxy,
        ws="none",
        timeout_graceful_shutdown=SECONDS_TO_FINISH,
        timeout_keep_alive=SECONDS_IDLE,
    )
    return uvicorn.Server(config)
