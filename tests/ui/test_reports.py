"""The report on the owner's page: made beside the server, kept, and only theirs."""

import json
import signal
import time
from types import SimpleNamespace

import pytest
from owner_client import OwnersPage
from raters_at_work import checkpoint_in, rate_all

from harness.study.owners import invite_owner
from ui.reports import Reports

LONGEST = 120
"""Seconds that making a report may take on a busy machine."""


def by_checkpoint(shown):
    return {"meaning": 1 + checkpoint_in(shown.outputs[0]), "fluency": 3}


def until(done):
    end = time.monotonic() + LONGEST
    while not (found := done()):
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)
    return found


def with_report(app):
    """Ana's and Ben's answers, the owner, and a report made."""
    rate_all(app.study, app.campaign, {"Ana": by_checkpoint, "Ben": by_checkpoint})
    app.owner = OwnersPage(app.visitor(), invite_owner(app.study))
    app.owner.call("make_report")
    until(lambda: app.owner.call("ask_report")["made"])
    return app


@pytest.fixture(scope="module")
def reported(served_to_all):
    """A served study with a report; nothing is asked of it but what is there."""
    return with_report(served_to_all())


@pytest.fixture
def reports(tmp_path):
    """Reports on a study that is not there."""
    made = Reports(SimpleNamespace(path=tmp_path / "gone.db"))
    yield made
    made.close()


def test_the_report_is_told_opened_and_downloaded(reported):
    told = reported.owner.call("ask_report")
    assert told["making"] is None
    assert told["problem"] == ""
    assert told["made"]["answers_since"] == 0
    assert not told["made"]["changed"]
    assert [one["task"] for one in told["made"]["tasks"]] == ["modernize"]
    assert "ckpt-2" in told["made"]["tasks"][0]["verdict"][0]
    http = reported.owner.http
    page = http.get("/owner/report")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "ckpt-2" in page.text
    for form in told["made"]["forms"]:
        answer = http.get(f"/owner/report/{form}")
        assert "ckpt-2" in answer.text
        assert f"s-report.{form}" in answer.headers["content-disposition"]
    assert json.loads(http.get("/owner/report/json").text)["tasks"]
    assert http.get("/owner/report/text").status_code == 404
    assert http.get("/owner/report/..%2fabout").status_code == 404


def test_samples_come_with_the_report(reported):
    assert reported.owner.call("ask_report")["made"]["samples"]
    page = reported.owner.http.get("/owner/samples")
    assert page.status_code == 200
    assert "How outputs of modernize changed" in page.text
    assert "ckpt-2" in page.text
    assert "(those rated most)" in page.text


@pytest.mark.parametrize("place", ["report", "samples"])
def test_the_page_is_sandboxed_and_reaches_nothing(reported, place):
    headers = reported.owner.http.get(f"/owner/{place}").headers
    policy = headers["content-security-policy"]
    assert "sandbox allow-scripts allow-modals;" in policy
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def test_answers_since_are_told_and_come_with_the_next_report(served):
    reported = with_report(served(raters_per_output=3))
    before = reported.owner.call("ask_report")["made"]
    rate_all(reported.study, reported.campaign, {"Cem": by_checkpoint})
    told = reported.owner.call("ask_report")["made"]
    assert told["answers_since"] == 18
    assert told["changed"]
    assert told["at"] == before["at"], "nothing is made before it is asked for"
    reported.owner.call("make_report")
    newer = until(
        lambda: (
            (told := reported.owner.call("ask_report"))["making"] is None
            and told["made"]
        )
    )
    assert newer["at"] > before["at"]
    assert not newer["changed"]


def test_the_page_waits_for_a_report_that_is_not_there_yet(served):
    app = served()
    owner = OwnersPage(app.visitor(), invite_owner(app.study))
    assert owner.call("ask_report") == {"making": None, "problem": "", "made": None}
    assert owner.http.get("/owner/report/html").status_code == 404
    assert owner.http.get("/owner/samples").status_code == 404
    waiting = owner.http.get("/owner/report")
    assert waiting.status_code == 202
    assert "being made" in waiting.text
    assert int(waiting.headers["refresh"]) > 0
    assert owner.call("ask_report")["making"] >= 0
    until(lambda: owner.http.get("/owner/report").status_code == 200)


def test_one_is_made_at_a_time(reports):
    reports.start()
    first = reports._making.process
    reports.start()
    assert reports._making.process is first


def test_a_failure_is_told_in_words(reports):
    reports.start()
    problem = until(lambda: reports.problem)
    assert "gone.db" in problem
    assert "Traceback" not in problem
    assert reports.opened("html") is None


def test_an_ended_process_is_told_and_can_be_tried_again(reports):
    reports.start()
    reports._making.process.send_signal(signal.SIGKILL)
    assert "signal 9" in until(lambda: reports.problem)
    reports.start()
    assert reports.problem == ""


def test_closing_ends_the_process_and_leaves_no_file(reports):
    reports.start()
    process, folder = reports._making.process, reports._making.folder
    reports.close()
    assert process.returncode is not None
    assert not folder.parent.exists()
