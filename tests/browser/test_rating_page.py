"""The rating page in a real browser: keys, drafts, tabs, phones, hostile texts."""

import re

import pytest
from page_keys import contrasts, luminance, next_after, press
from rating_study import a_study
from server_process import warm_server

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
HOSTILE = [
    "<script>document.title = 'owned'; alert(1)</script>",
    "<img src=https://example.org/x onerror=alert(1)>",
    '<div style="position:fixed;inset:0;background:red;z-index:99999">over</div>',
    '<form action="https://example.org/"><button>Go</button></form>',
    "![](https://example.org/pixel.png) <style>*{display:none}</style>",
    "\u202egnirts desrever\u202c \u200b\u2066x\ufeff",
    "${alert(1)} {{value}} {{#each x}} `",
    "long " * 200_000,
    "unbroken" * 500,
    "שלום עולם, this begins in Hebrew.",
    "",
]


def shown_output(page):
    return page.locator(".output .text").evaluate("node => node.textContent")


def values(study):
    """Output text and ratings, in the order of rating."""
    rows = study.rows(
        "SELECT outputs.text, group_concat(current_ratings.value) AS given "
        "FROM current_ratings JOIN outputs ON outputs.id = current_ratings.output "
        "GROUP BY outputs.id ORDER BY max(current_ratings.id)"
    )
    return [(row["text"], row["given"]) for row in rows]


def status(page):
    return page.locator(".tandem").get_by_role("status").inner_text()


def checked(page):
    return page.locator(".criterion input:checked").evaluate_all(
        "nodes => nodes.map(node => Number(node.value))"
    )


def test_a_campaign_is_rated_by_keyboard_alone(rating):
    seen = rating(outputs={"items": 2, "checkpoints": 2})
    page, expected = seen.page, []
    for first, second in ["13", "25", "44", "51"]:
        expected.append((shown_output(page), f"{first}.0,{second}.0"))
        next_after(page, lambda: press(page, first, second, "Enter"))  # noqa: B023
    assert page.get_by_role("heading", name="That was the last one").is_visible()
    assert "You gave 4 answers" in page.locator("[data-part=end-text]").inner_text()
    assert values(seen.study) == expected
    assert len(seen.requests) == 4
    assert seen.complaints == []


def test_enter_before_all_is_answered_says_what_is_missing(rating):
    seen = rating()
    press(seen.page, "3", "Enter")
    problem = seen.page.get_by_role("alert")
    assert problem.inner_text() == "Still to answer: Is it good English?"
    assert seen.requests == []


def test_u_takes_back_shows_the_old_answer_and_lets_it_be_changed(rating):
    seen = rating()
    page = seen.page
    first = shown_output(page)
    next_after(page, lambda: press(page, "2", "3", "Enter"))
    next_after(page, lambda: press(page, "u"))
    assert shown_output(page) == first
    assert checked(page) == [2, 3]
    assert values(seen.study) == []
    next_after(page, lambda: press(page, "5", "Enter"))
    assert values(seen.study) == [(first, "5.0,3.0")]


def test_a_reload_brings_back_the_same_text_and_all_that_was_entered(rating):
    seen = rating()
    page = seen.page
    before = shown_output(page)
    press(page, "4", "c")
    page.keyboard.type("a thought")
    page.reload()
    page.wait_for_selector(".criterion")
    assert shown_output(page) == before
    assert checked(page) == [4]
    assert page.locator("textarea").input_value() == "a thought"
    next_after(page, lambda: press(page, "2", "Enter"))
    assert seen.study.column("SELECT DISTINCT comment FROM ratings") == ["a thought"]
    assert page.locator("textarea").input_value() == ""
    assert page.evaluate("Object.keys(localStorage).length") == 0


@pytest.mark.slow
def test_a_server_that_is_killed_costs_no_answer_and_comes_back(chromium, tmp_path):
    study = a_study(tmp_path / "s.db")
    context = chromium.new_context()
    with warm_server(study.path, ["Ana"]) as (process, links):
        root, _, invite = links["Ana"].rpartition("/i/")
        page = context.new_page()
        page.goto(f"{root}/i/{invite}")
        page.get_by_role("button", name="Start").press("Enter")
        page.wait_for_selector(".criterion")
        press(page, "4", "c")
        page.keyboard.type("kept")
        process.kill()
        process.join()
        press(page, "Escape", "2", "Enter")
        problem = page.get_by_role("alert")
        problem.wait_for()
        assert "cannot be reached" in problem.inner_text()
        assert checked(page) == [4, 2]
        assert page.locator("textarea").input_value() == "kept"
        assert status(page) == ""
    with warm_server(study.path, ["Ana"], int(root.rpartition(":")[2])):
        next_after(page, lambda: press(page, "Enter"))
        assert status(page) == "Saved"
    assert [given for _, given in values(study)] == ["4.0,2.0"]
    context.close()
    study.close()


