"""Going back to earlier answers, and the training round, in a real browser."""

from dataclasses import replace

import pytest
from test_rating_page import checked, next_after, press, shown_output, status, values

from harness.desk import Desk
from harness.feedback import Feedback, FeedbackLine

pytestmark = pytest.mark.browser


def rate(page, *keys):
    """Answer with these keys; the output that they were given to."""
    before = shown_output(page)
    next_after(page, lambda: press(page, *keys, "Enter"))
    return before


def open_earlier(page, *keys):
    """Open the list, and one of it with these keys."""
    press(page, "e")
    page.get_by_role("dialog", name="Earlier answers").wait_for()
    next_after(page, lambda: press(page, *keys, "Enter"))


def test_an_earlier_answer_is_opened_by_keys_and_changed(rating):
    seen = rating()
    page = seen.page
    first = rate(page, "1", "2")
    second = rate(page, "3", "4")
    now = shown_output(page)
    open_earlier(page, "ArrowDown")
    assert shown_output(page) == first
    assert checked(page) == [1, 2]
    assert page.get_by_text("You are changing an earlier answer").is_visible()
    assert not page.get_by_role("button", name="Skip").is_visible()
    next_after(page, lambda: press(page, "5", "Enter"))
    assert "replaces your earlier answer" in status(page)
    assert shown_output(page) == now
    assert dict(values(seen.study)) == {first: "5.0,2.0", second: "3.0,4.0"}


def test_leaving_an_earlier_answer_changes_nothing_and_goes_on(rating):
    seen = rating()
    page = seen.page
    first = rate(page, "1", "2")
    now = shown_output(page)
    press(page, "4", "c")
    page.keyboard.type("a draft")
    press(page, "Escape")
    open_earlier(page)
    press(page, "5")
    next_after(page, lambda: press(page, "Escape"))
    assert shown_output(page) == now
    assert checked(page) == [4]
    assert page.locator("textarea").input_value() == "a draft"
    open_earlier(page)
    assert checked(page) == [1, 2]
    page.reload()
    page.wait_for_selector(".criterion")
    assert shown_output(page) == now
    assert dict(values(seen.study)) == {first: "1.0,2.0"}


def test_the_list_shows_prompt_answer_and_time_and_closes_without_a_trace(rating):
    seen = rating()
    page = seen.page
    assert page.get_by_role("button", name="Earlier").is_disabled()
    rate(page, "1", "2")
    seen.requests.clear()
    press(page, "e")
    dialog = page.get_by_role("dialog", name="Earlier answers")
    dialog.wait_for()
    assert dialog.locator(".prompt").inner_text().startswith("Prompt ")
    assert dialog.locator(".said").inner_text() == "1 Another meaning · 2"
    assert ":" in dialog.locator("time").inner_text()
    press(page, "ArrowUp", "ArrowDown", "3", "Escape")
    assert not dialog.is_visible()
    assert checked(page) == []
    assert len(seen.requests) == 1


def test_double_clicks_save_once_and_go_on_by_one(rating):
    seen = rating()
    page = seen.page
    press(page, "3", "3")
    before = shown_output(page)
    save = page.get_by_role("button", name="Save and next")
    next_after(page, save.dblclick)
    assert [text for text, _ in values(seen.study)] == [before]
    assert checked(page) == []


def test_two_tabs_that_change_the_same_answer_leave_the_last_one(rating):
    seen = rating()
    first = rate(seen.page, "1", "1")
    other = seen.context.new_page()
    other.goto(f"{seen.root}/ui/")
    other.wait_for_selector(".criterion")
    open_earlier(seen.page)
    open_earlier(other)
    rate(seen.page, "2", "2")
    rate(other, "3", "3")
    assert "replaces your earlier answer" in status(other)
    assert dict(values(seen.study)) == {first: "3.0,3.0"}
    assert shown_output(other) == shown_output(seen.page)


def test_feedback_on_an_example_waits_for_enter(rating, monkeypatch):
    told = Feedback(
        right=False,
        lines=(
            FeedbackLine("Does it keep the meaning?", "3 Partly", "5 The same", False),  # noqa: FBT003
            FeedbackLine("Is it good English?", "4", "4", True),  # noqa: FBT003
        ),
        explanation="<b>Thou</b> is an old form of you.",
    )
    submit = Desk.submit

    def with_feedback(self, token, given):
        return replace(submit(self, token, given), feedback=told, training=(2, 5))

    seen = rating()
    page = seen.page
    monkeypatch.setattr(Desk, "submit", with_feedback)
    rate(page, "3", "4")
    dialog = page.get_by_role("dialog", name="Not quite as expected")
    assert "Training 2 of 5" in page.locator("[data-part=where]").inner_text()
    assert dialog.locator("li.wrong").inner_text().splitlines() == [
        "Does it keep the meaning?",
        "You said: 3 Partly",
        "Expected: 5 The same",
    ]
    assert "Expected" not in dialog.locator("li.right").inner_text()
    assert "<b>Thou</b> is" in dialog.locator(".explanation").inner_text()
    press(page, "5", "u", "Enter")
    assert not dialog.is_visible()
    assert checked(page) == []
    assert len(values(seen.study)) == 1
