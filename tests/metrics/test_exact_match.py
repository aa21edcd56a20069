"""Exact match, by hand."""

import pytest

from harness.errors import Unscorable
from harness.metrics import ExactMatch
from harness.types import Item


def match(text, *references, **settings):
    return ExactMatch(**settings).score(Item("1", "task", "1", "", references), text)


@pytest.mark.parametrize(
    ("text", "settings", "expected"),
    [
        ("Yes.", {}, 1),
        (" Yes.\n", {}, 1),
        (" Yes.", {"strip": False}, 0),
        ("yes.", {}, 0),
        ("yes.", {"lowercase": True}, 1),
        ("the Yes!", {}, 0),
        ("the  Yes!", {"normalize": "squad"}, 1),
        ("", {}, 0),
    ],
)
def test_what_counts_as_the_same(text, settings, expected):
    assert match(text, "Yes.", **settings) == expected


def test_any_reference_will_do():
    assert match("no", "yes", "no") == 1


def test_saying_nothing_can_be_right():
    assert match("", "") == 1


def test_articles_go_only_as_whole_words():
    assert match("an theatre", "theatre", normalize="squad") == 1
    assert match("atre", "theatre", normalize="squad") == 0


def test_without_reference_it_is_unscorable():
    with pytest.raises(Unscorable, match="no reference"):
        match("yes")


def test_the_mean_is_the_share_that_matches():
    metric, item = ExactMatch(), Item("1", "task", "1", "", ("a",))
    tallies = metric.tallies([(item, "a"), (item, "b"), (item, "a"), (item, "c")])
    assert metric.value(sum(tallies)) == 0.5
    assert (
        metric.signature == "exact_match|strip:True|lowercase:False|normalize:none|v1"
    )