def test_of_two_tabs_the_first_answer_counts_and_the_second_is_told(rating):
    seen = rating()
    other = seen.context.new_page()
    other.goto(f"{seen.root}/ui/")
    other.wait_for_selector(".criterion")
    assert shown_output(other) == shown_output(seen.page)
    next_after(seen.page, lambda: press(seen.page, "1", "1", "Enter"))
    next_after(other, lambda: press(other, "2", "2", "Enter"))
    assert "perhaps in another window" in other.get_by_role("alert").inner_text()
    assert status(other) == ""
    assert shown_output(other) == shown_output(seen.page)
    assert [given for _, given in values(seen.study)] == ["1.0,1.0"]


def test_typing_a_comment_fires_no_key(rating):
    seen = rating()
    page = seen.page
    press(page, "c")
    page.keyboard.type("12 sue? u s c")
    press(page, "Enter")
    page.keyboard.type("next line")
    assert checked(page) == []
    assert not page.locator("dialog[open]").count()
    assert page.locator("textarea").input_value() == "12 sue? u s c\nnext line"
    press(page, "Escape", "3", "3", "c")
    next_after(page, lambda: press(page, "Control+Enter"))
    assert len(values(seen.study)) == 1


def test_a_double_click_on_undo_takes_one_answer_back(rating):
    seen = rating()
    page = seen.page
    for _ in range(2):
        next_after(page, lambda: press(page, "2", "3", "Enter"))
    next_after(page, page.get_by_role("button", name="Undo").first.dblclick)
    page.reload()
    page.wait_for_selector(".criterion")
    assert len(values(seen.study)) == 1


def test_a_second_skip_does_not_begin_with_the_reason_of_the_first(rating):
    seen = rating()
    page = seen.page
    next_after(page, lambda: press(page, "s", "3", "Enter"))
    next_after(page, lambda: press(page, "s", "Enter"))
    reasons = seen.study.column("SELECT DISTINCT comment FROM ratings ORDER BY id")
    assert reasons == ["It upsets me", "I cannot judge it"]


def test_skipping_asks_for_a_reason_and_help_names_the_keys(rating):
    seen = rating()
    page = seen.page
    before = shown_output(page)
    press(page, "?")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    press(page, "1", "Escape", "s", "Escape")
    assert shown_output(page) == before
    assert checked(page) == []
    next_after(page, lambda: press(page, "s", "2", "Enter"))
    reasons = seen.study.column("SELECT DISTINCT comment FROM ratings")
    assert reasons == ["The prompt makes no sense"]
    assert values(seen.study) == []


def test_keys_work_on_other_layouts_and_on_a_number_pad_without_numbers(rating):
    page = rating().page

    def type_as(key, code):
        page.evaluate(
            """([key, code]) => document.activeElement.dispatchEvent(
                new KeyboardEvent("keydown", {key, code, bubbles: true}))""",
            [key, code],
        )

    type_as("Home", "Numpad7")
    type_as("End", "Numpad1")
    assert checked(page) == []
    type_as("é", "Digit2")
    assert checked(page) == [2]
    # Russian: the question mark is above the 7, and the C key writes another letter.
    type_as("?", "Digit7")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    press(page, "Escape")
    type_as("с", "KeyC")
    assert page.locator("textarea").evaluate("node => node.matches(':focus')")


def test_an_answer_on_its_way_can_no_longer_be_changed_by_a_click(rating):
    page = rating().page
    page.route(re.compile("component_server"), lambda _: None)
    press(page, "4", "4", "Enter")
    assert status(page) == "Saving…"
    option = page.locator(".criterion").first.locator(".option").first
    box = option.bounding_box()
    page.mouse.click(box["x"] + 9, box["y"] + 9)
    assert checked(page) == [4, 4]


def test_a_key_that_is_held_down_or_hammered_skips_no_text(rating):
    seen = rating()
    page = seen.page
    press(page, "3", "3")
    before = shown_output(page)
    page.evaluate("document.querySelector('.output').dataset.old = 'yes'")
    for _ in range(10):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    page.wait_for_selector(".output:not([data-old])")
    press(page, *["Enter"] * 5)
    assert [text for text, _ in values(seen.study)] == [before]
    assert len(seen.requests) == 1


