"""A real server and a real browser: neither talks to anybody but the other."""

import json
import signal

import pytest
from rating_study import a_study
from server_process import server

from harness.study import StudyFile

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_no_connection_goes_out_while_a_browser_rates(chromium, tmp_path):
    db = tmp_path / "s.db"
    hostile = "![](https://example.org/x.png) <img src=https://example.org/y>"
    a_study(db, items=2, checkpoints=1, text=lambda *_: hostile).close()
    context, asked = chromium.new_context(), []
    context.on("request", lambda request: asked.append(request.url))
    with server(db, ["Ana"]) as (process, links):
        page = context.new_page()
        page.goto(links["Ana"])
        page.get_by_role("button", name="Start").press("Enter")
        page.wait_for_selector(".criterion")
        for key in ("2", "4", "Enter"):
            page.keyboard.press(key)
        page.get_by_text("1 rated").wait_for()
        root = links["Ana"].partition("/i/")[0]
        context.close()
        process.send_signal(signal.SIGINT)
        assert json.loads(process.stdout.read().splitlines()[-1]) == []
        assert process.wait(20) == 0
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith(root + "/")] == []
    study = StudyFile(db)
    assert study.column("SELECT count(*) FROM current_ratings") == [2]
    study.close()
