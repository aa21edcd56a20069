"""Ratings held as columns, by hand."""

import numpy as np
import pytest

from harness.reporting.given_ratings import GivenRatings, Rating, numbered

RATINGS = (
    Rating(1, "a", 10, "a", "good", 3.0, 7, "person", 2.5),
    Rating(2, "a", 10, "a", "fluent", 1.0, 7, "person", None),
    Rating(3, "b", 11, "b", "good", 5.0, 4, "imported", None),
    # One rating of two equal outputs.
    Rating(4, "b", 12, "b", "good", 4.0, 7, "person", 1.0),
    Rating(4, "b", 12, "c", "good", 4.0, 7, "person", 1.0),
)


@pytest.fixture
def given():
    return GivenRatings.of(RATINGS)


def test_columns_hold_the_ratings_as_they_are(given):
    assert tuple(given) == RATINGS
    assert (given[-1], given[1:3], len(given)) == (RATINGS[-1], [*RATINGS[1:3]], 5)
    assert GivenRatings.of(given) is given
    assert not GivenRatings.of(())


def test_a_rating_of_several_outputs_can_be_taken_once(given):
    assert tuple(given.once()) == RATINGS[:4]


def test_criteria_come_in_the_order_of_their_first_rating(given):
    found = given.by_criterion()
    assert list(found) == ["good", "fluent"]
    assert [one.id for one in found["good"]] == [1, 3, 4, 4]


def test_values_are_turned_by_criterion_and_what_gets_none_is_left_out(given):
    def less(rater, value):
        return np.where(rater == 4, np.nan, value - 1)

    found = given.turned({"good": less})
    assert [(one.id, one.value) for one in found] == [
        (1, 2.0),
        (2, 1.0),
        (4, 3.0),
        (4, 3.0),
    ]
    assert tuple(given) == RATINGS


def test_names_are_numbered_in_the_order_of_their_first_use():
    names, places = numbered(["b", "a", "b", "c"])
    assert (names, places.tolist()) == (("b", "a", "c"), [0, 1, 0, 2])
