"""A real Chromium, and a real server in a thread, for a study of each test's own."""

from contextlib import ExitStack
from dataclasses import replace
from types import SimpleNamespace

import pytest
from chromium import hear_console
from gradio_apps import only_mounted
from rating_study import a_study, a_task
from server_thread import running

from harness.campaign import open_campaign
from harness.study.owners import invite_owner
from harness.study.raters import add_rater


@pytest.fixture(scope="module", autouse=True)
def _only_mounted_apps():
    with only_mounted():
        yield


@pytest.fixture
def rating(chromium, tmp_path):
    """Opens the rating page of a study; gives the page and all that it did."""
    with ExitStack() as stack:

        def start(*, outputs=None, look=None, name="Ana", **plan):
            served = serve(stack, tmp_path / "s.db", outputs, **plan)
            return visit(stack, chromium, served, name, look)

        yield start


def serve(stack, path, outputs=None, work=None, **plan):
    """A study whose campaign is open at `root`, once raters were at work."""
    study = a_study(path, **(outputs or {}))
    stack.callback(study.close)
    task = replace(a_task(**plan), path=path.parent / "task.yaml")
    campaign = open_campaign(study, task)
    if work:
        work(study, campaign)
    port = stack.enter_context(running(study.path, campaign))
    root = f"http://127.0.0.1:{port}"
    return SimpleNamespace(study=study, campaign=campaign, root=root)


def watched(stack, chromium, served, look=None, patience=30_000):
    """An empty page of a new browser, and all that it does."""
    context = chromium.new_context(**(look or {}))
    stack.callback(context.close)
    context.set_default_timeout(patience)
    seen = SimpleNamespace(**vars(served), context=context, requests=[], complaints=[])
    context.on("request", lambda request: seen.requests.append(request.url))
    hear_console(context, seen.complaints)
    context.on("weberror", lambda error: seen.complaints.append(str(error)))
    context.on("dialog", lambda dialog: seen.complaints.append(dialog.message))
    seen.page = context.new_page()
    return seen


def visit(stack, chromium, served, name, look=None):
    """A new rater's page, past the welcome, and all that it does."""
    seen = watched(stack, chromium, served, look)
    seen.page.goto(f"{seen.root}/i/{add_rater(seen.study, name)}")
    seen.page.get_by_role("button", name="Start").press("Enter")
    seen.page.wait_for_selector(".criterion")
    seen.requests.clear()
    return seen


def own(stack, chromium, served, look=None):
    """The owner's page, past the welcome, and all that it does."""
    seen = watched(stack, chromium, served, look, patience=10_000)
    seen.page.goto(f"{seen.root}/o/{invite_owner(seen.study)}")
    seen.page.get_by_role("button", name="Open").press("Enter")
    seen.page.wait_for_selector(".campaign")
    return seen


@pytest.fixture(scope="module")
def schemes(chromium, tmp_path_factory):
    """Serves one study for each scheme; every test in a module visits as a new rater.

    Each output takes many raters, so that all see the whole campaign.
    """
    with ExitStack() as stack:
        served = {}

        def open_as_new_rater(contexts, scheme, look=None, **settings):
            if scheme not in served:
                path = tmp_path_factory.mktemp(scheme) / "s.db"
                plan = {"raters_per_output": 99, "scheme": scheme} | settings
                served[scheme] = serve(stack, path, **plan)
            [raters] = served[scheme].study.column("SELECT count(*) FROM raters")
            name = f"Rater {raters + 1}"
            seen = visit(contexts, chromium, served[scheme], name, look)
            seen.name = name
            return seen

        yield open_as_new_rater


@pytest.fixture
def owning(chromium, tmp_path):
    """Opens the owner's page of a study in which raters were at work."""
    with ExitStack() as stack:

        def start(work, *, look=None, **plan):
            served = serve(stack, tmp_path / "s.db", work=work, **plan)
            return own(stack, chromium, served, look)

        yield start


@pytest.fixture(scope="module")
def owning_one(chromium, tmp_path_factory):
    """Opens the owner's page again and again, of one study that a module shares."""
    path = tmp_path_factory.mktemp("owned") / "s.db"
    with ExitStack() as stack:
        served = []

        def start(contexts, work, **plan):
            if not served:
                served.append(serve(stack, path, work=work, **plan))
            return own(contexts, chromium, served[0])

        yield start
