"""The columns that every rendering shows."""

from dataclasses import replace

import pytest

from harness.reporting.tables import columns
from harness.types import Estimate


@pytest.fixture(scope="module")
def task(rated):
    return rated.tasks[0]


def test_criteria_come_first_then_metrics_in_order(task):
    found = columns(task)
    assert [column.heading for column in found] == [
        *("meaning", "fluency", "perplexity ↓", "bleu", "chrf"),
        *("rouge1", "rouge2", "rougeL", "exact_match"),
    ]
    assert [column.rated for column in found] == [True] * 2 + [False] * 7
    assert {column.n for column in found} == {12}


def test_best_is_least_where_less_is_better(task):
    perplexity = columns(task)[2]
    values = {label: cell.value for label, cell in perplexity.checkpoints.items()}
    assert perplexity.best == {min(values, key=values.get)}


def test_equal_values_are_best_together(task):
    first = task.checkpoints[0]
    same = replace(first, human={"meaning": Estimate(9.0, n=3)})
    twins = (same, replace(same, label="twin"))
    column = columns(replace(task, checkpoints=twins))[0]
    assert column.best == {first.label, "twin"}


def test_differing_counts_have_no_common_one(task):
    first, second, *_ = task.checkpoints
    fewer = replace(second, human={"meaning": replace(second.human["meaning"], n=5)})
    assert columns(replace(task, checkpoints=(first, fewer)))[0].n is None
