"""The page of samples in a real browser: found, stepped through, and harmless."""

import pytest
from report_study import Maker

from harness.reporting import render_samples
from harness.samples import Wish, samples
from harness.study import StudyFile

pytestmark = pytest.mark.browser

HOSTILE = (
    "<script>document.title = 'owned'</script><img src=https://evil.example/x "
    "onerror=\"document.title='owned'\"><style>body{display:none}</style>\u202eabc"
)
TEXTS = {
    1: {"a": "the cat sat", "b": "one", "c": ""},
    2: {"a": "the dog sat", "b": "one", "c": HOSTILE},
    3: {"a": "the dog sat", "b": "two", "c": "שלום עולם"},
}


LONG_NAME = "n" * 300
LONG = "the same words " * 400


def narrow(opened, folder, by_step, series=("run",)):
    study = StudyFile(folder / "study.db")
    made = Maker(study)
    made.items(*((key, f"say {key}", (HOSTILE,)) for key in by_step[1]))
    for run in series:
        for step, texts in by_step.items():
            name = f"step-{step}" if run == "run" else f"{step}{run}"
            made.checkpoint(name, texts, step=step, series=run)
    text = render_samples(samples(study, wish=Wish()), "html")
    study.close()
    return opened(text, viewport={"width": 390, "height": 800})


@pytest.fixture
def page(opened, tmp_path):
    with narrow(opened, tmp_path, TEXTS) as found:
        yield found


def headings(tab):
    return [one.inner_text() for one in tab.locator(".item:visible h2").all()]


def test_outputs_are_marked_found_and_stepped_through(page):
    tab, complaints, _ = page
    first = tab.locator(".item").first
    assert first.locator("del").all_inner_texts() == ["cat"]
    assert first.locator("ins").all_inner_texts() == ["dog"]
    tab.keyboard.press("/")
    tab.keyboard.type("two")
    assert headings(tab) == ["Item b"]
    assert tab.locator("#count").inner_text() == "1 of 3 items"
    tab.keyboard.press("Escape")
    assert headings(tab) == ["Item a", "Item b", "Item c"]
    for key, at in (("j", "a"), ("j", "b"), ("j", "c"), ("j", "c"), ("k", "b")):
        tab.keyboard.press(key)
        focused = tab.evaluate("document.activeElement.querySelector('h2').innerText")
        assert focused == f"Item {at}"
    assert complaints == []


def test_removed_words_and_unchanged_outputs_can_be_hidden(page):
    tab, *_ = page
    assert tab.locator("del").first.is_visible()
    tab.uncheck("#removed")
    assert not tab.locator("del").first.is_visible()
    assert tab.locator(".same:visible").count() == 2
    tab.uncheck("#unchanged")
    assert tab.locator(".same:visible").count() == 0


def test_hostile_texts_change_nothing_and_ask_for_nothing(page):
    tab, complaints, requests = page
    assert tab.title() == "Samples: rewrite"
    assert tab.locator("main").is_visible()
    assert tab.locator("main img, main script, main style").count() == 0
    assert "\\u202eabc" in tab.locator(".item").nth(2).inner_text()
    assert [one for one in requests if not one.startswith("file:")] == []
    assert complaints == []


def test_a_narrow_window_needs_no_sideways_scrolling(page):
    tab, *_ = page
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


def test_names_without_spaces_need_none_either(opened, tmp_path):
    texts = {step: {LONG_NAME: str(step)} for step in (1, 2)}
    with narrow(opened, tmp_path, texts, ("run", LONG_NAME)) as (tab, *_):
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_long_text_is_shown_where_it_changed(opened, tmp_path):
    texts = {step: {"a": f"{LONG}{step} {LONG}"} for step in (1, 2)}
    with narrow(opened, tmp_path, texts) as (tab, *_):
        first, second = tab.locator(".text").all()
        assert first.evaluate("text => text.scrollTop") == 0
        inside = """text => {
            const [seen, new_] = [text, text.querySelector("ins")].map(
                (one) => one.getBoundingClientRect());
            return seen.top <= new_.top && new_.bottom <= seen.bottom;
        }"""
        assert second.evaluate(inside)
