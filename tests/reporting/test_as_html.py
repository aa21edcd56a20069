"""The report as a page: hostile text stays text, and nothing is loaded."""

import base64
import json
import re
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from report_study import fill, with_texts

from harness.report import report
from harness.reporting import render


class Page(HTMLParser):
    """What a browser would find."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.text, self.scripts, self.policy = [], [], [], ""
        self._in = None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._in = tag
        if tag == "script":
            self.scripts.append([dict(attrs).get("type"), ""])
        if dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attrs)["content"]

    def handle_endtag(self, tag):
        self._in = None

    def handle_data(self, data):
        if self._in == "script":
            self.scripts[-1][1] += data
        elif self._in != "style":
            self.text.append(data)


@pytest.fixture(scope="module")
def page(rated_page):
    return Page(rated_page)


def test_nothing_is_loaded_from_anywhere(page):
    for tag, attributes in page.tags:
        assert not {"src", "srcset", "data", "action", "background"} & set(attributes)
        assert attributes.get("href", "#").startswith("#"), tag
        assert tag not in {"link", "iframe", "object", "embed", "img", "base"}
    assert "default-src 'none'" in page.policy


def test_only_its_own_scripts_may_run(page):
    allowed = set(re.findall(r"'sha256-([^']+)'", page.policy))
    runs = [text for kind, text in page.scripts if kind != "application/json"]
    hashes = {base64.b64encode(sha256(s.encode()).digest()).decode() for s in runs}
    assert len(runs) == 2
    assert hashes == allowed
    assert "unsafe-inline" not in page.policy.split("script-src")[1].split(";")[0]
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)


def test_plotly_is_in_the_page_once(page):
    assert sum("plotly.js v" in text for _, text in page.scripts) == 1


def test_hostile_text_stays_text(hostile):
    found = Page(render(hostile, "html"))
    assert not any(tag in {"img", "a"} for tag, _ in found.tags)
    assert len(found.scripts) == 4
    shown = "".join(found.text)
    assert "</script><script>alert(1)</script>|<img src=x onerror=alert(1)>" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_hostile_text_in_figures_is_escaped_twice(hostile):
    data = [t for kind, t in Page(render(hostile, "html")).scripts if kind]
    assert not set("<>&\u202e\x1b") & set("".join(data))
    figures, outputs = map(json.loads, data)
    assert any("\\u202e </script>" in text for text in outputs["t0-scatter"]["texts"])
    [scatter] = [figure for name, figure in figures.items() if "scatter" in name]
    hovers = [text for trace in scatter["data"] for text in trace["text"]]
    # Plotly reads <br> and <b>, which are ours, and must find no other tag.
    assert {tag for h in hovers for tag in re.findall(r"<[^>]*>", h)} == {
        *("<b>", "</b>", "<br>")
    }


def test_every_section_is_there(page):
    shown = " ".join("".join(page.text).split())
    for title in (
        "Checkpoints",
        "Over training",
        "Agreement with people",
        "Furthest apart",
        "Raters",
        "How this was done",
    ):
        assert title in shown
    assert "Krippendorff's alpha (interval)" in shown
    assert "bleu|nrefs:1|case:mixed" in shown


def test_a_simulated_report_is_marked_first_and_names_no_people(maker):
    made = report(fill(maker, items=6, kinds=("simulated",)).study, draws=20)
    found = Page(render(made, "html"))
    shown = "".join(found.text)
    assert shown.strip().startswith("SIMULATED")
    assert shown.split("SIMULATED")[2].lstrip(": ").startswith("ratings in this")
    assert "people" not in shown.lower()


def test_a_report_without_figures_needs_no_script(maker):
    maker.items(("0", "say", ("yes",))).checkpoint("one", {"0": "yes"})
    page = render(report(maker.study, draws=20), "html")
    assert "script-src 'none'" in Page(page).policy
    assert "<script" not in page
    assert len(page) < 50_000


def test_several_tasks_are_linked_at_the_top(maker):
    maker.items(("0", "say", ("yes",))).checkpoint("one", {"0": "yes"})
    maker.task = "second"
    maker.items(("0", "say", ("yes",))).checkpoint("one", {"0": "yes"})
    found = Page(render(report(maker.study, draws=20), "html"))
    links = [attrs["href"] for tag, attrs in found.tags if tag == "a"]
    assert links == ["#t0", "#t1"]


def test_long_texts_are_folded_and_very_long_ones_are_cut(rated, rated_page):
    long = with_texts(rated, lambda text: f"{text} " + "and so on " * 50)
    assert render(long, "html").count('<details class="fold">') > 10
    assert '<details class="fold">' not in rated_page
    huge = render(with_texts(rated, lambda text: f"{text} " + "x" * 1_000_000), "html")
    assert "more characters" in huge
    assert len(huge) < len(rated_page) + 2_000_000


def test_each_raters_rating_stands_beside_a_disagreement(rated, rated_page):
    one = rated.tasks[0].disagreements[0]
    given = dict(one.output.given[one.criterion])
    assert set(given) == {"rater 0", "rater 1"}
    shown = "".join(Page(rated_page).text)
    assert f"{one.criterion} by rater 0: {given['rater 0']:g}, rater 1:" in shown
