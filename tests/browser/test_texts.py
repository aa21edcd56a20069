"""Texts in a real browser: each form, differences, hidden signs, hostile outputs."""

import pytest
from page_keys import next_after, press

pytestmark = pytest.mark.browser

BETTER = {"name": "better", "question": "Which is better?"}
PAIRS = {"scheme": "pairwise", "criteria": [BETTER]}
HOSTILE = [
    "# Title\n\n[here](https://example.org/there) ![cat](https://example.org/cat.png)",
    '<img src="https://example.org/x" onerror="alert(1)">\n\n<script>alert(1)</script>',
    "<style>*{display:none}</style>\n\n<div style='position:fixed;inset:0'>over</div>",
    "<form action=https://example.org><button>Go</button></form>\n\n<iframe src=//e>",
    "[x](javascript:alert(1)) ![x](data:text/html,<script>alert(1)</script>)",
    "&lt;script&gt;alert(1)&lt;/script&gt; <svg/onload=alert(1)>",
    "```\n</pre><script>alert(1)</script>\n```\n\n| <b>a</b> |\n| - |\n| <i>1</i> |",
    "\u202egnirts desrever\u202c \u200b\u2066x\ufeff",
    "${alert(1)} {{value}} {{#each x}} `",
    "unbroken" * 500,
]
WIDE_TABLE = "|a" * 300 + "|\n" + "|-" * 300 + "|\n"
# Highlighted text, of each output in turn.
HIGHLIGHTED = (
    """() => [...(CSS.highlights.get("tandem-difference") ?? [])].map(String)"""
)


def body(page):
    return page.locator(".output .text").first


def written(page):
    """The text of an output as it is in the page."""
    return body(page).locator(".flow").evaluate("node => node.textContent")


def outputs_of(texts):
    return {
        "items": len(texts),
        "checkpoints": 1,
        "text": lambda number, _: texts[number],
    }


def pair_of(first, second):
    return {"items": 1, "checkpoints": 2, "text": lambda _, of: (first, second)[of]}


def tags_in(page):
    """Names of all elements, and of all their attributes, in the output."""
    return page.locator(".output .text").first.evaluate(
        "node => [...node.querySelectorAll('*')].flatMap(one => "
        "[one.localName, ...one.getAttributeNames()])"
    )


def test_markdown_is_drawn_and_r_shows_it_as_written(rating):
    text = "# Title\n\n3. **bold** `x`\n\n[here](https://example.org/there)"
    seen = rating(outputs=outputs_of([text]), render="markdown")
    page = seen.page
    heading = body(page).get_by_role("heading", name="Title", exact=True)
    assert heading.get_attribute("aria-level") == "3"
    assert body(page).locator("strong").inner_text() == "bold"
    assert body(page).locator("ol").get_attribute("start") is not None
    assert page.evaluate("document.querySelector('.output ol').start") == 3
    assert body(page).locator("a").count() == 0
    address = body(page).locator(".as-address")
    assert address.inner_text().strip() == "https://example.org/there"
    press(page, "r")
    assert written(page) == text
    press(page, "r")
    assert body(page).locator("strong").count() == 1
    press(page, "r")
    assert seen.requests == []
    page.reload()
    page.wait_for_selector(".criterion")
    # The next look, too, begins with the form that the task is for.
    assert body(page).locator("strong").count() == 1
    stored = seen.study.column("SELECT stimulus ->> 'render' FROM assignments")
    assert stored == ["markdown"]


@pytest.mark.parametrize("render", ["raw", "code", "markdown"])
def test_hostile_texts_change_nothing_and_reach_nobody_in_any_form(rating, render):
    texts = [*HOSTILE, WIDE_TABLE]
    seen = rating(outputs=outputs_of(texts), render=render, show_references=True)
    page = seen.page
    harmless = {
        *("p", "div", "span", "ul", "ol", "li", "pre", "code", "em", "strong", "s"),
        *("table", "thead", "tbody", "tr", "th", "td", "blockquote", "hr", "br"),
        *("class", "dir", "role", "aria-level", "data-code"),
    }
    read = []
    for _ in texts:
        assert set(tags_in(page)) <= harmless
        assert page.title() == "Rating"
        assert page.evaluate("document.documentElement.scrollWidth") == 1280
        save = page.get_by_role("button", name="Save and next")
        save.hover(timeout=2000)
        if render == "markdown":
            press(page, "r")
        read.append(written(page))
        next_after(page, lambda: press(page, "1", "1", "Enter"))
    assert sorted(read) == sorted(texts)
    assert all(url.startswith(seen.root) for url in seen.requests)
    assert seen.complaints == []


@pytest.mark.parametrize("render", ["raw", "code", "markdown"])
def test_a_megabyte_is_shown_whole_and_scrolls_by_itself(rating, render):
    text = "a line of it\n" * 80_000 + "the last word"
    page = rating(outputs=outputs_of([text]), render=render).page
    assert written(page) == text
    assert body(page).evaluate("node => node.scrollHeight") > 1_000_000
    assert page.evaluate("document.documentElement.scrollHeight") < 2000
    note = page.locator(".output .form").inner_text()
    assert ("cannot be drawn as Markdown" in note) == (render == "markdown")


