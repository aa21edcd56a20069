"""The owner's page in a real browser: figures, links, remarks, blind verdicts."""

import os
import re
from pathlib import Path

import pytest
from raters_at_work import COMPARED, checkpoint_in, rate_all
from rating_study import add_scores

from harness.rate import Answer, answer, next_assignment, skip
from harness.study.raters import ensure_rater, rater_for_invite

pytestmark = pytest.mark.browser

PARTS = (
    *("Progress", "Raters", "Remarks", "Leaks", "Adjudicate"),
    *("Report", "Download"),
)
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
HOSTILE = "<img src=https://example.org/x onerror=alert(1)><b>bold</b> ${1+1}"


def off_by(points):
    """A rater who sees each checkpoint as a point better, and is off on one prompt."""

    def judge(shown):
        wrong = points if "Prompt 1 " in shown.prompt else 0
        number = checkpoint_in(shown.outputs[0])
        return {"meaning": 1 + number + wrong, "fluency": 3 + number % 2}

    return judge


def at_work(study, campaign):
    """Two raters disagree on one prompt, remark two things, and a third has begun."""
    rate_all(study, campaign, {"Ana": off_by(0)})
    ben = ensure_rater(study, "Ben")
    for remark in (HOSTILE, "I am not sure about the tense."):
        shown = next_assignment(study, campaign, ben)
        said = Answer(off_by(2)(shown), remark, 5.0, flagged=remark == HOSTILE)
        answer(study, ben, shown.token, said)
    shown = next_assignment(study, campaign, ben)
    skip(study, ben, shown.token, "The prompt makes no sense")
    rate_all(study, campaign, {"Ben": off_by(2)})
    cem = ensure_rater(study, "Cem")
    shown = next_assignment(study, campaign, cem)
    answer(study, cem, shown.token, Answer(off_by(0)(shown)))


