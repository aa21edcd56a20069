"""A real Chromium, and a real server in a thread, for a study of each test's own."""

import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace

import pytest
from chromium import find_chromium, find_playwright
from rating_study import a_study, a_task

from harness.campaign import open_campaign
from harness.study.owners import invite_owner
from harness.study.raters import add_rater

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium():
    """A running Chromium without a window."""
    path = find_chromium()
    with find_playwright().sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def running(study_path, campaign):
    """The app on a free port of this machine; gives the port."""
    import uvicorn

    from ui.app import create_app

    listener = socket.create_server(("127.0.0.1", 0))
    servers = []

    def work():
        # In this thread: playwright keeps an event loop running in the main one.
        app = create_app(study_path, [campaign])
        config = uvicorn.Config(
            app, log_level="warning", ws="none", timeout_graceful_shutdown=1
        )
        servers.append(uvicorn.Server(config))
        servers[0].run(sockets=[listener])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        while thread.is_alive() and not (servers and servers[0].started):
            time.sleep(0.01)
        yield listener.getsockname()[1]
    finally:
        servers[0].should_exit = True
        thread.join()
        listener.close()


@pytest.fixture
def rating(chromium, tmp_path):
    """Opens the rating page of a study; gives the page and all that it did."""
    with ExitStack() as stack:

        def start(*, outputs=None, look=None, name="Ana", **plan):
            study = a_study(tmp_path / "s.db", **(outputs or {}))
            stack.callback(study.close)
            campaign = open_campaign(study, a_task(**plan))
            port = stack.enter_context(running(study.path, campaign))
            context = chromium.new_context(**(look or {}))
            stack.callback(context.close)
            context.set_default_timeout(30_000)
            seen = SimpleNamespace(
                study=study,
                context=context,
                root=f"http://127.0.0.1:{port}",
                requests=[],
                complaints=[],
            )
            context.on("request", lambda request: seen.requests.append(request.url))
            context.on("console", lambda said: seen.complaints.append(said.text))
            context.on("weberror", lambda error: seen.complaints.append(str(error)))
            context.on("dialog", lambda dialog: seen.complaints.append(dialog.message))
            seen.page = context.new_page()
            seen.page.goto(f"{seen.root}/i/{add_rater(study, name)}")
            seen.page.get_by_role("button", name="Start").press("Enter")
            seen.page.wait_for_selector(".criterion")
            seen.requests.clear()
            return seen

        yield start


@pytest.fixture
def owning(chromium, tmp_path):
    """Opens the owner's page of a study in which raters were at work."""
    with ExitStack() as stack:

        def start(work, *, outputs=None, look=None, **plan):
            study = a_study(tmp_path / "s.db", **(outputs or {}))
            stack.callback(study.close)
            campaign = open_campaign(study, a_task(**plan))
            work(study, campaign)
            port = stack.enter_context(running(study.path, campaign))
            context = chromium.new_context(**(look or {}))
            stack.callback(context.close)
            context.set_default_timeout(30_000)
            seen = SimpleNamespace(
                study=study,
                campaign=campaign,
                context=context,
                root=f"http://127.0.0.1:{port}",
                requests=[],
                complaints=[],
            )
            context.on("request", lambda request: seen.requests.append(request.url))
            context.on("console", lambda said: seen.complaints.append(said.text))
            context.on("weberror", lambda error: seen.complaints.append(str(error)))
            context.on("dialog", lambda dialog: seen.complaints.append(dialog.message))
            seen.page = context.new_page()
            seen.page.goto(f"{seen.root}/o/{invite_owner(study)}")
            seen.page.get_by_role("button", name="Open").press("Enter")
            seen.page.wait_for_selector(".campaign")
            return seen

        yield start