def test_a_screen_reader_finds_named_groups_and_arrows_move_in_them(rating):
    page = rating().page
    group = page.get_by_role("group", name="Does the rewrite keep the meaning?")
    radios = group.get_by_role("radio")
    assert radios.count() == 5
    assert group.get_by_role("radio", name="1 Another meaning").is_visible()
    assert page.get_by_role("progressbar", name="Rated so far").is_visible()
    # Nothing is chosen, nor marked as if it were, before the rater has chosen.
    assert checked(page) == []
    group.get_by_role("radio", name="1 Another meaning").focus()
    press(page, "ArrowDown", "ArrowDown")
    assert checked(page) == [3]
    press(page, "Tab", "Space")
    assert checked(page) == [3, 1]


def test_clicking_answers_and_marks_the_next_question(rating):
    page = rating().page
    page.locator(".criterion").first.locator(".option").nth(3).click()
    assert checked(page) == [4]
    assert "active" in page.locator(".criterion").nth(1).get_attribute("class")


@pytest.mark.parametrize("references", [False, True])
def test_right_answers_are_shown_only_where_the_plan_says_so(rating, references):
    page = rating(show_references=references).page
    panel = page.locator(".reference .text")
    assert panel.count() == references
    if references:
        assert re.fullmatch(r"Reference \d", panel.inner_text())


def test_progress_pace_and_time_left_are_told(rating):
    page = rating(outputs={"items": 2, "checkpoints": 1}).page
    where = page.locator("[data-part=where]")
    assert where.inner_text() == "0 rated · 2 left"
    next_after(page, lambda: press(page, "3", "3", "Enter"))
    told = r"1 rated · 1 left · about \d+ s at \d+ s each"
    assert re.fullmatch(told, where.inner_text())


def test_a_phone_shows_all_without_sideways_scrolling(rating):
    seen = rating(look=PHONE, outputs={"text": lambda *_: "word " * 3000 + "x" * 900})
    page = seen.page
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    save = page.get_by_role("button", name="Save and next")
    assert save.bounding_box()["y"] + save.bounding_box()["height"] <= 844
    for group in page.locator(".criterion").all():
        option = group.locator(".option").nth(2)
        option.scroll_into_view_if_needed()
        option.tap()
        assert option.bounding_box()["height"] >= 40
    next_after(page, save.tap)
    assert len(values(seen.study)) == 1


def test_hostile_texts_are_shown_literally_and_reach_nobody(rating):
    texts = HOSTILE
    seen = rating(
        outputs={
            "items": len(texts),
            "checkpoints": 1,
            "text": lambda number, _: texts[number],
        }
    )
    page, read = seen.page, []
    for _ in texts:
        read.append(shown_output(page))
        assert page.title() == "Rating"
        assert page.evaluate("document.documentElement.scrollWidth") == 1280
        save = page.get_by_role("button", name="Save and next")
        box = save.bounding_box()
        assert box["y"] + box["height"] <= 720
        on_top = page.evaluate(
            "at => document.elementFromPoint(...at).closest('button').dataset.part",
            [box["x"] + 5, box["y"] + 5],
        )
        assert on_top == "submit"
        next_after(page, lambda: press(page, "1", "1", "Enter"))
    assert sorted(read) == sorted([*texts[:-1], "(the model wrote nothing)"])
    assert all(url.startswith(seen.root) for url in seen.requests)
    assert seen.complaints == []


def test_signing_out_elsewhere_is_told_and_keeps_the_answer(rating):
    seen = rating()
    page = seen.page
    press(page, "4", "4")
    seen.study.db.execute("DELETE FROM sessions")
    seen.study.db.conn.commit()
    press(page, "Enter")
    problem = page.get_by_role("alert")
    problem.wait_for()
    assert "signed out" in problem.inner_text()
    assert checked(page) == [4, 4]
    assert values(seen.study) == []


def test_leaving_ends_on_a_page_that_asks_for_the_link(rating):
    page = rating().page
    page.get_by_role("button", name="Leave").click()
    page.get_by_role("heading", name="Please open your link").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground_in_both_schemes(rating, scheme):
    page = rating(look={"color_scheme": scheme}).page
    found = contrasts(page, ".text", ".definition", ".where", ".panel h2", ".primary")
    assert min(found.values()) >= 4.5, found
    ground = page.locator(".panel").first.evaluate(
        "node => getComputedStyle(node).backgroundColor"
    )
    assert (luminance(ground) < 0.2) == (scheme == "dark")
