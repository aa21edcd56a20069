"""What the messages of errors say."""

import inspect

import pytest

from harness import errors
from harness.errors import (
    FAILURES,
    HarnessError,
    InputError,
    MetricError,
    MissingPackage,
    NotFound,
    Unscorable,
    shown,
)


@pytest.mark.parametrize(
    ("name", "known", "message"),
    [
        ("blue", ["bleu", "ter"], "No metric named 'blue'. Did you mean 'bleu'?"),
        ("xyz", ["ter", "bleu"], "No metric named 'xyz'. There is: bleu, ter."),
        ("xyz", [], "No metric named 'xyz'. There is no metric yet."),
    ],
    ids=["near", "far", "none"],
)
def test_not_found_suggests_the_nearest_name_or_lists_all(name, known, message):
    assert str(NotFound("metric", name, known)) == message


def test_not_found_lists_no_more_than_twenty_names():
    message = str(NotFound("item", "?", [f"{n:03}" for n in range(500)]))
    assert "019" in message
    assert "020" not in message


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({}, "it is broken"),
        ({"file": "a.jsonl"}, "a.jsonl: it is broken"),
        ({"file": "a.jsonl", "line": 3}, "a.jsonl:3: it is broken"),
    ],
)
def test_input_error_puts_the_place_in_front(place, message):
    assert str(InputError("it is broken", **place)) == message


def test_metric_error_names_the_metric_and_quotes_its_cause():
    error = MetricError("mine", "failed on item 'q1'", KeyError("tags"))
    assert str(error) == "Metric 'mine' failed on item 'q1': KeyError: 'tags'"


def test_missing_package_says_how_to_install_it():
    assert "pip install '.[local]'" in str(MissingPackage("Running", "local"))


def test_every_error_but_unscorable_is_a_harness_error():
    raised = {
        thing
        for _, thing in inspect.getmembers(errors, inspect.isclass)
        if issubclass(thing, Exception) and thing.__module__ == "harness.errors"
    }
    assert {one for one in raised if not issubclass(one, HarnessError)} == {Unscorable}


def test_the_tree_in_the_docstring_names_every_error():
    for error in HarnessError.__subclasses__():
        assert error.__name__ in errors.__doc__


def test_failures_of_foreign_code_are_never_our_own_errors():
    assert not issubclass(HarnessError, FAILURES)
    assert not issubclass(KeyboardInterrupt, FAILURES)


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", ["x" * 10**6, nested(5000), list(range(10**5)), {"a": "b" * 10**5}]
)
def test_a_value_is_shown_short_however_long_or_deep(value):
    assert len(shown(value)) < 200


def test_a_short_value_is_shown_whole():
    assert shown({"a": [1, None, "b"]}) == "{'a': [1, None, 'b']}"
