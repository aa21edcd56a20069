"""Marking errors in a real browser: keys, mouse and buttons, in texts of all kinds."""

from contextlib import ExitStack

import pytest
from page_keys import next_after, press

pytestmark = pytest.mark.browser

TEXTS = {
    "plain": "The cat sat on the mat.",
    "emoji": "A 👍🏽 and 👩‍👩‍👧 are naïve 🌸 words",
    "right to left": "שלום עולם, זה טקסט",
    "empty": "",
}
PLAN = {"criteria": [{"name": "score", "question": "How good is it?"}]}


@pytest.fixture
def marking(schemes):
    """Opens a new rater's page at one of the texts; all of them share a study."""
    with ExitStack() as contexts:

        def start(kind):
            texts = list(TEXTS.values())
            outputs = {
                "items": len(texts),
                "checkpoints": 1,
                "text": lambda number, _: texts[number],
            }
            seen = schemes(contexts, "spans", outputs=outputs, **PLAN)
            for _ in texts:
                if shown(seen.page) == TEXTS[kind]:
                    return seen
                next_after(seen.page, lambda: press(seen.page, "s", "Enter"))
            raise AssertionError(kind)

        yield start


def shown(page):
    """The output, without what the page adds to it."""
    return page.locator(".output .flow").text_content()


def marks(page):
    """Severity and words of each mark, as the list below the text says it."""
    return page.locator(".marks li").evaluate_all(
        "lines => lines.map(line => [...line.children].slice(0, 2)"
        ".map(part => part.textContent))"
    )


def stored(seen):
    """Severity and marked text, cut out by the stored code points; None if missing."""
    next_after(seen.page, lambda: press(seen.page, "m", "Enter", "50", "Enter"))
    rows = seen.study.rows(
        "SELECT text, severity.value ->> 'severity' AS severity, "
        "severity.value ->> 'start' AS start, severity.value ->> 'end' AS end "
        "FROM current_ratings JOIN outputs ON outputs.id = current_ratings.output, "
        "json_each(spans) AS severity WHERE rater_name = ?",
        [seen.name],
    )
    return [
        [
            row["severity"],
            None if row["start"] is None else row["text"][row["start"] : row["end"]],
        ]
        for row in rows
    ]


def drag(page, start, end):
    """Select with the mouse between two UTF-16 offsets of an unmarked output."""
    at = page.evaluate(
        """offsets => offsets.map(offset => {
            const range = document.createRange();
            const node = document.querySelector(".output .flow").firstChild;
            range.setStart(node, offset);
            range.setEnd(node, offset);
            const box = range.getBoundingClientRect();
            return [box.left, (box.top + box.bottom) / 2];
        })""",
        [start, end],
    )
    page.mouse.move(*at[0])
    page.mouse.down()
    page.mouse.move(*at[1], steps=4)
    page.mouse.up()


def test_keys_choose_words_and_a_mark_can_be_changed_and_removed(marking):
    seen = marking("plain")
    page = seen.page
    press(page, "ArrowRight", "ArrowRight", "Shift+ArrowRight", "1")
    press(page, "ArrowRight", "2", "End", "1", "ArrowLeft", "ArrowLeft", "1")
    assert marks(page) == [
        ["minor", "cat sat"],
        ["major", "on"],
        ["minor", "mat"],
        ["minor", "[missing]"],
    ]
    press(page, "Delete", "Home", "ArrowRight", "2")
    assert marks(page)[0] == ["major", "cat sat"]
    assert stored(seen) == [["major", "cat sat"], ["major", "on"], ["minor", None]]


def test_a_new_mark_takes_the_place_of_those_it_overlaps(marking):
    page = marking("plain").page
    press(page, "Home", "1", "ArrowRight", "1")
    assert marks(page) == [["minor", "The"], ["minor", "cat"]]
    press(page, "Shift+ArrowRight", "2")
    assert marks(page) == [["minor", "The"], ["major", "cat sat"]]


def test_the_mouse_selects_letters_and_clicks_change_a_mark(marking):
    seen = marking("plain")
    page = seen.page
    drag(page, 3, 10)
    page.get_by_role("button", name="Minor error").click()
    assert marks(page) == [["minor", "cat sa"]]
    page.locator("mark").click()
    assert marks(page) == [["major", "cat sa"]]
    page.locator("mark").click()
    assert marks(page) == []
    page.locator(".missing").click()
    page.locator(".missing").click()
    drag(page, 1, 2)
    press(page, "1")
    assert stored(seen) == [["minor", "h"], ["major", None]]


def test_each_mark_is_removed_from_the_list_by_name(marking):
    page = marking("plain").page
    press(page, "Home", "1", "ArrowRight", "2")
    page.get_by_role("button", name="Remove the minor error: The").press("Enter")
    assert marks(page) == [["major", "cat"]]
    page.get_by_role("button", name="Remove the major error: cat").press("Enter")
    assert marks(page) == []


def test_places_count_code_points_where_emoji_take_several_units(marking):
    seen = marking("emoji")
    page = seen.page
    press(page, "Home", "ArrowRight", "1", "ArrowRight", "ArrowRight", "2")
    press(page, "End", "ArrowLeft", "1", "ArrowLeft", "2")
    expected = [
        ["minor", "👍🏽"],
        ["major", "👩‍👩‍👧"],
        ["major", "🌸"],
        ["minor", "words"],
    ]
    assert marks(page) == expected
    assert stored(seen) == expected


def test_a_selection_by_mouse_counts_code_points_too(marking):
    seen = marking("emoji")
    units = len("A 👍🏽 and 👩‍👩‍👧 are ".encode("utf-16-le")) // 2
    drag(seen.page, units, units + len("naïve"))
    press(seen.page, "2")
    assert stored(seen) == [["major", "naïve"]]


def test_the_left_arrow_goes_forward_where_text_runs_to_the_left(marking):
    seen = marking("right to left")
    press(seen.page, "ArrowLeft", "1", "ArrowLeft", "ArrowLeft", "ArrowRight", "2")
    assert stored(seen) == [["minor", "שלום"], ["major", "עולם"]]


def test_of_an_empty_output_only_what_is_missing_can_be_marked(marking):
    seen = marking("empty")
    page = seen.page
    assert "the model wrote nothing" in page.locator(".output .text").inner_text()
    press(page, "1")
    assert marks(page) == []
    assert "Select the words first" in page.locator(".tools .hint").inner_text()
    press(page, "Home", "2")
    assert stored(seen) == [["major", None]]
