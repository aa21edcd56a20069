"""Points and disagreements of the report's page, opened in a real browser."""

import pytest
from report_study import with_texts

from harness.reporting import render
from harness.reporting.trust import CHOSEN, TITLES

pytestmark = pytest.mark.browser


def output_of(report, item, checkpoint):
    [found] = [
        one
        for one in report.tasks[0].rated
        if (one.item, one.checkpoint) == (item, checkpoint)
    ]
    return found


def shown_output(tab, report):
    """The output whose name the panel shows."""
    checkpoint, _, item = tab.locator(".shown h4").inner_text().partition(" · item ")
    return output_of(report, item, checkpoint)


def test_a_click_on_a_point_opens_its_output(opened, rated, rated_page):
    with opened(rated_page) as (tab, complaints, _):
        tab.locator("#t0-scatter .point").nth(7).click(force=True)
        tab.locator(".shown h4").wait_for()
        output = shown_output(tab, rated)
        panel = tab.locator(".shown")
        assert panel.locator("dd").all_inner_texts() == [
            *(output.prompt, *output.references, output.text)
        ]
        for name, value in output.given["meaning"]:
            assert f"{name}: {value:g}" in panel.inner_text()
        assert len(panel.locator("tr").all()) == len(output.scores) + 2
        assert complaints == []


def test_the_keyboard_goes_through_all_points(opened, rated_page):
    with opened(rated_page) as (tab, complaints, _):
        tab.get_by_role("button", name="Next point").focus()
        seen = []
        for _ in range(48):
            tab.keyboard.press("Enter")
            seen.append(tab.locator(".shown h4").inner_text())
        assert len(set(seen)) == 48
        assert tab.locator(".count").inner_text() == "48 of 48"
        tab.keyboard.press("Enter")
        assert tab.locator(".shown h4").inner_text() == seen[0]
        tab.get_by_role("button", name="Previous point").press("Enter")
        assert tab.locator(".shown h4").inner_text() == seen[-1]
        assert tab.locator("#t0-scatter .shapelayer path").count() == 1
        assert complaints == []


def test_the_open_output_stays_open_when_another_pair_is_chosen(opened, rated_page):
    with opened(rated_page) as (tab, complaints, _):
        tab.get_by_role("button", name="Next point").press("Enter")
        before = tab.locator(".shown h4").inner_text()
        tab.select_option('select[data-axis="x"]', label="chrf")
        tab.select_option('select[data-axis="y"]', label="fluency")
        assert tab.locator(".shown h4").inner_text() == before
        chosen = tab.locator(".shown tr.chosen th").all_inner_texts()
        assert chosen == ["fluency", "chrf"]
        assert complaints == []


def test_hostile_texts_are_opened_as_they_are(opened, hostile):
    with opened(render(hostile, "html")) as (tab, complaints, requests):
        for _ in range(6):
            tab.get_by_role("button", name="Next point").press("Enter")
            texts = tab.locator(".shown dd").all_inner_texts()
            assert all("</script><script>alert(1)</script>|<img" in t for t in texts)
            assert "\\u202e" in texts[-1]
        assert tab.locator("img").count() == 0
        assert complaints == []
        assert len(requests) == 1


def test_disagreements_with_another_metric_can_be_chosen(opened, rated_page):
    with opened(rated_page) as (tab, complaints, _):
        chooser = tab.locator("select[data-shows=t0-apart-0]")
        first = chooser.locator("option").first.inner_text()
        shown = tab.locator(".t0-apart-0:visible")
        assert f"Ranked higher by {first} than by people" in shown.inner_text()
        chooser.select_option(label="exact_match")
        assert shown.count() == 1
        assert "exact_match" in shown.inner_text()
        assert complaints == []


def test_a_folded_text_opens_and_is_whole_on_paper(opened, rated):
    long = with_texts(rated, lambda text: f"{text} " + "and so on " * 50 + "the end")
    with opened(render(long, "html")) as (tab, *_):
        fold = tab.locator(".sides:not([hidden]) details.fold").first
        assert not fold.locator("div").is_visible()
        fold.locator("summary").click()
        assert fold.locator("div").inner_text().endswith("the end")
        fold.locator("summary").click()
        tab.emulate_media(media="print")
        tab.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert fold.locator("div").is_visible()
        tab.evaluate("dispatchEvent(new Event('afterprint'))")
        tab.emulate_media(media="screen")
        assert not fold.locator("div").is_visible()


def test_figures_of_a_dark_page_are_drawn_dark_for_paper(opened, rated_page):
    with opened(rated_page, color_scheme="dark") as (tab, *_):
        tab.get_by_role("button", name="Next point").press("Enter")

        def brightness(part):
            colour = tab.locator(part).first.evaluate(
                "part => getComputedStyle(part)[part.tagName === 'text' ? 'fill' : "
                "'stroke'].match(/[0-9]+/g).slice(0, 3).map(Number)"
            )
            return sum(colour) / 3

        parts = ("#t0-scatter .xtick text", "#t0-scatter .shapelayer path")
        assert all(brightness(part) > 128 for part in parts)
        # The page is still laid out for the screen when this event comes.
        tab.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert all(brightness(part) < 128 for part in parts)
        height = tab.locator("#t0-scatter .main-svg").first.evaluate(
            "s => s.clientHeight"
        )
        assert height == 400
        tab.evaluate("dispatchEvent(new Event('afterprint'))")
        assert all(brightness(part) > 128 for part in parts)


def test_a_dark_page_is_printed_in_black_on_white(opened, rated_page):
    with opened(rated_page, color_scheme="dark") as (tab, *_):
        tab.emulate_media(media="print", color_scheme="dark")
        tab.evaluate("dispatchEvent(new Event('beforeprint'))")
        style = "getComputedStyle(document.body)"
        assert tab.evaluate(f"{style}.backgroundColor") == "rgb(255, 255, 255)"
        assert tab.evaluate(f"{style}.color") == "rgb(0, 0, 0)"


def test_on_paper_every_coefficient_is_there_with_its_name(opened, rated_page):
    with opened(rated_page) as (tab, *_):
        all_outputs = tab.locator(".coefficients td").nth(1)
        names = [all_outputs.locator(f"span.{name} b") for name in CHOSEN]
        assert not any(name.is_visible() for name in names)
        tab.emulate_media(media="print")
        assert [name.inner_text() for name in names] == [TITLES[n] for n in CHOSEN]
        assert all(name.is_visible() for name in names)
        assert not tab.locator("fieldset").is_visible()
