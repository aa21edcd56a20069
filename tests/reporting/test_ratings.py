"""Ratings as columns of numbers, by hand."""

from dataclasses import replace

import numpy as np
import pytest
from made_evidence import evidence_of

from harness.reporting.given_ratings import Rating
from harness.reporting.ratings import GivenBy, in_columns

NAMES = {4: "ann", 7: "ben"}


def rating(id_, output, rater, value, rated=None):
    return Rating(id_, rated or output, id_, output, "c", value, rater, "person", None)


@pytest.fixture
def columns():
    given = (
        rating(1, "b", 7, 3.0),
        rating(2, "a", 4, 1.0),
        rating(3, "b", 4, 5.0),
        rating(4, "b", 7, 4.0),  # again
        rating(5, "b", 7, 2.0, rated="x"),
        rating(5, "x", 7, 2.0),
    )
    return in_columns(given, as_rated=False)["c"]


def test_repeats_are_averaged_and_outputs_stand_as_they_were_first_rated(columns):
    assert columns.mapping == {"b": {7: 3.0, 4: 5.0}, "a": {4: 1.0}, "x": {7: 2.0}}
    assert list(columns.mapping) == ["b", "a", "x"]
    assert columns.means.tolist() == [4.0, 1.0, 2.0]
    expected = [[5.0, 3.0], [1.0, np.nan], [np.nan, 2.0]]
    assert np.array_equal(columns.table, expected, equal_nan=True)


def test_a_rating_of_equal_outputs_counts_once_under_the_one_that_was_shown():
    given = (rating(1, "b", 4, 2.0, rated="a"), rating(1, "a", 4, 2.0))
    assert in_columns(given, as_rated=True)["c"].mapping == {"a": {4: 2.0}}
    assert in_columns(given, as_rated=False)["c"].mapping.keys() == {"a", "b"}


def test_outputs_of_one_rater_alone_can_be_left_out(columns):
    assert columns.shared().mapping == {"b": {7: 3.0, 4: 5.0}}


def test_who_rated_an_output_is_found_without_reading_all(columns):
    by = GivenBy.of(columns)
    assert by.to("b", NAMES) == (("ben", 3.0), ("ann", 5.0))
    assert by.to("a", NAMES) == (("ann", 1.0),)


def test_ratings_are_arranged_twice_only_where_one_counts_for_several_outputs():
    given = evidence_of(np.array([[[1.0, 2.0], [3.0, np.nan]]]))
    assert given.rating_columns_once is given.rating_columns
    first = given.ratings[0]
    again = replace(first, output="c1/i1")
    shared = replace(given, ratings=(*given.ratings, again))
    assert "c1/i1" in shared.rating_columns["meaning"].outputs
    once = shared.rating_columns_once["meaning"]
    assert once.mapping == given.rating_columns["meaning"].mapping
