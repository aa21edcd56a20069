"""How the rating page looks and reads where room is short or sight is no help."""

import pytest
from page_keys import press
from rating_study import FLUENCY, MEANING

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
LAPTOP = {"viewport": {"width": 1024, "height": 640}}
BARE = {**MEANING, "anchors": {}}


def ground(option):
    return option.locator(".number").evaluate(
        """node => {
            const of = () => getComputedStyle(node).backgroundColor;
            while (of() === "rgba(0, 0, 0, 0)") node = node.parentElement;
            return of();
        }"""
    )


@pytest.mark.parametrize("look", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_the_help_opens_at_its_beginning(rating, look):
    page = rating(look=look, scheme="spans", criteria=[BARE]).page
    page.get_by_role("button", name="Help").click()
    keys = page.get_by_role("dialog", name="Keys")
    assert keys.evaluate("node => node.scrollTop") == 0
    assert keys.get_by_role("heading").is_visible()


def test_keys_of_one_row_of_the_help_stand_side_by_side(rating):
    page = rating(look=LAPTOP, scheme="spans", criteria=[BARE]).page
    press(page, "?")
    rows = page.locator("dialog dt").evaluate_all(
        "rows => rows.map(row => [...row.children].map(key => key.offsetTop))"
    )
    assert all(len(set(tops)) == 1 for tops in rows)


@pytest.mark.parametrize(
    ("scheme", "criteria"), [("likert", [MEANING, FLUENCY]), ("ranking", [BARE])]
)
def test_what_is_chosen_stands_out_in_the_systems_own_colours(rating, scheme, criteria):
    look = {"forced_colors": "active"}
    page = rating(look=look, scheme=scheme, criteria=criteria).page
    press(page, "2")
    chosen, other = page.locator(".option:has(:checked)"), page.locator(".option")
    assert ground(chosen) != ground(other.first)


def test_anchors_of_a_long_scale_have_room_for_words(rating):
    anchors = {1: "Unintelligible throughout", 9: "As good as a professional's"}
    page = rating(points=9, criteria=[{**MEANING, "anchors": anchors}]).page
    words = page.locator(".option .anchor").first
    lines = words.evaluate(
        "node => node.offsetHeight / parseFloat(getComputedStyle(node).lineHeight)"
    )
    assert round(lines) == 1


def test_what_ranks_mean_is_said_with_each_question(rating):
    page = rating(scheme="ranking", criteria=[BARE, FLUENCY]).page
    for question in page.locator("[data-part=controls] > fieldset").all():
        said = page.locator("#" + question.get_attribute("aria-describedby"))
        assert said.inner_text().endswith("equal ranks are ties.")
