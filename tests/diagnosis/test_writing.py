"""A diagnosis as text, Markdown, HTML and JSON."""

import html
import json
import re
from dataclasses import replace

import made_logs
import pytest

from harness.diagnose import diagnose
from harness.diagnosis import Check, Diagnosis, Example, Findings
from harness.diagnosis.verdict import verdict
from harness.diagnosis.writing import FORMATS, render_diagnosis
from harness.errors import NotFound

HOSTILE = "</script><script>alert(1)</script>\x1b[31m|<img src=x onerror=alert(1)> # [a](http://x.y)"


@pytest.fixture(scope="module")
def too_high():
    return diagnose(log=made_logs.rate_too_high())


@pytest.fixture
def hostile():
    example = Example(HOSTILE, HOSTILE)
    weights = {"malformed_data": 4.0}
    check = Check(
        HOSTILE,
        "data",
        "failure",
        HOSTILE,
        HOSTILE,
        HOSTILE,
        HOSTILE,
        (example,),
        weights,
    )
    return verdict([Findings((check,))])


def test_json_has_the_documented_keys(too_high):
    found = json.loads(render_diagnosis(too_high, "json"))
    assert found.keys() == {"causes", "checks", "not_checked"}
    keys = {"cause", "alternatives", "confidence", "evidence", "refute", "next"}
    assert {frozenset(one) for one in found["causes"]} == {frozenset(keys)}
    assert found["causes"][0]["cause"] == "learning_rate_too_high"
    assert found["causes"][0]["evidence"][0].keys() == {
        *("check", "area", "says", "examples")
    }
    keys = {"name", "status", "value", "threshold", "source"}
    assert {frozenset(one) for one in found["checks"]} == {frozenset(keys)}
    assert {frozenset(one) for one in found["not_checked"]} == {
        frozenset({"name", "reason"})
    }


def test_json_has_no_number_that_is_none():
    check = Check("one", "curves", "fine", float("inf"), "any", "a test", "So.")
    found = json.loads(render_diagnosis(Diagnosis((), (check,), ()), "json"))
    assert found["checks"][0]["value"] is None


def test_nothing_wrong_is_an_answer_with_what_was_checked():
    found = diagnose(log=made_logs.healthy())
    assert found.causes == ()
    said = render_diagnosis(found, "text")
    assert re.match(r"Nothing wrong was found. \d+ checks were made, \d+ could", said)
    assert "finite_values" in said


def test_a_single_check_is_told_in_the_singular():
    check = Check("one", "curves", "fine", 1.0, "any", "a test", "So.")
    said = render_diagnosis(Diagnosis((), (check,), ()), "text")
    assert said.startswith("Nothing wrong was found. 1 check was made.")


def test_nothing_to_check_is_said():
    assert render_diagnosis(diagnose(), "text").startswith("Nothing could be checked")


def test_text_names_evidence_doubt_and_the_next_experiment(too_high):
    said = render_diagnosis(too_high, "text")
    assert "1. learning_rate_too_high" in said
    assert "Not it if: " in said
    assert "Next: Run a third of the learning rate for 100 steps" in said
    assert "outputs: no study was named: --db STUDY" in said
    assert max(map(len, said.splitlines())) <= 100


def test_a_symptom_is_called_one():
    found = verdict(
        [
            Findings(
                (
                    Check(
                        "c", "curves", "failure", 1, "", "", "", (), {"overfitting": 6}
                    ),
                    Check(
                        "d", "data", "failure", 1, "", "", "", (), {"narrow_data": 4}
                    ),
                )
            )
        ]
    )
    for form in ("text", "md", "html"):
        said = render_diagnosis(found, form)
        assert "may be a mere symptom of narrow" in said


def test_rows_that_were_shown_are_not_shown_again():
    example = Example("row 7", "a telling row")
    weights = {"narrow_data": 4.0, "duplicate_data": 4.0}
    check = Check("d", "data", "failure", 1, "", "", "", (example,), weights)
    said = render_diagnosis(verdict([Findings((check,))]), "text")
    assert said.count("a telling row") == 1


@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_what_files_say_stays_text(hostile, form):
    said = render_diagnosis(hostile, form)
    assert "\x1b" not in said
    assert form == "text" or "<script>alert" not in said
    assert form == "text" or "<img" not in said


def test_an_unknown_form_is_refused():
    with pytest.raises(NotFound, match="text"):
        render_diagnosis(Diagnosis((), (), ()), "pdf")
    assert FORMATS == ("text", "md", "html", "json")


def test_the_page_draws_and_notes_the_curves_without_a_network(opened):
    page = render_diagnosis(diagnose(log=made_logs.learned_by_heart()), "html")
    assert "default-src 'none'" in html.unescape(page)
    with opened(page) as (tab, complaints, requests):
        tab.wait_for_selector("#diagnosis-0 .annotation")
        notes = " ".join(tab.locator("#diagnosis-0 .annotation").all_text_contents())
        drawn = tab.locator(".main-svg").count()
    assert "lowest held-out loss" in notes
    assert "base model" in notes
    assert drawn >= 2
    assert complaints == []
    assert {url.partition(":")[0] for url in requests} <= {"file", "data"}


LINE = """
getComputedStyle(document.querySelector(".legend .{}"), "::before").backgroundImage
"""
"""What a name in the legend is marked with, as an expression of JavaScript."""


def test_a_phone_shows_all_of_the_page_and_what_each_line_is(opened):
    log = replace(made_logs.learned_by_heart(), source="/runs/" + "a_long_name_" * 9)
    page = render_diagnosis(diagnose(log=log), "html")
    look = {"viewport": {"width": 390, "height": 800}, "color_scheme": "dark"}
    with opened(page, **look) as (tab, complaints, _):
        tab.locator("details").evaluate_all("all => all.forEach(o => o.open = true)")
        widths = tab.evaluate(
            "[document.documentElement, ...document.querySelectorAll('.wide')]"
            ".map(one => one.scrollWidth - one.clientWidth)"
        )
        lines = [tab.evaluate(LINE.format(one)) for one in ("s0", "s1")]
    assert set(widths) == {0}
    assert "none" not in lines
    assert lines[0] != lines[1]
    assert complaints == []


def test_curves_without_numbers_are_drawn_to_where_they_end(tmp_path):
    page = render_diagnosis(diagnose(log=made_logs.no_numbers()), "html")
    assert "no number from here" in page
