"""Markdown as a tree: by hand, hostile, and too much of it."""

import json
import time

import pytest

from harness.rendering import DEEPEST, TAGS, markdown_tree


def tags_of(tree):
    """Every tag in a tree, as the page would make elements of them."""
    for node in tree:
        if not isinstance(node, str):
            yield node[0]
            yield from tags_of(node[1:])


def words_of(tree):
    return "".join(
        node if isinstance(node, str) else words_of(node[1:]) for node in tree
    )


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("Some *em* **strong** `code`.", "p Some |em em| |strong strong| |code code|."),
        ("# One\n###### Six", "h1 One/h6 Six"),
        ("> quoted", "blockquote |p quoted|"),
        ("```py\na <b>\n```", "info py/pre a <b>\n"),
        ("    indented", "pre indented\n"),
        ("a  \nb\nc", "p a|br|b\nc"),
        ("~~gone~~\n\n---", "p |s gone|/hr"),
    ],
    ids=["inline", "headings", "quote", "fence", "indented", "breaks", "struck"],
)
def test_a_tree_by_hand(text, tree):
    def written(node):
        tag, *parts = node
        inside = "".join(p if isinstance(p, str) else f"|{written(p)}|" for p in parts)
        return f"{tag} {inside}" if inside else tag

    assert "/".join(map(written, markdown_tree(text))) == tree


def test_lists_keep_their_numbers():
    assert markdown_tree("- a\n- b\n\n7. seven") == (
        ("ul", ("li", "a"), ("li", "b")),
        ("ol", ("number", "7"), ("li", "seven")),
    )


def test_a_table_by_hand():
    assert markdown_tree("| a |\n| - |\n| 1 |") == (
        (
            "table",
            ("thead", ("tr", ("th", "a"))),
            ("tbody", ("tr", ("td", "1"))),
        ),
    )


def test_links_and_images_are_words_with_their_address():
    assert markdown_tree('[here](https://e.org "T") ![a *cat*](https://e.org/c)') == (
        (
            "p",
            ("link", "here"),
            ("address", 'https://e.org "T"'),
            " ",
            ("image", "a *cat*"),
            ("address", "https://e.org/c"),
        ),
    )


def test_an_address_that_is_its_own_text_is_said_once():
    assert markdown_tree("<https://e.org>") == (("p", ("link", "https://e.org")),)


HOSTILE = [
    "<script>alert(1)</script>",
    "<style>*{display:none}</style>",
    '<div style="position:fixed;inset:0">over</div>',
    '<form action="https://e.org"><button>Go</button></form>',
    "a <img src=x onerror=alert(1)> b",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "[click](javascript:alert(1))",
    "![x](data:image/svg+xml,<svg/onload=alert(1)>)",
    "<a href='javascript:alert(1)'>x</a>",
    '```"><script>alert(1)</script>\ncode\n```',
    "[a]: https://e.org '<script>'\n\n[a]",
    "| <b>a</b> |\n| - |\n| <i>1</i> |",
    "<!-- hidden -->\n\n<?php x ?> <![CDATA[ y ]]>",
    "\u202egnirts\u202c \u200b",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_markdown_has_only_known_tags_and_no_attributes(text):
    tree = markdown_tree(text)
    assert set(tags_of(tree)) <= TAGS
    # Nothing but tags and texts: there is no place for an attribute or a handler.
    assert json.loads(json.dumps(tree))
    for word in ("script", "alert(1)", "style", "onerror", "hidden"):
        assert (word in words_of(tree)) == (word in text)


@pytest.mark.parametrize(
    "text",
    ["> " * 300 + "deep", "*a **b " * 2000 + "x" + "** c*" * 2000, "- " * 50 + "x"],
    ids=["quotes", "emphasis", "lists"],
)
def test_what_is_nested_too_deep_is_shown_as_written(text):
    assert markdown_tree(text) is None


def test_what_is_nested_as_deep_as_allowed_is_drawn_whole():
    assert "deep" in words_of(markdown_tree("> " * (DEEPEST - 1) + "deep"))


@pytest.mark.parametrize(
    "text",
    ["", " \n\t", "[a]: https://e.org\n", "word " * 200_001],
    ids=["empty", "white space", "definitions alone", "a megabyte"],
)
def test_what_markdown_would_hide_or_is_too_long_is_shown_as_written(text):
    assert markdown_tree(text) is None


@pytest.mark.parametrize(
    "unit", ["[", "![", "[a](", "*a **b ", "`a", "<a href='", "|a", "&", "> - "]
)
def test_texts_made_to_be_slow_are_not(unit):
    begun = time.perf_counter()
    markdown_tree((unit * 200_000)[:200_000])
    # The slowest takes 0.7 s on two busy cores, thousands of brackets would take 60.
    assert time.perf_counter() - begun < 5
