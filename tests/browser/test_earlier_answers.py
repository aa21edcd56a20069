"""Going back to earlier answers, and the training round, in a real browser."""

import json

import pytest
from page_keys import next_after, press

pytestmark = pytest.mark.browser


def shown_output(page):
    return page.locator(".output .flow").evaluate("node => node.textContent")


def checked(page):
    return page.locator(".criterion input:checked").evaluate_all(
        "nodes => nodes.map(node => Number(node.value))"
    )


def status(page):
    return page.locator(".tandem").get_by_role("status").inner_text()


def values(study):
    """Output text and ratings, in the order of rating."""
    rows = study.rows(
        "SELECT outputs.text, group_concat(current_ratings.value) AS given "
        "FROM current_ratings JOIN outputs ON outputs.id = current_ratings.output "
        "GROUP BY outputs.id ORDER BY max(current_ratings.id)"
    )
    return [(row["text"], row["given"]) for row in rows]


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
    next_after(page, lambda: press(page, "Escape"))
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


def test_of_two_tabs_that_change_an_answer_the_second_is_told_to_look(rating):
    seen = rating()
    first = rate(seen.page, "1", "1")
    other = seen.context.new_page()
    other.goto(f"{seen.root}/ui/")
    other.wait_for_selector(".criterion")
    open_earlier(seen.page)
    open_earlier(other)
    rate(seen.page, "2")
    rate(other, "3")
    assert "perhaps in another window" in other.get_by_role("alert").inner_text()
    assert dict(values(seen.study)) == {first: "2.0,1.0"}
    assert shown_output(other) == shown_output(seen.page)


EXAMPLES = [
    {
        "prompt": "Where art thou?",
        "output": "Where are you?",
        "expected": {"meaning": [4, 5], "fluency": 4},
        "feedback": "<b>Thou</b> is an old form of you.",
    },
    {"prompt": "Hark!", "output": "Listen!", "expected": {"meaning": 5}},
]


@pytest.fixture
def training(rating, tmp_path):
    """Opens the page of a campaign that begins with two examples."""

    def start(**plan):
        lines = "".join(json.dumps(example) + "\n" for example in EXAMPLES)
        (tmp_path / "examples.jsonl").write_text(lines)
        return rating(examples="examples.jsonl", **plan)

    return start


def test_feedback_on_an_example_waits_for_enter(training):
    page = training().page
    where = page.locator("[data-part=where]")
    assert where.inner_text() == "Training 1 of 2"
    assert rate(page, "3", "4") == "Where are you?"
    dialog = page.get_by_role("dialog", name="Not quite as expected")
    assert where.inner_text() == "Training 2 of 2"
    assert dialog.locator("li.wrong").inner_text().splitlines() == [
        "Does the rewrite keep the meaning?",
        "You said: 3 Partly",
        "Expected: 4 to 5",
    ]
    assert "Expected" not in dialog.locator("li.right").inner_text()
    assert "<b>Thou</b> is" in dialog.locator(".explanation").inner_text()
    assert "That was the training" not in dialog.inner_text()
    press(page, "5", "u", "Enter")
    assert not dialog.is_visible()
    assert checked(page) == []


def test_after_the_last_example_answers_count_and_examples_do_not(training):
    seen = training()
    page = seen.page
    rate(page, "5", "4")
    press(page, "Enter")
    rate(page, "5", "1")
    dialog = page.get_by_role("dialog", name="As expected")
    assert "That was the training" in dialog.inner_text()
    press(page, "Enter", "e")
    page.get_by_text("There is none that can be changed").wait_for()
    press(page, "Escape")
    output = rate(page, "2", "3")
    assert values(seen.study) == [(output, "2.0,3.0")]
    assert (
        page.locator("[data-part=where]").inner_text().startswith("1 rated · 17 left")
    )
    assert not page.locator("dialog[open]").count()
    assert seen.complaints == []


def test_after_feedback_the_keys_begin_in_the_text_where_words_are_marked(training):
    page = training(scheme="spans").page
    press(page, "Enter", "8", "Enter")
    next_after(page, lambda: press(page, "8", "Enter"))
    press(page, "Enter")
    page.locator(".output .text:focus").wait_for()
    press(page, "ArrowRight", "1")
    assert page.locator(".marks .words").all_inner_texts() == ["Listen"]


def test_a_reload_in_an_earlier_answer_keeps_it_open_with_its_draft(rating):
    seen = rating(outputs={"items": 1, "checkpoints": 1})
    page = seen.page
    first = rate(page, "1", "2")
    open_earlier(page)
    page.get_by_text("You are changing an earlier answer").wait_for()
    press(page, "5", "c")
    page.keyboard.type("a second thought")
    page.reload()
    page.wait_for_selector(".criterion")
    assert page.get_by_text("You are changing an earlier answer").is_visible()
    assert checked(page) == [5, 2]
    assert page.locator("textarea").input_value() == "a second thought"
    next_after(page, lambda: press(page, "Enter"))
    assert values(seen.study) == [(first, "5.0,2.0")]
    page.reload()
    page.get_by_role("heading", name="That was the last one").wait_for()
    assert not page.get_by_text("You are changing").is_visible()


def test_no_key_does_harm_at_the_end(rating):
    seen = rating(outputs={"items": 1, "checkpoints": 1})
    page = seen.page
    rate(page, "1", "2")
    press(page, "Enter", "Escape", "1", "c", "d", "f", "m", "r", "s")
    assert page.get_by_role("heading", name="That was the last one").is_visible()
    assert not page.locator("dialog[open]").count()
    assert seen.complaints == []
