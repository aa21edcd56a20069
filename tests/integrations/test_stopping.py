"""Stopping by a metric, from the values of each step."""

import pytest
from trained_models import suite

from harness.errors import NotFound, UsageError
from harness.integrations.evaluating import Evaluator
from harness.integrations.stopping import Stopping, check_known
from harness.types import Estimate
from harness.values import Value


def values(number, *, higher_is_better=True):
    return [
        Value(
            "questions",
            "chrf",
            "chrf|x",
            Estimate(number, n=4, method=""),
            higher_is_better=higher_is_better,
            directed=True,
        )
    ]


@pytest.fixture
def evaluator(tmp_path):
    return Evaluator.of(suite(tmp_path / "task"), tmp_path / "s.db", "run")


def test_an_evaluation_that_failed_is_no_step_of_the_curve(evaluator):
    found = {0: values(3.0), 2: [], 4: values(None), 6: values(1.0)}
    assert Stopping("chrf").curve(evaluator, None, found) == {0: 3.0, 6: 1.0}


def test_less_is_better_where_the_metric_says_so(evaluator):
    found = {0: values(3.0, higher_is_better=False)}
    assert Stopping("chrf").curve(evaluator, None, found) == {0: -3.0}


@pytest.mark.parametrize(
    ("by", "error", "says"),
    [
        ("chrff", NotFound, "Did you mean 'chrf'"),
        ("harness/other/chrf", NotFound, "harness/other/chrf"),
        ("length_ratio", UsageError, "neither more nor less"),
        ("bleu", UsageError, r"harness/questions/bleu \(tok:13a\); harness/questions/"),
    ],
)
def test_what_cannot_be_stopped_by_is_refused_before_a_training(
    tmp_path, by, error, says
):
    metrics = ["chrf", "length_ratio", "bleu", {"bleu": {"tokenize": "intl"}}]
    path = suite(tmp_path / "task", metrics=metrics)
    evaluator = Evaluator.of(path, tmp_path / "s.db", "run")
    for name in ("chrf", "harness/questions/chrf", "harness/questions/bleu (tok:intl)"):
        check_known(Stopping(name), evaluator)
    with pytest.raises(error, match=says):
        check_known(Stopping(by), evaluator)


@pytest.mark.parametrize(
    ("course", "patience", "over"),
    [
        ([1, 2, 2, 2], 2, True),
        ([1, 2, 2, 2.5], 2, False),
        ([float("-inf"), 1, 1], 2, False),
        ([3, 2, 1], 3, False),
        ([], 1, False),
    ],
)
def test_it_is_over_after_so_many_without_a_gain(course, patience, over):
    assert Stopping("chrf", patience).is_over(dict(enumerate(course))) == over
