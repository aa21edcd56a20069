"""The report as Markdown, as a real parser reads it."""

from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from harness.reporting import render
from harness.reporting.as_markdown import fenced, plain

READER = MarkdownIt("commonmark", {"html": True}).enable("table")


class Seen(HTMLParser):
    """Tags and text of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize(
    "text",
    [
        "a | b",
        "<b>bold</b> &lt;",
        "[a](http://x.y) ![i](http://x.y/i.png) [r][s]",
        "**b** _i_ `c` ~~s~~ \\",
        "# not a heading",
        "1. not a list",
        "- nor this",
        "> nor a quotation",
        "two\nlines\n\n---",
        "https://x.y www.x.y",
        "snake_case and 2*3*4",
    ],
)
def test_plain_text_reads_as_it_was_written(text):
    seen = Seen(READER.render(plain(text)))
    assert [tag for tag, _ in seen.tags] == ["p"]
    assert "".join(seen.text).strip() == " ".join(text.split())


def test_a_fence_is_longer_than_any_in_the_text():
    lines = fenced("a\n```\nb ````` c\n<b>")
    seen = Seen(READER.render("\n".join(lines)))
    assert [tag for tag, _ in seen.tags] == ["pre", "code"]
    assert "".join(seen.text).rstrip("\n") == "a\n```\nb ````` c\n<b>"


def test_hostile_outputs_stay_text_and_table_rows_stay_whole(hostile):
    seen = Seen(READER.render(render(hostile, "md")))
    assert {tag for tag, _ in seen.tags} <= {
        *("h1", "h2", "h3", "h4", "p", "strong", "ul", "li", "pre", "code"),
        *("table", "thead", "tbody", "tr", "th", "td", "blockquote", "em"),
    }
    assert "<script>alert(1)</script>" in "".join(seen.text)
    tables = render(hostile, "md").split("\n\n")
    for table in (part.split("\n") for part in tables if part.startswith("| ")):
        widths = {line.replace("\\|", "").count("|") for line in table}
        assert len(widths) == 1


def test_values_stand_with_interval_and_number(rated):
    page = render(rated, "md")
    checkpoint = rated.tasks[0].checkpoints[-1]
    bleu = next(e for s, e in checkpoint.metrics.items() if s.startswith("bleu|"))
    assert f"[{bleu.low:.1f}, {bleu.high:.1f}]" in page
    assert "bleu (n = 12)" in page
    assert "copy of the prompt (baseline)" in page
    assert "Krippendorff's alpha" in page