def test_code_does_not_wrap_and_its_line_numbers_are_no_part_of_it(rating):
    text = "def f():\n\treturn 1  # " + "long " * 200 + "\n"
    page = rating(outputs=outputs_of([text]), render="code").page
    assert written(page) == text
    assert body(page).get_attribute("data-numbers") == "1\n2"
    assert "monospace" in body(page).evaluate("n => getComputedStyle(n).fontFamily")
    assert body(page).evaluate("node => node.scrollWidth > node.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") == 1280
    press(page, "r")
    assert body(page).evaluate("node => node.scrollWidth <= node.clientWidth")


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("a\u200bb", ["U+200B"]),
        ("x\u202etxt.exe\u202c", ["U+202E", "U+202C"]),
        ("a\u200b\u200b\u200b", ["U+200B ×3"]),
        ("\u2066\u2067\u2068\u2069!", ["U+2066 U+2067 U+2068 …"]),
        ("\ufeffstart, soft\u00adhyphen, bell\u0007", ["U+FEFF", "U+00AD", "U+0007"]),
        ("lone\rreturn\r\n", ["U+000D"]),
        ("tag\U000e0041", ["U+E0041"]),
        ("pass\u200dword", ["U+200D"]),
        ("👨\u200d👩\u200d👧 می\u200cخواهم", []),
        ("tab\tand\nline", []),
    ],
    ids=[
        *("zero width", "override", "a run", "many kinds", "others", "return"),
        *("tag", "joiner in ASCII", "joiners where they belong", "plain space"),
    ],
)
def test_signs_that_cannot_be_seen_are_boxed_where_they_are(rating, text, codes):
    page = rating(outputs=outputs_of([text])).page
    boxes = page.locator(".output .invisible")
    assert boxes.evaluate_all("nodes => nodes.map(node => node.dataset.code)") == codes
    assert written(page) == text


def test_an_override_turns_no_letter_around(rating):
    page = rating(outputs=outputs_of(["ab\u202ecdef\u202c"])).page
    # The letters after the override stand from left to right.
    places = page.evaluate("""() => {
        const node = document.querySelector(".output .flow").childNodes[2];
        return [0, 1, 2, 3].map(at => {
            const range = document.createRange();
            range.setStart(node, at);
            range.setEnd(node, at + 1);
            return range.getBoundingClientRect().left;
        });
    }""")
    assert places == sorted(places)


def test_a_text_that_begins_in_hebrew_stands_on_the_right(rating):
    texts = ["שלום עולם", "plain"]
    page = rating(outputs=outputs_of(texts)).page
    found = {}
    for _ in texts:
        style = "node => getComputedStyle(node).direction"
        found[written(page)] = body(page).evaluate(style)
        next_after(page, lambda: press(page, "1", "1", "Enter"))
    assert found == {"שלום עולם": "rtl", "plain": "ltr"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "(the model wrote nothing)"),
        (" \n\t ", "(the model wrote nothing but white space)"),
    ],
    ids=["empty", "white space"],
)
@pytest.mark.parametrize("render", ["raw", "code", "markdown"])
def test_no_text_is_said_to_be_none(rating, text, said, render):
    page = rating(outputs=outputs_of([text]), render=render).page
    assert body(page).inner_text() == said


def test_d_marks_what_differs_until_pressed_again_and_never_by_itself(rating):
    first, second = "👍 the cat \u200bsat", "👍 the dog \u200bsat down"
    page = rating(outputs=pair_of(first, second), **PAIRS).page
    assert page.evaluate(HIGHLIGHTED) == []
    press(page, "d")
    button = page.get_by_role("button", name="Differences", pressed=True)
    button.wait_for()
    assert sorted(page.evaluate(HIGHLIGHTED)) == [" down", "cat", "dog"]
    press(page, "d")
    assert page.evaluate(HIGHLIGHTED) == []
    press(page, "d")
    button.wait_for()
    next_after(page, lambda: press(page, "1", "Enter"))
    assert page.evaluate(HIGHLIGHTED) == []


def test_an_output_is_compared_with_a_right_answer_that_is_shown(rating):
    page = rating(outputs=outputs_of(["Reference 1!"]), show_references=True).page
    page.get_by_role("button", name="Differences").click()
    page.get_by_role("button", name="Differences", pressed=True).wait_for()
    assert page.evaluate(HIGHLIGHTED) == ["0", "1!"]


@pytest.mark.parametrize(
    "plan",
    [{}, {"render": "markdown", "show_references": True}],
    ids=["one text", "Markdown"],
)
def test_without_two_texts_as_written_nothing_is_compared(rating, plan):
    seen = rating(**plan)
    assert not seen.page.get_by_role("button", name="Differences").is_visible()
    press(seen.page, "d")
    assert seen.requests == []


def test_texts_too_long_to_be_compared_say_so(rating):
    page = rating(outputs=pair_of("ab " * 50_000, "ba " * 50_000), **PAIRS).page
    press(page, "d")
    problem = page.get_by_role("alert")
    problem.wait_for()
    assert "too long" in problem.inner_text()
    next_after(page, lambda: press(page, "1", "Enter"))
