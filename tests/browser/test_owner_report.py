"""The report that the owner's page makes and opens, in a real browser."""

import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from raters_at_work import checkpoint_in, rate_all

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONGEST = 120_000
"""Milliseconds that making a report may take on a busy machine."""


def rated(study, campaign):
    def judge(shown):
        return {"meaning": 1 + checkpoint_in(shown.outputs[0]), "fluency": 3}

    rate_all(study, campaign, {"Ana": judge, "Ben": judge})


@pytest.fixture
def opened(owning_one):
    """The owner's page with a report made, and the report in a window of its own."""
    with ExitStack() as stack:
        seen = owning_one(stack, rated, raters_per_output=3)
        seen.page.get_by_role("tab", name="Report").click()
        link = seen.page.get_by_role("link", name="Open the report")
        link.wait_for(timeout=LONGEST)
        with seen.context.expect_page() as window:
            link.click()
        seen.report = window.value
        seen.report.wait_for_selector(".plot .main-svg")
        yield seen


def test_the_tab_says_what_the_report_says_and_how_old_it_is(opened):
    panel = opened.page.locator("#panel-report")
    sentences = panel.locator(".said").all_inner_texts()
    assert sentences[0].startswith("modernize. People put ckpt-2 first")
    assert sentences[-1].startswith("Next: ")
    assert re.search(r"As of \d\d:\d\d\. Nothing has changed", panel.inner_text())
    opened.page.get_by_role("button", name="Make again").click()
    panel.get_by_text("A newer one is being made").wait_for()
    assert panel.get_by_role("link", name="Open the report").is_visible()
    opened.page.get_by_role("button", name="Make again").wait_for(timeout=LONGEST)


def test_the_report_is_drawn_and_stays_after_a_reload(opened):
    opened.report.reload()
    opened.report.wait_for_selector(".plot .main-svg")
    assert [url for url in opened.requests if not url.startswith(opened.root)] == []
    assert opened.complaints == []


def test_a_script_in_the_report_could_ask_the_server_for_nothing(opened):
    asked = opened.report.evaluate(
        "fetch('/owner/download/csv').then(() => 'came', () => 'refused')"
    )
    assert asked == "refused"
    origin = opened.report.evaluate("self.origin")
    assert origin == "null"


def test_each_form_can_be_downloaded(opened):
    links = opened.page.locator("#panel-report a[download]").all()
    assert len(links) >= 3
    for link in links:
        with opened.page.expect_download() as download:
            link.click()
        assert download.value.suggested_filename.startswith("s-report.")
        assert "ckpt-2" in Path(download.value.path()).read_text(encoding="utf-8")
    assert (link.inner_text(), download.value.suggested_filename) == (
        "Datasheet",
        "s-report.heds.md",
    )
