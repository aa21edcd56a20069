"""The report's page in a real browser."""

import pytest

from harness.reporting import render

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_are_drawn_without_a_complaint_or_a_request(opened, rated_page, scheme):
    with opened(rated_page, color_scheme=scheme) as (tab, complaints, requests):
        tab.wait_for_selector("#t0-scatter .scatterlayer .point")
        assert tab.locator(".panels .main-svg").count() >= 9
        assert complaints == []
        assert [url for url in requests if not url.startswith("file:")] == []


def test_another_pair_can_be_chosen(opened, rated_page):
    with opened(rated_page) as (tab, complaints, _):
        title = tab.locator("#t0-scatter .xtitle")
        assert title.text_content() == "perplexity"
        tab.select_option('select[data-axis="x"]', label="chrf")
        assert title.text_content() == "chrf"
        assert tab.locator("#t0-scatter .point").count() == 48
        assert complaints == []


def test_another_coefficient_can_be_chosen_without_a_script(opened, rated_page):
    with opened(rated_page) as (tab, *_):
        spearman = tab.locator("span.spearman").first
        assert not spearman.is_visible()
        tab.check('input[value="spearman"]')
        assert spearman.is_visible()
        assert not tab.locator("span.kendall").first.is_visible()


@pytest.mark.slow
def test_a_narrow_page_does_not_scroll_sideways(opened, rated_page, hostile):
    size = {"width": 390, "height": 800}
    for page in (rated_page, render(hostile, "html")):
        with opened(page, viewport=size) as (tab, *_):
            width = tab.evaluate("document.documentElement.scrollWidth")
            assert width == 390


def test_hostile_outputs_do_nothing(opened, hostile):
    with opened(render(hostile, "html")) as (tab, complaints, requests):
        tab.wait_for_selector("#t0-scatter .point")
        tab.locator("#t0-scatter .point").first.hover(force=True)
        tab.wait_for_timeout(200)
        assert tab.locator("img").count() == 0
        assert complaints == []
        assert len(requests) == 1