def keep(page, name):
    """Save a screenshot where a folder for them is named."""
    if folder := os.environ.get("OWNER_SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def tab(page, name):
    page.get_by_role("tab", name=name).click()


@pytest.mark.slow
def test_figures_stand_beside_each_checkpoint_and_follow_the_raters(owning):
    opened = owning(at_work, raters_per_output=3)
    page = opened.page
    row = page.get_by_role("row", name=re.compile("ckpt-1"))
    assert "0 of 6" in row.inner_text() or "1 of 6" in row.inner_text()
    assert re.search(r"\d\.\d\d", row.inner_text())
    assert "Krippendorff" in page.locator("tfoot").inner_text()
    before = page.locator(".campaign .facts").inner_text()
    rate_all(opened.study, opened.campaign, {"Cem": off_by(0)})
    page.wait_for_function(
        "text => document.querySelector('.campaign .facts').innerText !== text",
        arg=before,
    )
    assert "17 of 18 units" in page.locator(".campaign .facts").inner_text()
    assert [url for url in opened.requests if not url.startswith(opened.root)] == []
    assert opened.complaints == []


def uneven(shown):
    """The later checkpoint keeps the meaning better; its English is no better."""
    prompt, number = int(shown.prompt.split()[1]), checkpoint_in(shown.outputs[0])
    gain = number * (1 + (prompt % 3 == 0) - (prompt % 7 == 0))
    return {"meaning": 2 + gain, "fluency": 3 + (prompt + number) % 2}


def some(study, campaign, answers=40):
    """Ana begins."""
    add_scores(study, lambda prompt, number: 40 + number * (prompt % 3 == 0))
    ana = ensure_rater(study, "Ana")
    for _ in range(answers):
        shown = next_assignment(study, campaign, ana)
        answer(study, ana, shown.token, Answer(uneven(shown)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "look", [{}, {"color_scheme": "dark"}, PHONE], ids=["light", "dark", "phone"]
)
def test_the_interval_shrinks_until_the_question_is_settled(owning, look):
    opened = owning(
        some,
        outputs={"items": 60, "checkpoints": 2},
        look=look,
        raters_per_output=1,
    )
    page = opened.page
    asked = page.locator(".asking")
    meaning = asked.filter(has_text="meaning: ckpt-1 minus ckpt-0")
    meaning.get_by_role("img").first.wait_for()
    assert asked.count() == 2
    first = meaning.locator(".to").inner_text()
    assert first == "40 ratings"
    rate_all(opened.study, opened.campaign, {"Ana": uneven})
    # Figures rest twenty times as long as they took, at first with imports.
    meaning.get_by_text("120 ratings", exact=True).wait_for(timeout=90_000)
    settled = meaning.get_by_text("settled: ckpt-1 is better", exact=True)
    settled.wait_for()
    fluency = asked.filter(has_text="fluency: ckpt-1 minus ckpt-0")
    assert "not settled" in fluency.locator(".verdict").inner_text()
    for band in ("always", "combined"):
        corners = meaning.locator(f"polygon.{band}").get_attribute("points").split()
        at = [tuple(map(float, corner.split(","))) for corner in corners]
        tall = [top[1] for top in at[: len(at) // 2]]
        deep = [low[1] for low in reversed(at[len(at) // 2 :])]
        assert deep[-1] - tall[-1] < deep[0] - tall[0]
    keep(page, f"questions-{'-'.join(look) or 'light'}")
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide
    assert opened.complaints == []


def test_a_link_is_made_and_shown_once_and_can_be_revoked(owning):
    opened = owning(at_work)
    page = opened.page
    tab(page, "Raters")
    page.get_by_label("New rater").fill("Dora")
    page.get_by_label("New rater").press("Enter")
    link = page.locator("[data-part=made-link]")
    link.wait_for()
    invite = link.inner_text().rpartition("/i/")[2]
    assert link.inner_text().startswith(f"{opened.root}/i/")
    assert rater_for_invite(opened.study, invite).name == "Dora"
    row = page.get_by_role("row", name=re.compile("Dora"))
    row.get_by_role("button", name="Revoke").click()
    assert rater_for_invite(opened.study, invite) is not None
    row.get_by_role("button", name="Really revoke").click()
    # Inexact, it would match "no" and "New link" side by side.
    row.get_by_text("none", exact=True).wait_for()
    assert rater_for_invite(opened.study, invite) is None


def test_remarks_show_texts_as_they_are_and_can_be_filtered(owning):
    opened = owning(at_work)
    page = opened.page
    tab(page, "Remarks")
    page.get_by_text("The prompt makes no sense").wait_for()
    assert page.locator(".remark").count() == 3
    page.get_by_label("Flagged only").check()
    page.wait_for_function("document.querySelectorAll('.remark').length === 1")
    remark = page.locator(".remark")
    assert HOSTILE in remark.inner_text()
    assert "ckpt-" in remark.inner_text()
    assert [url for url in opened.requests if not url.startswith(opened.root)] == []
    assert opened.complaints == []


def test_a_case_is_blind_until_it_is_decided(owning):
    opened = owning(at_work)
    page = opened.page
    tab(page, "Adjudicate")
    page.get_by_text("Case 1 of 3").wait_for()
    panel = page.locator("#panel-case")
    assert "ckpt" not in panel.inner_text()
    assert "Ana" not in panel.inner_text()
    page.get_by_role("button", name="Decide").click()
    page.get_by_text("'meaning' has no rating yet").wait_for()
    for group in page.locator("fieldset").all():
        group.get_by_role("radio").nth(3).check()
    page.get_by_label("Why").fill("The tense is wrong")
    page.get_by_role("button", name="Decide").click()
    page.get_by_text("Case 1 of 2").wait_for()
    decided = page.locator("[data-part=verdicts] .remark").inner_text()
    assert "ckpt-" in decided
    assert "meaning: 4" in decided
    rows = opened.study.rows("SELECT criterion, value, comment FROM adjudicated")
    assert [(row["criterion"], row["value"]) for row in rows] == [
        ("meaning", 4),
        ("fluency", 4),
    ]
    assert {row["comment"] for row in rows} == {"The tense is wrong"}


def test_ranks_are_decided_by_number(owning):
    def work(study, campaign):
        forth = {"meaning": [1, 2, 3], "fluency": [1, 1, 1]}
        rate_all(study, campaign, {"Ana": lambda _: forth})
        rate_all(study, campaign, {"Ben": lambda _: forth | {"meaning": [3, 2, 1]}})

    opened = owning(work, outputs={"items": 1}, scheme="ranking", criteria=COMPARED)
    page = opened.page
    tab(page, "Adjudicate")
    page.locator("fieldset").first.wait_for()
    names = page.locator("fieldset").first.locator("label").all_inner_texts()
    assert [name.split()[1] for name in names] == ["A", "B", "C"]
    for number, box in enumerate(page.locator("fieldset input").all()):
        box.fill(str(1 + number % 3))
    page.get_by_role("button", name="Decide").click()
    page.get_by_text("No open case").wait_for()
    decided = page.locator("[data-part=verdicts] .remark").inner_text()
    assert "meaning: 1, 2, 3" in decided
    assert opened.study.column("SELECT count(*) FROM adjudicated") == [6]


@pytest.mark.slow
def test_refreshing_keeps_focus_and_scroll(owning):
    opened = owning(at_work, outputs={"items": 8}, raters_per_output=3)
    page = opened.page
    tab(page, "Remarks")
    text = page.locator(".remark .text").first
    text.focus()
    page.evaluate("scrollTo(0, 200)")
    where = page.evaluate("scrollY")
    cem = ensure_rater(opened.study, "Cem")
    shown = next_assignment(opened.study, opened.campaign, cem)
    answer(opened.study, cem, shown.token, Answer(off_by(0)(shown), "One more"))
    page.evaluate("document.activeElement.dataset.mine = 'yes'")
    page.get_by_text("One more").wait_for()
    assert page.evaluate("document.activeElement.classList.contains('text')")
    assert page.evaluate("scrollY") >= where


def test_the_download_is_the_study(owning):
    page = owning(at_work).page
    tab(page, "Download")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "s-csv.zip"
    assert Path(download.value.path()).read_bytes().startswith(b"PK")


def test_leaving_signs_out(owning):
    page = owning(at_work).page
    page.get_by_role("button", name="Leave").click()
    page.get_by_text("Please open your link").wait_for()


@pytest.mark.parametrize(
    ("name", "look"),
    [
        ("light", {"viewport": {"width": 1280, "height": 800}}),
        ("dark", {"color_scheme": "dark"}),
        ("phone", PHONE),
    ],
)
def test_no_part_is_wider_than_the_window(owning, name, look):
    page = owning(at_work, raters_per_output=3, look=look).page
    for part in (
        "Progress",
        "Raters",
        "Remarks",
        "Leaks",
        "Adjudicate",
        "Report",
        "Download",
    ):
        tab(page, part)
        page.wait_for_timeout(400)
        keep(page, f"{part.lower()}-{name}")
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, part
