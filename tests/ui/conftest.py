"""An app over a small study, and raters who open it."""

from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient
from gradio_apps import only_mounted
from rater_client import RaterPage
from rating_study import a_study, a_task

from harness.campaign import open_campaign
from harness.study.raters import add_rater
from ui.app import create_app


@pytest.fixture(scope="module", autouse=True)
def _only_mounted_apps():
    with only_mounted():
        yield


def serve(stack, path, outputs=None, *, password=None, **rating):
    """A study with its app, visitors without a session, and pages of raters."""
    study = a_study(path, **(outputs or {}))
    stack.callback(study.close)
    campaign = open_campaign(study, a_task(**rating))
    app = create_app(study.path, [campaign], password=password)

    def visitor(of=app):
        client = TestClient(of, base_url="http://127.0.0.1:7860")
        return stack.enter_context(client)

    def page(name="Ana", kind="person"):
        return RaterPage(visitor(), add_rater(study, name, kind))

    return SimpleNamespace(
        study=study, campaign=campaign, app=app, visitor=visitor, page=page
    )


@pytest.fixture
def served(tmp_path):
    """Serves a study of this test's own."""
    with ExitStack() as stack:
        yield lambda **settings: serve(stack, tmp_path / "s.db", **settings)


@pytest.fixture(scope="module")
def served_to_all(tmp_path_factory):
    """Serves a study that all tests of a module share, and leave as it is."""
    folder = tmp_path_factory.mktemp("served")
    with ExitStack() as stack:
        yield lambda **settings: serve(stack, folder / "s.db", **settings)


@pytest.fixture(scope="module")
def standing(served_to_all):
    """A served study for tests that leave no trace: with Ana's page, and a stranger."""
    app = served_to_all()
    app.ana, app.stranger = app.page("Ana"), app.visitor()
    return app
