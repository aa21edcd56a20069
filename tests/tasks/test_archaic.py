"""The modernize task's own metric: the share of archaic words."""

import math

import evaluate
import pytest

from harness.metrics.specs import build
from harness.task import bundled_tasks
from harness.types import Item

FOLDER = bundled_tasks()["modernize"].parent


@pytest.fixture(scope="module")
def archaic():
    return evaluate.load(str(FOLDER / "archaic.py"))


def score(archaic, text):
    (value,) = archaic.compute(predictions=[text], references=[""])["scores"]
    return value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Thou shalt not kill.", 2 / 4),
        ("He maketh me to lie down.", 1 / 6),
        ("And he saith unto them", 2 / 5),
        ("Hath he? YEA!", 2 / 3),
        ("You shall not murder.", 0),
        ("The highest priest and the best test of the forest", 0),
        ("The teeth of Japheth are beneath the twentieth and thirtieth", 0),
        ("A work of art", 0),
        ("Thou art here, knowest thou?", 4 / 5),
        ("lest thou fall", 1 / 3),
    ],
)
def test_share_by_hand(archaic, text, expected):
    assert score(archaic, text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "  ", "... !", "123"])
def test_a_text_without_words_has_no_share(archaic, text):
    assert math.isnan(score(archaic, text))


def test_the_corpus_value_is_the_mean_of_those_that_have_one(archaic):
    result = archaic.compute(
        predictions=["Thou shalt", "", "you will"], references=["a", "b", "c"]
    )
    assert result["archaic"] == pytest.approx(0.5)
    assert len(result["scores"]) == 3


def test_without_any_words_there_is_no_corpus_value(archaic):
    result = archaic.compute(predictions=[""], references=["a"])
    assert math.isnan(result["archaic"])


def test_several_references_are_taken_too(archaic):
    result = archaic.compute(predictions=["unto you"], references=[["a", "b"]])
    assert result["scores"] == [0.5]


def test_the_harness_learns_that_lower_is_better():
    (metric,) = build("evaluate:./archaic.py", FOLDER)
    assert not metric.higher_is_better


def test_the_harness_gets_a_score_for_each_output():
    (metric,) = build("evaluate:./archaic.py", FOLDER)
    item = Item("1", "modernize", "1", "prompt", ("reference",))
    tallies = metric.tallies([(item, "Thou shalt not kill."), (item, "Do not.")])
    assert [float(tally[0] / tally[1]) for tally in tallies] == [0.5, 0]


def test_the_modern_verses_are_far_less_archaic_than_the_old_ones(archaic):
    from harness.demo.tasks import task_data

    rows = task_data("modernize").held_out()
    old, new = (
        archaic.compute(
            predictions=[row[side] for row in rows], references=[""] * len(rows)
        )["archaic"]
        for side in ("source", "target")
    )
    assert old > 0.05
    assert new < 0.002
