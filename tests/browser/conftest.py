"""A real Chromium, and a real server in a thread, for a study of each test's own."""

from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from chromium import find_chromium, find_playwright
from rating_study import a_study, a_task
from server_thread import running

from harness.campaign import open_campaign
from harness.study.raters import add_rater

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A name for this machine that is none of loopback.
    "--host-resolver-rules=MAP rate.example.org 127.0.0.1",
]


@pytest.fixture(scope="module")
def chromium():
    """A running Chromium without a window."""
    path = find_chromium()
    with find_playwright().sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


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
