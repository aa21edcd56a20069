"""TER, by hand and against the figure that sacreBLEU publishes."""

import numpy as np
import pytest

from harness.metrics import Ter
from harness.types import Item


def ter(text, *references, **settings):
    metric = Ter(**settings)
    tally = metric.tally(Item("1", "task", "1", "", references), text)
    return float(metric.output_value(tally))


def test_sacrebleus_example_has_its_published_score():
    references = [
        ("The dog bit the man.", "The dog had bit the man."),
        ("It was not unexpected.", "No one was surprised."),
        ("The man bit him first.", "The man had bitten the dog."),
    ]
    outputs = ["The dog bit the man.", "It wasn't surprising."]
    outputs.append("The man had just bitten him.")
    items = [Item("1", "task", "1", "", texts) for texts in references]
    tallies = Ter().tallies(list(zip(items, outputs, strict=True)))
    assert float(Ter().value(np.sum(tallies, axis=0))) == pytest.approx(40.0)


@pytest.mark.parametrize(
    ("text", "reference", "expected"),
    [
        ("a b c d", "a b c d", 0),
        ("a b c x", "a b c d", 25),
        ("d a b c", "a b c d", 25),
        ("", "a b c d", 100),
        ("a b c d e f", "a b", 200),
    ],
    ids=["same", "one substitution", "one shift", "all missing", "four too many"],
)
def test_edits_by_hand(text, reference, expected):
    assert ter(text, reference) == pytest.approx(expected)


def test_edits_to_the_nearest_reference_by_the_mean_length():
    item = Item("1", "task", "1", "", ("a b c d", "a b"))
    assert list(Ter().tally(item, "a b x")) == [1, 3]


def test_words_against_an_empty_reference_are_all_wrong():
    assert ter("a b", "") == 100
    assert ter("", "") == 0


@pytest.mark.parametrize("reference", ["x " * 60, "a b c " * 20])
def test_an_output_that_would_take_minutes_is_unscored(reference):
    item = Item("1", "task", "1", "", (reference, "a b"))
    long, short = (item, "a b c d " * 501), (item, "a b")
    first, second = Ter().tallies([long, short])
    assert str(first) == (
        "its 2,004 words are too many: the search for shifts takes minutes"
    )
    assert list(second) == [0, (len(reference.split()) + 2) / 2]


def test_a_long_output_is_judged_by_a_short_reference():
    assert ter("c " * 3000, "a b") == 150_000


def test_lower_is_better():
    assert not Ter().higher_is_better
